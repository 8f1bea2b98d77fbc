"""Answers messages: from prepared bytes where it can, else by asking the core and keeping what it built.

Three steps, each for what the one before missed:

1. ``hot``: all bytes of a question after its id give all bytes of the reply after its id. Only complete answers that
   were asked often enough to have all their rotations built are in here.
2. ``_compiled``: name, type and size give the sections after the question, whatever the case of the letters.
3. The core decides, :mod:`mesos_dns.wire.build` writes.

A changed name throws out what was built for it, and nothing else. Names that do not exist are never kept, so nobody
can fill the memory by asking for them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mesos_dns.core.answers import ANY, DS, NOERROR, NXDOMAIN, REFUSED, SERVFAIL, SRV, Answer, Lookup, answer, clean
from mesos_dns.core.settings import ServeSettings
from mesos_dns.wire.build import Body, authority, build
from mesos_dns.wire.query import Query, name_text, parse, reply_code, wire_name

MAX_ROTATIONS = 16
"""Orders in which the values of one name are answered, in turn."""

MAX_COMPILED = 1 << 16
MAX_HOT = 1 << 16
"""Names and questions kept ready; when there are more, all are dropped and built again as they are asked."""

TCP_BYTES = 65535


class Forward(msgspec.Struct, frozen=True):
    """A question that is not ours: pass it on."""

    query: Query


class _Compiled:
    """What was built for one name."""

    __slots__ = ("bodies", "hot_keys", "next")

    def __init__(self) -> None:
        self.bodies: dict[tuple[int, int, bool, bool], tuple[list[Body], int]] = {}
        self.hot_keys: list[bytes] = []
        self.next = 0


class Responder:
    """Answers for one process.

    :param lookup: the zone, or this process' copy of it.
    :param is_inner: see :func:`mesos_dns.core.answers.answer`.
    """

    def __init__(self, settings: ServeSettings, lookup: Lookup, *, is_inner: object = None) -> None:
        self._settings, self._lookup = settings, lookup
        self._is_inner = is_inner if callable(is_inner) else None
        self._domain = wire_name(settings.domain)
        self._compiled: dict[bytes, _Compiled] = {}
        self.hot: dict[bytes, list[bytes]] = {}
        self.ready = False
        self._serial = -1
        self.set_serial(0)

    def set_serial(self, serial: int) -> None:
        """Tell the SOA's serial from now on: seconds since the epoch of the last change."""
        if serial != self._serial:
            self._serial = serial
            self._soa = authority(self._settings, serial, soa=True, ns=False)

    def forget(self, names: Iterable[str]) -> None:
        """Drop what was built for changed names."""
        for name in names:
            compiled = self._compiled.pop(wire_name(name), None)
            if compiled is not None:
                for key in compiled.hot_keys:
                    self.hot.pop(key, None)

    def respond(self, data: bytes, *, tcp: bool = False) -> bytes | Forward | None:
        """Answer one message; ``None`` is silence."""
        query = parse(data)
        if not isinstance(query, Query):
            return query
        if not self._is_ours(query):
            return Forward(query) if self._settings.external else reply_code(query, REFUSED)
        if not self.ready:
            return reply_code(query, SERVFAIL, recursion_available=self._settings.recursion_available)
        return self._answer(data, query, TCP_BYTES if tcp else query.size)

    def _is_ours(self, query: Query) -> bool:
        """Tell whether we answer; a zone's DS records are its parent's."""
        name = query.name
        if not name.endswith(self._domain):
            return False
        if len(name) == len(self._domain):
            return query.qtype != DS
        return _at_label(name, len(name) - len(self._domain)) and query.qtype != DS

    def _answer(self, data: bytes, query: Query, limit: int) -> bytes:
        key = (query.qtype, limit, query.edns, query.dnssec_ok)
        compiled = self._compiled.get(query.name)
        if compiled is not None and key in compiled.bodies:
            bodies, rotations = compiled.bodies[key]
            if len(bodies) == rotations:
                return self._from_bodies(data, query, compiled, bodies)
        text = name_text(query.name)
        name = None if text is None else clean(text)
        found = self._decide(name, query.qtype)
        if not found.records:
            return self._negative(query, found)
        rotations = min(len(found.records), MAX_ROTATIONS)
        if compiled is None:
            compiled = self._new_compiled(query.name, keep=name == text)
        bodies, _ = compiled.bodies.setdefault(key, ([], rotations))
        body = self._build(query, found, len(bodies), rotations, limit)
        if query.qtype != ANY:  # carries a serial, so it cannot be kept
            bodies.append(body)
        return self._reply(query, body)

    def _decide(self, name: str | None, qtype: int) -> Answer:
        if name is None:
            return Answer(rcode=NXDOMAIN, soa=True) if qtype != SRV else Answer()
        return answer(name, qtype, self._lookup, strict=self._settings.strict, is_inner=self._is_inner)

    def _new_compiled(self, name: bytes, *, keep: bool) -> _Compiled:
        if len(self._compiled) >= MAX_COMPILED:
            self._compiled.clear()
            self.hot.clear()
        compiled = _Compiled()
        if keep:
            self._compiled[name] = compiled
        return compiled

    def _build(self, query: Query, found: Answer, number: int, rotations: int, limit: int) -> Body:
        start = number * len(found.records) // rotations
        turned = found.records[start:] + found.records[:start]
        rotated = Answer(records=turned, targets=found.targets, soa=found.soa, ns=found.ns)
        return build(query, rotated, self._lookup, self._settings, self._serial, limit)

    def _from_bodies(self, data: bytes, query: Query, compiled: _Compiled, bodies: list[Body]) -> bytes:
        if query.simple and len(self.hot) < MAX_HOT:
            hot_key = data[2:]
            self.hot[hot_key] = [self._reply(query, body)[2:] for body in bodies]
            compiled.hot_keys.append(hot_key)
        compiled.next += 1
        return self._reply(query, bodies[compiled.next % len(bodies)])

    def _reply(self, query: Query, body: Body) -> bytes:
        available = self._settings.recursion_available
        flags = query.reply_flags(NOERROR, authoritative=True, recursion_available=available, truncated=body.truncated)
        return b"".join((query.id, flags, body.counts, query.question, body.sections))

    def _negative(self, query: Query, found: Answer) -> bytes:
        """Answer without records of the name's own."""
        if found.ns:
            count, sections = authority(self._settings, self._serial, soa=found.soa, ns=True)
        else:
            count, sections = self._soa if found.soa else (0, b"")
        opt = query.opt_record()
        flags = query.reply_flags(
            found.rcode, authoritative=True, recursion_available=self._settings.recursion_available
        )
        counts = bytes((0, 1, 0, 0, 0, count, 0, 1 if opt else 0))
        return b"".join((query.id, flags, counts, query.question, sections, opt))


def _at_label(name: bytes, position: int) -> bool:
    """Tell whether a label begins at ``position`` of a wire name."""
    at = 0
    while at < position:
        at += 1 + name[at]
    return at == position
