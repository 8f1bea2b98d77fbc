"""What the main process and its workers say to each other.

Down the pipe go length-framed MessagePack messages: settings once, all names, that questions may be taken, then changes
as they come. Up comes one datagram per question that a worker cannot answer itself, and now and then its counters.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from mesos_dns.core.settings import ServeSettings
from mesos_dns.core.table import NameRows

NAMES_PER_FRAME = 256
"""Changes taken over between two looks at the socket: about a millisecond."""

DATAGRAM_BYTES = 70_000
"""The longest message up: a whole UDP packet and an address."""

_LENGTH = struct.Struct("!I")


class Begin(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """How to answer; comes first."""

    settings: ServeSettings


class Changes(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Names that changed, and the serial from now on."""

    serial: int
    names: list[NameRows]


class Ready(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The zone is complete: answer from it."""


class Listen(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """All that is known so far has been told: begin to take questions."""


class Pass(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """A question to be passed on, and who asked."""

    packet: bytes
    address: tuple[Any, ...]


class Counted(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """What a worker has done since the last time."""

    answered: int
    dropped: int
    names: int


Down = Begin | Changes | Ready | Listen
Up = Pass | Counted

_encoder = msgspec.msgpack.Encoder()
_down: msgspec.msgpack.Decoder[Down] = msgspec.msgpack.Decoder(Down)
_up: msgspec.msgpack.Decoder[Up] = msgspec.msgpack.Decoder(Up)


def encode_down(message: Down) -> bytes:
    """Return a message with its length in front."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


def encode_up(message: Up) -> bytes:
    """Return one datagram."""
    return _encoder.encode(message)


def decode_up(datagram: bytes) -> Up:
    """Read one datagram."""
    return _up.decode(datagram)


class DownDecoder:
    """Takes bytes as they come and gives whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        self._buffer += data

    def next(self) -> Down | None:
        """Return the next whole message, or ``None`` when more bytes are needed."""
        if len(self._buffer) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
        if len(self._buffer) < end:
            return None
        message = _down.decode(memoryview(self._buffer)[_LENGTH.size : end].tobytes())
        del self._buffer[:end]
        return message
