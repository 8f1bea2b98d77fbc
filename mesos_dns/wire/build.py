"""Builds the part of a reply that follows its question. Runs once per changed name, not per question.

The records are written by dnslib. What does not fit is left out before it is built, so a name with thousands of
values costs no more than the few that are sent.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import msgspec
from dnslib import AAAA, RD, RR, SRV, A
from dnslib.label import DNSBuffer, DNSLabel

from mesos_dns.core.answers import Answer, Lookup
from mesos_dns.core.settings import ServeSettings
from mesos_dns.wire.query import HEADER_BYTES, Query, wire_name

_TYPES = {"A": 1, "AAAA": 28, "SRV": 33}
_SOA, _NS, _IN = 6, 2, 1
_TO_QUESTION = b"\xc0\x0c"
"""A pointer to the name in the question."""


class Body(msgspec.Struct, frozen=True, gc=False):
    """What follows the flags, but for the question in the middle: ``counts``, question, ``sections``."""

    counts: bytes
    sections: bytes
    truncated: bool = False


def authority(settings: ServeSettings, serial: int, *, soa: bool, ns: bool) -> tuple[int, bytes]:
    """Return count and bytes of the authority section; its records belong to the name in the question."""
    records = []
    if soa:
        times = (serial, settings.soa_refresh, settings.soa_retry, settings.soa_expire, settings.ttl)
        data = wire_name(settings.mname) + wire_name(settings.rname) + struct.pack("!5I", *times)
        records.append(_own_record(_SOA, settings.ttl, data))
    if ns:
        records.append(_own_record(_NS, settings.ttl, wire_name(settings.mname)))
    return len(records), b"".join(records)


def build(query: Query, answer: Answer, lookup: Lookup, settings: ServeSettings, serial: int, limit: int) -> Body:
    """Build the body of a reply that stays below ``limit`` bytes in all.

    :param answer: its records are tried in their order.
    :param lookup: where the addresses of services' hosts are found.
    """
    opt = query.opt_record()
    ns_count, ns_bytes = authority(settings, serial, soa=answer.soa, ns=answer.ns)
    writer = _Writer(query.question, limit - len(ns_bytes) - len(opt))
    owner = DNSLabel(_labels(query.name))
    count = writer.add(
        RR(owner, _TYPES[kind], _IN, settings.ttl, _data(kind, value, settings)) for kind, value in answer.records
    )
    complete = count == len(answer.records)
    extra_count = 0
    if complete:
        before = writer.mark()
        extra = _addresses(answer.targets, lookup, settings.ttl)
        extra_count = writer.add(extra)
        if extra_count < len(extra):
            complete, extra_count = False, 0
            writer.cut_back(before)
    return Body(
        struct.pack("!4H", 1, count, ns_count, extra_count + bool(opt)),
        writer.sections() + ns_bytes + opt,
        truncated=not complete and settings.truncate_bit,
    )


class _Writer:
    """Writes records after a question for as long as they fit; names point back where they can."""

    def __init__(self, question: bytes, limit: int) -> None:
        self._limit = limit
        self._buffer = DNSBuffer()
        self._buffer.append(b"\0" * HEADER_BYTES)
        self._buffer.encode_name(DNSLabel(_labels(question[:-4].lower())))
        self._buffer.append(question[-4:])
        self._start = self.mark()

    def add(self, records: Iterable[RR]) -> int:
        """Write records up to the first that does not fit and return how many were written."""
        count = 0
        for record in records:
            before = self.mark()
            record.pack(self._buffer)
            if self.mark() >= self._limit:
                self.cut_back(before)
                break
            count += 1
        return count

    def mark(self) -> int:
        """Return where the next record begins."""
        return len(self._buffer.data)

    def cut_back(self, mark: int) -> None:
        """Take back what was written since ``mark``."""
        self._buffer.data = self._buffer.data[:mark]
        self._buffer.offset = mark
        self._buffer.names = {name: at for name, at in self._buffer.names.items() if at < mark}

    def sections(self) -> bytes:
        """Return all that follows the question."""
        return bytes(self._buffer.data[self._start :])


def _data(kind: str, value: str, settings: ServeSettings) -> RD:
    match kind:
        case "A":
            return A(value)
        case "AAAA":
            return AAAA(value)
    target, _, port = value.rpartition(":")
    return SRV(0, settings.srv_weight, int(port), DNSLabel(_labels(wire_name(target))))


def _addresses(targets: Sequence[str], lookup: Lookup, ttl: int) -> list[RR]:
    """Return one A and one AAAA record for each host that has such addresses."""
    records = []
    for target in targets:
        rows = lookup(target.lower())
        if rows is not None:
            owner = DNSLabel(_labels(wire_name(target)))
            records += [RR(owner, 1, _IN, ttl, A(rows.a[0]))] if rows.a else []
            records += [RR(owner, 28, _IN, ttl, AAAA(rows.aaaa[0]))] if rows.aaaa else []
    return records


def _labels(wire: bytes) -> list[bytes]:
    labels = []
    position = 0
    while length := wire[position]:
        labels.append(wire[position + 1 : position + 1 + length])
        position += 1 + length
    return labels


def _own_record(rtype: int, ttl: int, data: bytes) -> bytes:
    return _TO_QUESTION + struct.pack("!HHIH", rtype, _IN, ttl, len(data)) + data
