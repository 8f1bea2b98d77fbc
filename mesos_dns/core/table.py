"""The names as an answering process holds them: flat, small, patched name by name."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mesos_dns.core.zone import Rows, Zone, target_of

MAX_NAME_BYTES = 255
MAX_LABEL_BYTES = 63
"""Limits of a name on the wire. Source: RFC 1035 2.3.4."""


class NameRows(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One changed name and its values now, as MessagePack of Rows; no bytes when the name is gone."""

    name: str
    rows: bytes


def servable(name: str) -> bool:
    """Tell whether a question can reach ``name``: questions are lower-cased, and labels have limits."""
    return (
        name.isascii()
        and name == name.lower()
        and len(name) < MAX_NAME_BYTES
        and all(0 < len(label) <= MAX_LABEL_BYTES for label in name[:-1].split("."))
    )


def encodable(name: str) -> bool:
    """Tell whether ``name`` can stand in an answer."""
    return servable(name.lower())


def name_rows(zone: Zone, names: Iterable[str]) -> list[NameRows]:
    """Return what an answering process has to know of ``names``; those that nobody can ask for are left out."""
    result = []
    for name in names:
        if servable(name):
            rows = zone.lookup(name)
            result.append(NameRows(name, b"" if rows is None else _encode(served(rows))))
    return result


def served(rows: Rows) -> Rows:
    """Return ``rows`` without the services whose host cannot be written into an answer."""
    if all(encodable(target_of(value)) for value in rows.srv):
        return rows
    return Rows(rows.a, rows.aaaa, tuple(value for value in rows.srv if encodable(target_of(value))))


class Table:
    """All names of the domain, each with its values still encoded."""

    def __init__(self, *, count_inner: bool = False) -> None:
        self._rows: dict[str, bytes] = {}
        self._inner: dict[str, int] | None = {} if count_inner else None

    def __len__(self) -> int:
        return len(self._rows)

    def apply(self, changes: Iterable[NameRows]) -> None:
        """Take over changed names."""
        for change in changes:
            known = change.name in self._rows
            if change.rows:
                self._rows[change.name] = change.rows
            elif known:
                del self._rows[change.name]
            if self._inner is not None and known != bool(change.rows):
                self._count(change.name, -1 if known else 1)

    def lookup(self, name: str) -> Rows | None:
        """Return the values of ``name``, or ``None`` when there is no such name."""
        encoded = self._rows.get(name)
        return None if encoded is None else _decode(encoded)

    def is_inner(self, name: str) -> bool:
        """Tell whether there are names below ``name``."""
        return self._inner is not None and name in self._inner

    def _count(self, name: str, step: int) -> None:
        assert self._inner is not None
        _, _, parent = name.partition(".")
        while parent:
            count = self._inner.get(parent, 0) + step
            if count:
                self._inner[parent] = count
            else:
                del self._inner[parent]
            _, _, parent = parent.partition(".")


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Rows).decode
