"""Reading many nodes with one request, which kazoo does not know: ``multiRead``, operation 22 since ZooKeeper 3.6.

A request of its own for each node costs kazoo a few hundred microseconds, whatever is in it; a table of a hundred
thousand rows would take half a minute to load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from kazoo.exceptions import EXCEPTIONS
from kazoo.protocol.serialization import (
    GetData,
    MultiHeader,
    int_struct,
    multiheader_struct,
    read_buffer,
    stat_struct,
)
from kazoo.protocol.states import ZnodeStat

_ERROR = -1


class MultiRead:
    """Ask for the data of all ``paths``. Shaped as kazoo's connection wants its requests."""

    type: ClassVar[int] = 22

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def serialize(self) -> bytes:
        """Return the request without its length and header."""
        header = MultiHeader(GetData.type, False, -1).serialize()
        parts = [header + GetData(path, None).serialize() for path in self._paths]
        return b"".join((*parts, multiheader_struct.pack(-1, True, -1)))

    @classmethod
    def deserialize(cls, answer: bytes, offset: int) -> list[Any]:
        """Return for each path its (data, stat), or the error of that path."""
        results: list[Any] = []
        header, offset = MultiHeader.deserialize(answer, offset)
        while not header.done:
            if header.type == _ERROR:
                results.append(EXCEPTIONS[int_struct.unpack_from(answer, offset)[0]]())
                offset += int_struct.size
            else:
                data, offset = read_buffer(answer, offset)
                results.append((data, ZnodeStat._make(stat_struct.unpack_from(answer, offset))))
                offset += stat_struct.size
            header, offset = MultiHeader.deserialize(answer, offset)
        return results
