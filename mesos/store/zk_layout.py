"""How rows lie in ZooKeeper, and which operations bring a batch there.

Below the root of a store::

    fence            who writes: writer, term, number of its last multi (see zk_pipeline)
    journal          empty, or the number of its children that make up one batch under way
    data/<bucket>/   256 buckets, two hexadecimal digits of the key's CRC-32, so that no list of children grows large
        <key>        percent-encoded; the value, or its first piece
    pieces/<key>/    the further pieces of a value too large for one node: 00001, 00002, ...

ZooKeeper refuses requests of more than 1 MiB (``jute.maxbuffer``). A batch that fits goes out as one multi. A larger
one is written to the journal first; setting the count on ``journal`` commits it, then its operations follow in several
multis and the journal is emptied. Whoever opens a store finishes a journal that is committed and drops one that is
not, so no crash leaves half a batch.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote

import msgspec

from mesos.effects import Delete, Put, Write
from mesos.zk import Create, Operation, Remove, Set

MULTI_BYTES = 900_000
"""Most that one multi may weigh, with some room below the 1,048,575 bytes that servers accept by default."""

PIECE_BYTES = 800_000
"""Most bytes of a value in one node."""

BUCKETS = 256

_OPERATION_BYTES = 150
"""Room for the header, the flags and the access list of an operation, beside its path and data."""

_decode_writes = msgspec.msgpack.Decoder(list[Put | Delete]).decode
_encode_writes = msgspec.msgpack.Encoder().encode


class Layout:
    """The paths of a store below ``root``."""

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")
        self.fence = f"{self.root}/fence"
        self.journal = f"{self.root}/journal"
        self.data = f"{self.root}/data"
        self.pieces = f"{self.root}/pieces"

    def buckets(self) -> list[str]:
        """Return the paths of all buckets."""
        return [f"{self.data}/{bucket:02x}" for bucket in range(BUCKETS)]

    def skeleton(self, fence_data: bytes) -> list[Operation]:
        """Return what creates an empty store."""
        return [
            Create(self.fence, fence_data),
            *(Create(path) for path in (self.journal, self.pieces, self.data, *self.buckets())),
        ]

    def row(self, key: str) -> str:
        """Return where the value of ``key``, or its first piece, is."""
        return f"{self.data}/{zlib.crc32(key.encode()) % BUCKETS:02x}/{node_name(key)}"

    def piece_parent(self, key: str) -> str:
        """Return the parent of the further pieces of ``key``."""
        return f"{self.pieces}/{node_name(key)}"

    def piece(self, key: str, number: int) -> str:
        """Return where piece ``number`` is, counted from 1."""
        return f"{self.pieces}/{node_name(key)}/{number:05}"

    def journal_part(self, number: int) -> str:
        """Return where part ``number`` of the journal is, counted from 0."""
        return f"{self.journal}/{number:05}"


def node_name(key: str) -> str:
    """Return the key as a legal node name: no slash, nothing unprintable, and neither ``.`` nor ``..``."""
    name = quote(key, safe="")
    return name.replace(".", "%2E") if name in (".", "..") else name


def key_of(name: str) -> str:
    """Return the key that :func:`node_name` encoded."""
    return unquote(name)


class Table:
    """Which nodes there are, once everything that was planned has happened; turns writes into operations.

    :param keys: every key of the store.
    :param pieces: how many further pieces there are, for keys that have some.
    """

    def __init__(self, layout: Layout, keys: Iterable[str] = (), pieces: dict[str, int] | None = None) -> None:
        self._layout = layout
        self.keys = set(keys)
        self._pieces = pieces or {}

    def is_whole(self, key: str) -> bool:
        """Say whether the value of ``key`` is in one node."""
        return key not in self._pieces

    def reads(self, key: str) -> list[str]:
        """Return the paths whose data, joined, is the value of ``key``."""
        further = range(1, self._pieces.get(key, 0) + 1)
        return [self._layout.row(key), *(self._layout.piece(key, number) for number in further)]

    def plan(self, writes: Sequence[Write]) -> list[list[Operation]]:
        """Return the multis that carry out ``writes`` as one, in order."""
        operations = [operation for write in writes for operation in self._operations(write)]
        if weight(operations) <= MULTI_BYTES:
            return [operations]
        parts = _cut(_encode_writes(list(writes)))
        journal: list[list[Operation]] = [[Create(self._layout.journal_part(i), part)] for i, part in enumerate(parts)]
        journal[-1].append(Set(self._layout.journal, str(len(parts)).encode()))
        return [*journal, *slices(operations), self.emptied_journal(len(parts))]

    def replay(self, payload: bytes, part_count: int) -> list[list[Operation]]:
        """Return the multis that finish a committed journal, whatever of it has been carried out already."""
        operations = [operation for write in _decode_writes(payload) for operation in self._operations(write)]
        return [*slices(operations), self.emptied_journal(part_count)]

    def emptied_journal(self, part_count: int) -> list[Operation]:
        """Return what empties the journal."""
        parts = (Remove(self._layout.journal_part(number)) for number in range(part_count))
        return [Set(self._layout.journal, b""), *parts]

    def _operations(self, write: Write) -> list[Operation]:
        key = write.key
        if isinstance(write, Delete):
            if key not in self.keys:
                return []
            self.keys.remove(key)
            return [Remove(self._layout.row(key)), *self._piece_operations(key, [])]
        first, *further = _cut(write.value)
        row = self._layout.row(key)
        operation: Operation = Set(row, first) if key in self.keys else Create(row, first)
        self.keys.add(key)
        return [operation, *self._piece_operations(key, further)]

    def _piece_operations(self, key: str, further: Sequence[bytes]) -> list[Operation]:
        """Make the further pieces of ``key`` be ``further``; those that go, go from the end, so no gap is ever left."""
        old, new = self._pieces.get(key), len(further)
        if old is None and not new:
            return []
        parent = self._layout.piece_parent(key)
        operations: list[Operation] = [] if old is not None else [Create(parent)]
        for number, data in enumerate(further, start=1):
            path = self._layout.piece(key, number)
            operations.append(Set(path, data) if number <= (old or 0) else Create(path, data))
        operations += [Remove(self._layout.piece(key, number)) for number in range(old or 0, new, -1)]
        if new:
            self._pieces[key] = new
        else:
            operations.append(Remove(parent))
            del self._pieces[key]
        return operations


def weight(operations: Iterable[Operation]) -> int:
    """Return about how many bytes ``operations`` take in a request, never less than they do."""
    return sum(_weight(operation) for operation in operations)


def slices(operations: Iterable[Operation]) -> list[list[Operation]]:
    """Cut ``operations`` into multis that are small enough."""
    multis: list[list[Operation]] = []
    total = MULTI_BYTES
    for operation in operations:
        total += _weight(operation)
        if total > MULTI_BYTES:
            multis.append([])
            total = _weight(operation)
        multis[-1].append(operation)
    return multis


def _weight(operation: Operation) -> int:
    data = b"" if isinstance(operation, Remove) else operation.data
    return len(operation.path) + len(data) + _OPERATION_BYTES


def _cut(value: bytes) -> list[bytes]:
    return [value[at : at + PIECE_BYTES] for at in range(0, len(value), PIECE_BYTES)] or [b""]
