"""All records, counted, so that what one row adds or takes touches its own names only.

Owns: which values a name has. Invariant: a value is there as long as at least one row gives it, and a name is there
as long as it has a value.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mesos_dns.core.records import Record

KINDS = ("A", "AAAA", "SRV")


class Rows(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The values of one name, in the order in which they came."""

    a: tuple[str, ...] = ()
    aaaa: tuple[str, ...] = ()
    srv: tuple[str, ...] = ()


def target_of(value: str) -> str:
    """Return the host of an SRV value ``target.:port``."""
    return value.rpartition(":")[0]


class Zone:
    """The records of the domain."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, dict[str, int]]] = {kind: {} for kind in KINDS}
        self._pointing: dict[str, dict[str, int]] = {}

    def apply(self, removed: Iterable[Record], added: Iterable[Record]) -> set[str]:
        """Take ``removed`` and put ``added``; return the names whose answers changed.

        A service name answers with its targets' addresses too, so it changes with them.
        """
        changed: set[Record] = set()
        for record in added:
            if self._add(record):
                changed ^= {record}
        for record in removed:
            if self._remove(record):
                changed ^= {record}
        names = {name for name, _, _ in changed}
        for name, kind, _ in changed:
            if kind != "SRV":
                names.update(self._pointing.get(name, ()))
        return names

    def lookup(self, name: str) -> Rows | None:
        """Return the values of ``name`` (lower case, with the trailing dot), or ``None`` when there is no such name."""
        a, aaaa, srv = (self.tables[kind].get(name) for kind in KINDS)
        if a is None and aaaa is None and srv is None:
            return None
        return Rows(tuple(a or ()), tuple(aaaa or ()), tuple(srv or ()))

    def names(self) -> set[str]:
        """Return every name."""
        return {name for table in self.tables.values() for name in table}

    def _add(self, record: Record) -> bool:
        name, kind, value = record
        values = self.tables[kind].setdefault(name, {})
        values[value] = values.get(value, 0) + 1
        if values[value] > 1:
            return False
        if kind == "SRV":
            pointing = self._pointing.setdefault(target_of(value), {})
            pointing[name] = pointing.get(name, 0) + 1
        return True

    def _remove(self, record: Record) -> bool:
        name, kind, value = record
        values = self.tables[kind][name]
        values[value] -= 1
        if values[value]:
            return False
        del values[value]
        if not values:
            del self.tables[kind][name]
        if kind == "SRV":
            self._unpoint(target_of(value), name)
        return True

    def _unpoint(self, target: str, name: str) -> None:
        pointing = self._pointing[target]
        pointing[name] -= 1
        if not pointing[name]:
            del pointing[name]
        if not pointing:
            del self._pointing[target]
