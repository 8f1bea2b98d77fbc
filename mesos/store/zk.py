"""A store in ZooKeeper, shared by all instances of a program and written by the elected one.

Batches that come in one tick, or while earlier ones are under way, go out together as one multi; several multis are
under way at once. Opening the store is what fences earlier writers off. See ``zk_layout`` for what lies where and
``zk_pipeline`` for order and fencing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import islice

from mesos.effects import Put, Write
from mesos.store.base import StoreError, check_key
from mesos.store.zk_layout import Layout, Table
from mesos.store.zk_opening import learn, take_over, unfinished
from mesos.store.zk_pipeline import VERSION_MAX, Done, Fence, Pipeline
from mesos.store.zk_reader import PatientReader
from mesos.zk import NoNode, Operation, Unsupported, Zk

log = logging.getLogger(__name__)

READS_AT_ONCE = 128
"""Rows asked for together while loading; bounds the answer, which has at most 800 kB for each."""

GROUP_BYTES = 100_000
"""Batches are put together up to about this size. Servers keep the last 500 transactions in memory
(``zookeeper.commitLogCount``): a stream of multis as large as allowed exhausts their heap, and is no faster."""

_WRITE_BYTES = 500
"""Room for the operations of one write, beside its key (percent-encoded, at most three times) and its value."""


class ZkStore:
    """Rows below one path of ZooKeeper. Made with :meth:`open`.

    A broken connection only delays writes; the loss of the session ends them with :class:`Fenced`.
    """

    def __init__(self, zk: Zk, layout: Layout, *, owns_zk: bool = False) -> None:
        self._zk, self._layout, self._owns_zk = zk, layout, owns_zk
        self._reader = PatientReader(zk, layout.root)
        self._table = Table(layout)
        self._queue: deque[tuple[tuple[Write, ...], asyncio.Future[None]]] = deque()
        self._flush_due = False
        self._closed = False
        self._pipeline: Pipeline | None = None

    @classmethod
    async def open(
        cls,
        zk: Zk,
        root: str,
        *,
        writer: str,
        term: int = 0,
        owns_zk: bool = False,
        version_max: int = VERSION_MAX,
    ) -> ZkStore:
        """Take the store over from whoever wrote to it, and learn what is there.

        :param writer: an id that no other opening of any store ever has.
        :param term: of the election that made us the writer; see ``mesos.election.base.Leader``.
        :param owns_zk: whether ``close`` stops ``zk``.
        :raises Fenced: when a writer of a later term has opened it.
        :raises StoreError: when ZooKeeper refuses.
        """
        store = cls(zk, Layout(root), owns_zk=owns_zk)
        layout, fence = store._layout, Fence(writer, term)
        version = await take_over(zk, layout, fence)
        store._pipeline = Pipeline(zk, layout.fence, fence, version, store._flush, store._fail_waiting, version_max)
        store._table = await learn(zk, layout)
        await store._finish(await unfinished(zk, layout, store._table))
        log.info("store opened", extra={"root": root, "term": term, "rows": len(store._table.keys)})
        return store

    async def load(self, prefix: str = "") -> dict[str, bytes]:
        """Return every key below ``prefix`` with its value."""
        await self._drained()
        keys = iter(sorted(key for key in self._table.keys if key.startswith(prefix)))
        rows: dict[str, bytes] = {}
        while chunk := list(islice(keys, READS_AT_ONCE)):
            rows.update(await self._read_many(chunk))
        return rows

    async def get(self, key: str) -> bytes | None:
        """Return the value of ``key``, if any."""
        await self._drained()
        return await self._read(key)

    async def write(self, batch: Sequence[Write]) -> None:
        """Make ``batch`` durable together with whatever else is waiting."""
        for write in batch:
            check_key(write.key)
        self._check_writable()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((tuple(batch), done))
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)
        await done

    async def close(self) -> None:
        """Finish what waits, for no longer than a session lasts, and write no more."""
        if self._closed:
            return
        try:
            async with asyncio.timeout(self._zk.session_timeout_s):
                await self._drained()
        except (TimeoutError, StoreError) as error:
            log.warning("store closed with writes under way", extra={"root": self._layout.root, "error": str(error)})
        self._closed = True
        self._writer.fail(StoreError("the store is closed"))
        if self._owns_zk:
            await self._zk.stop()

    @property
    def _writer(self) -> Pipeline:
        assert self._pipeline is not None, "a store is made with open()"
        return self._pipeline

    def _check_writable(self) -> None:
        if self._writer.failed is not None:
            raise self._writer.failed

    async def _drained(self) -> None:
        """Wait until every batch before this is durable."""
        if self._queue or not self._writer.is_idle:
            await self.write(())

    def _flush(self) -> None:
        """Send what waits, in multis as large as may be, as far as the window has room."""
        self._flush_due = False
        while self._queue and self._writer.has_room:
            writes, waiters = self._gather()
            self._submit(self._table.plan(writes), partial(_settle, waiters))

    def _gather(self) -> tuple[list[Write], list[asyncio.Future[None]]]:
        """Take batches that fit into one multi from the queue, at least one. Later writes replace earlier."""
        merged: dict[str, Write] = {}
        waiters: list[asyncio.Future[None]] = []
        total = 0
        while self._queue:
            batch, done = self._queue[0]
            total += sum(map(_weight, batch))
            if waiters and total > GROUP_BYTES:
                break
            self._queue.popleft()
            waiters.append(done)
            for write in batch:
                merged[write.key] = write
        return list(merged.values()), waiters

    def _fail_waiting(self, error: StoreError) -> None:
        queue, self._queue = self._queue, deque()
        _settle([done for _, done in queue], error)

    async def _read_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Read rows with one request where the servers can, but those in pieces one by one."""
        whole = [key for key in keys if self._table.is_whole(key)]
        try:
            nodes = await self._reader.ask(lambda: self._zk.get_many([self._table.reads(key)[0] for key in whole]))
            rows = {key: node.data for key, node in zip(whole, nodes, strict=True) if node is not None}
        except StoreError as error:
            if not isinstance(error.__cause__, Unsupported):
                raise
            rows = {}
        for key in keys:
            if key not in rows and (value := await self._read(key)) is not None:
                rows[key] = value
        return rows

    async def _read(self, key: str) -> bytes | None:
        """Read all pieces of a value, asked for in one breath, so that no write of ours comes between them."""
        while True:
            reads = [self._zk.get(path) for path in self._table.reads(key)]
            results = await asyncio.gather(*reads, return_exceptions=True)
            errors = [result for result in results if isinstance(result, BaseException)]
            if not errors:
                return b"".join(node.data for node in results if not isinstance(node, BaseException))
            if isinstance(errors[0], NoNode):
                return None
            await self._reader.recover(errors[0])

    async def _finish(self, multis: list[list[Operation]]) -> None:
        """Carry out what the writer before us left."""
        if multis:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._submit(multis, partial(_settle, [done]))
            await done

    def _submit(self, multis: list[list[Operation]], done: Done) -> None:
        for multi in multis[:-1]:
            self._writer.submit(multi, _ignore)
        self._writer.submit(multis[-1], done)


def _ignore(_: StoreError | None) -> None:
    """Leave it to the last multi of a batch to tell how the batch ended."""


def _weight(write: Write) -> int:
    value_bytes = len(write.value) if isinstance(write, Put) else 0
    return 3 * len(write.key.encode()) + value_bytes + _WRITE_BYTES


def _settle(waiters: Sequence[asyncio.Future[None]], error: StoreError | None) -> None:
    for future in waiters:
        if future.done():
            continue  # the caller was cancelled
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
