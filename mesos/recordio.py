"""RecordIO: ``<length in ASCII digits>\\n<that many bytes>``, again and again, nothing in between.

Source: Mesos ``recordio.hpp`` and the scheduler HTTP API. pymesos matches digits right at the start of its buffer, so
blank lines between records are an error here too.
"""

from __future__ import annotations

from mesos.errors import MezzoError

MAX_HEADER_BYTES = 20
"""Digits of the longest length, 2**64 - 1."""

MAX_RECORD_BYTES = 1 << 30
"""A longer record is taken for garbage."""


class RecordError(MezzoError):
    """The bytes are no RecordIO."""


def encode(record: bytes) -> bytes:
    """Return ``record`` with its length in front."""
    return b"%d\n%b" % (len(record), record)


class Decoder:
    """Takes bytes as they come and gives whole records. After an error it takes no more."""

    def __init__(self, max_record_bytes: int = MAX_RECORD_BYTES) -> None:
        self._buffer = bytearray()
        self._needed: int | None = None
        self._max_record_bytes = max_record_bytes

    def feed(self, data: bytes) -> list[bytes]:
        """Add ``data`` and return the records that are now complete, in order.

        :raises RecordError: when a length is no number, is 0 or is beyond the limit.
        """
        self._buffer += data
        records: list[bytes] = []
        position = 0
        while True:
            if self._needed is None:
                newline = self._buffer.find(b"\n", position, position + MAX_HEADER_BYTES + 1)
                if newline < 0:
                    if len(self._buffer) - position > MAX_HEADER_BYTES:
                        raise RecordError("a record's length has more than 20 digits")
                    break
                self._needed = self._length(bytes(self._buffer[position:newline]))
                position = newline + 1
            if len(self._buffer) - position < self._needed:
                break
            records.append(bytes(self._buffer[position : position + self._needed]))
            position += self._needed
            self._needed = None
        del self._buffer[:position]
        return records

    def _length(self, header: bytes) -> int:
        if not header.isdigit():
            raise RecordError(f"a record's length is no number: {header!r}")
        length = int(header)
        if not 0 < length <= self._max_record_bytes:
            raise RecordError(f"a record of {length} bytes; allowed are 1 to {self._max_record_bytes}")
        return length
