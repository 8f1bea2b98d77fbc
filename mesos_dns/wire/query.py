"""Reads questions. Whatever the bytes are, the result is a question, a refusal that can be sent, or silence.

Source: RFC 1035 4.1, RFC 6891 (EDNS), RFC 9619 (one question a message).
"""

from __future__ import annotations

import struct
from typing import NoReturn

import msgspec

from mesos_dns.core.answers import BADVERS, FORMERR, NOTIMP, REFUSED, SERVFAIL

HEADER_BYTES = 12
OPT = 41
IN, ANY_CLASS = 1, 255
MAX_NAME_BYTES = 255
MAX_RECORDS = 64
"""Records that a question may carry along; more is garbage."""

UDP_BYTES = 512
"""What everybody takes by UDP. Source: RFC 1035 2.3.4."""

EDNS_BYTES = 1232
"""The most that is sent by UDP, however much is asked for: it passes everywhere unfragmented."""

_QR, _OPCODE, _AA, _TC, _RD = 0x80, 0x78, 0x04, 0x02, 0x01
_RA, _CD = 0x80, 0x10
_RECORD = struct.Struct("!HHIH")


class Query(msgspec.Struct, frozen=True, gc=False):
    """One question.

    ``question`` is its section as asked; ``name`` the wire form of the name in lower case. ``edns``: an OPT record
    came along, with ``size`` bytes that may be answered; ``simple``: without options, so that many are alike.
    """

    id: bytes
    flags: bytes
    question: bytes
    name: bytes
    qtype: int
    edns: bool = False
    size: int = UDP_BYTES
    dnssec_ok: bool = False
    simple: bool = True

    def reply_flags(
        self, rcode: int, *, authoritative: bool, recursion_available: bool, truncated: bool = False
    ) -> bytes:
        """Return the two bytes of flags of a reply: RD and CD are copied."""
        first = _QR | (_AA if authoritative else 0) | (_TC if truncated else 0) | (self.flags[0] & _RD)
        return bytes((first, (_RA if recursion_available else 0) | (self.flags[1] & _CD) | (rcode & 15)))

    def opt_record(self, rcode: int = 0) -> bytes:
        """Return the OPT record of a reply, or nothing when none was asked with."""
        return opt_record(self.dnssec_ok, rcode) if self.edns else b""


def opt_record(dnssec_ok: bool, rcode: int = 0) -> bytes:
    """Return an OPT record that names our limit, the upper bits of ``rcode``, and DO as it was asked."""
    extended = (rcode >> 4) << 24 | (0x8000 if dnssec_ok else 0)
    return b"\0" + _RECORD.pack(OPT, EDNS_BYTES, extended, 0)


class _Malformed(Exception):
    """The bytes are no message."""


def parse(data: bytes) -> Query | bytes | None:
    """Read one message: a question, or the reply to what is none, or ``None`` for silence."""
    if len(data) < HEADER_BYTES or data[2] & _QR:
        return None
    if data[2] & _OPCODE:
        return refuse(data, NOTIMP)
    questions, answers, authorities, additionals = struct.unpack_from("!HHHH", data, 4)
    if questions == 0:
        return refuse(data, SERVFAIL)
    if questions > 1 or answers + authorities + additionals > MAX_RECORDS:
        return refuse(data, FORMERR)
    try:
        end = _skip_name(data, HEADER_BYTES, allow_pointer=False)
        question = data[HEADER_BYTES : end + 4]
        if len(question) != end + 4 - HEADER_BYTES:
            _malformed()
        qtype, qclass = struct.unpack_from("!HH", data, end)
        opt = _find_opt(data, end + 4, answers + authorities, additionals)
    except (_Malformed, struct.error, IndexError):
        return refuse(data, FORMERR)
    query = Query(data[:2], data[2:4], question, data[HEADER_BYTES:end].lower(), qtype)
    if opt is not None:
        query = _with_edns(query, *opt)
        if opt[1] >> 16 & 0xFF:
            return reply_code(query, BADVERS)
    if qclass not in (IN, ANY_CLASS):
        return reply_code(query, REFUSED)
    return query


def refuse(data: bytes, rcode: int) -> bytes:
    """Return a reply of a header alone, for a message that cannot be read further."""
    first = _QR | (data[2] & _OPCODE) | (0 if data[2] & _OPCODE else data[2] & _RD)
    return data[:2] + bytes((first, rcode)) + b"\0" * 8


def reply_code(query: Query, rcode: int, *, recursion_available: bool = False) -> bytes:
    """Return a reply of the question and a code."""
    flags = query.reply_flags(rcode, authoritative=False, recursion_available=recursion_available)
    opt = query.opt_record(rcode)
    return b"".join((query.id, flags, b"\0\1\0\0\0\0\0\1" if opt else b"\0\1\0\0\0\0\0\0", query.question, opt))


def name_text(wire: bytes) -> str | None:
    """Return a wire name as text with the trailing dot; ``None`` when it is none of ours: not ASCII, or odd."""
    labels = []
    position = 0
    while length := wire[position]:
        label = wire[position + 1 : position + 1 + length]
        if b"." in label or not label.isascii():
            return None
        labels.append(label.decode("ascii"))
        position += 1 + length
    return ".".join(labels) + "."


def wire_name(text: str) -> bytes:
    """Return the wire form of a name that fits on the wire."""
    labels = text.rstrip(".").encode("ascii").split(b".")
    return b"".join(bytes((len(label),)) + label for label in labels if label) + b"\0"


def _with_edns(query: Query, size: int, ttl: int, length: int) -> Query:
    limit = EDNS_BYTES if size >= EDNS_BYTES else UDP_BYTES  # few sizes, so that many questions are alike
    return Query(
        query.id,
        query.flags,
        query.question,
        query.name,
        query.qtype,
        edns=True,
        size=limit,
        dnssec_ok=bool(ttl & 0x8000),
        simple=length == 0,
    )


def _find_opt(data: bytes, position: int, before: int, additionals: int) -> tuple[int, int, int] | None:
    """Walk over all records and return class, TTL and length of the OPT record, which there may be one of."""
    found = None
    for number in range(before + additionals):
        start = position
        position = _skip_name(data, position, allow_pointer=True)
        rtype, rclass, ttl, length = _RECORD.unpack_from(data, position)
        position += _RECORD.size + length
        if position > len(data):
            _malformed()
        if rtype == OPT:
            if found or number < before or data[start] != 0:
                _malformed()
            found = (rclass, ttl, length)
    return found


def _skip_name(data: bytes, position: int, *, allow_pointer: bool) -> int:
    """Return where the name at ``position`` ends. Pointers are not followed, so they cannot loop."""
    start = position
    while True:
        length = data[position]
        if length == 0:
            return position + 1
        if length & 0xC0:
            if length & 0xC0 != 0xC0 or not allow_pointer:
                _malformed()
            return position + 2
        position += 1 + length
        if position - start >= MAX_NAME_BYTES:
            _malformed()


def _malformed() -> NoReturn:
    raise _Malformed
