"""Sends multis to ZooKeeper in order, several at once, for one writer and no other.

Every multi also sets the node ``fence``, and only at the version that the multi before it left. That one operation
gives three things:

* order: when a multi is lost, those sent after it fail too, none overtakes;
* fencing: a later writer changes the node when it opens the store, and nothing of an earlier one succeeds after that;
* certainty: the node says which multi was the last, so after a broken connection we know what has to be sent again,
  and nothing is carried out twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from mesos.store.base import Fenced, StoreError
from mesos.zk import (
    BadVersion,
    ConnectionLost,
    Create,
    NoNode,
    Operation,
    Remove,
    SessionLost,
    SessionState,
    Set,
    Zk,
    ZkError,
    retry_pause_s,
)

log = logging.getLogger(__name__)

WINDOW = 8
"""Multis sent and not yet answered. More would not be faster, and what waits gathers into larger multis."""

VERSION_MAX = 2**31 - 2**20
"""Versions are signed 32-bit numbers; before they run out, the fence is created anew in the same multi."""

Done = Callable[[StoreError | None], None]


class Fence(msgspec.Struct, frozen=True):
    """Who writes, elected in which term, and how many multis it has sent."""

    writer: str
    term: int = 0
    count: int = 0


encode_fence = msgspec.json.Encoder().encode
decode_fence = msgspec.json.Decoder(Fence).decode


class Pipeline:
    """The way of one writer to its store.

    :param fence: as this writer has just set it at ``path``.
    :param version: the version of that node then.
    :param on_progress: called when the window has room again.
    :param on_failed: called once, when this writer can write no more.
    """

    def __init__(
        self,
        zk: Zk,
        path: str,
        fence: Fence,
        version: int,
        on_progress: Callable[[], None],
        on_failed: Callable[[StoreError], None],
        version_max: int = VERSION_MAX,
    ) -> None:
        self._zk, self._path, self._fence, self._version = zk, path, fence, version
        self._on_progress, self._on_failed, self._version_max = on_progress, on_failed, version_max
        self._entries: deque[_Entry] = deque()
        self._sent = 0
        self._count = fence.count
        self._resuming: asyncio.Task[None] | None = None
        self.failed: StoreError | None = None
        zk.add_listener(self._session_changed)

    @property
    def has_room(self) -> bool:
        """Whether what is submitted now would leave now."""
        return self.failed is None and self._resuming is None and len(self._entries) < WINDOW

    @property
    def is_idle(self) -> bool:
        """Whether everything submitted has been answered."""
        return not self._entries

    def submit(self, operations: Sequence[Operation], done: Done) -> None:
        """Send ``operations`` as one multi after all earlier ones; ``done`` hears how it ended."""
        if self.failed is not None:
            done(self.failed)
            return
        self._count += 1
        self._entries.append(_Entry(self._count, operations, done))
        self._send()

    def fail(self, error: StoreError) -> None:
        """Give up: everything not answered ends with ``error``, and so does what is submitted later."""
        if self.failed is not None:
            return
        self.failed = error
        self._zk.remove_listener(self._session_changed)
        if self._resuming is not None:
            self._resuming.cancel()
        entries, self._entries = self._entries, deque()
        for entry in entries:
            entry.done(error)
        self._on_failed(error)

    def _send(self) -> None:
        while self._resuming is None and self._sent < min(len(self._entries), WINDOW):
            entry = self._entries[self._sent]
            self._sent += 1
            entry.answer = self._zk.multi([*self._fence_operations(entry.number), *entry.operations])
            entry.answer.add_done_callback(lambda answer, entry=entry: self._answered(entry, answer))  # type: ignore[misc]

    def _fence_operations(self, number: int) -> list[Operation]:
        data = encode_fence(Fence(self._fence.writer, self._fence.term, number))
        version = self._version
        if version >= self._version_max:
            self._version = 0
            return [Remove(self._path, version), Create(self._path, data)]
        self._version += 1
        return [Set(self._path, data, version)]

    def _answered(self, entry: _Entry, answer: asyncio.Future[None]) -> None:
        error = answer.exception()
        if self.failed is not None or self._resuming is not None:
            return  # nobody waits any more, or the fence will tell what happened to it
        if error is None:
            self._entries.popleft()
            self._sent -= 1
            entry.done(None)
            self._send()
            self._on_progress()
        elif isinstance(error, ConnectionLost | BadVersion):
            self._resuming = asyncio.get_running_loop().create_task(self._resume())
        elif isinstance(error, SessionLost):
            self.fail(Fenced(str(error)))
        else:
            self.fail(StoreError(f"cannot write below {self._path.rpartition('/')[0]}: {error}"))

    async def _resume(self) -> None:
        """Find out what happened to the multis under way, and go on after the last that took effect."""
        await asyncio.wait([entry.answer for entry in self._entries if entry.answer is not None])
        try:
            version, fence = await self._read_fence()
        except Exception as error:
            self._resuming = None
            self.fail(error if isinstance(error, StoreError) else StoreError(f"cannot read {self._path}: {error}"))
            return
        log.info("resuming writes", extra={"path": self._path, "applied": fence.count, "decided": self._count})
        self._version, self._sent, self._resuming = version, 0, None
        applied = [entry for entry in self._entries if entry.number <= fence.count]
        for entry in applied:
            self._entries.popleft()
            entry.done(None)
        self._send()
        self._on_progress()

    async def _read_fence(self) -> tuple[int, Fence]:
        while True:
            await self._zk.connected()
            try:
                await self._zk.sync(self._path)
                node = await self._zk.get(self._path)
            except SessionLost as error:
                raise Fenced(str(error)) from error
            except NoNode as error:
                raise Fenced(f"the store {self._path.rpartition('/')[0]} has been removed") from error
            except ZkError as error:
                await asyncio.sleep(retry_pause_s(error))
                continue
            fence = decode_fence(node.data)
            if fence.writer != self._fence.writer:
                raise Fenced(f"{fence.writer} of term {fence.term} writes to {self._path.rpartition('/')[0]} now")
            return node.version, fence

    def _session_changed(self, state: SessionState) -> None:
        if state is SessionState.LOST:
            self.fail(Fenced("the ZooKeeper session was lost"))


class _Entry:
    """One multi: its place in the order, and who wants to know."""

    __slots__ = ("answer", "done", "number", "operations")

    def __init__(self, number: int, operations: Sequence[Operation], done: Done) -> None:
        self.number, self.operations, self.done = number, operations, done
        self.answer: asyncio.Future[None] | None = None
