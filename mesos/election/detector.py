"""Follows who leads through the nodes that contenders keep in ZooKeeper.

The leader is the lowest sequence number under the path. It is computed anew whenever the children change, whenever the
connection comes back, and never from what was known before. A client that has heard nothing for as long as its session
lasts knows of no leader: whoever led may have lost its own session meanwhile, and if it leads itself it must stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from mesos.election import nodes
from mesos.election.base import Leader, OnLeader
from mesos.zk import NoNode, SessionState, Zk, ZkError, retry_pause_s

log = logging.getLogger(__name__)


class ZkDetector:
    """Follows the contenders under ``path`` whose nodes have one of ``labels``.

    :param zk: a started client; it is not stopped by this.
    """

    def __init__(self, zk: Zk, path: str, labels: Sequence[str] = nodes.MASTER_LABELS) -> None:
        self._zk, self._path, self._labels = zk, path, tuple(labels)
        self._on_change: OnLeader | None = None
        self._current: Leader | None = None
        self._reported = False
        self._dirty = asyncio.Event()
        self._known = asyncio.Event()
        self._deadline: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, on_change: OnLeader) -> None:
        """Begin to follow."""
        self._on_change = on_change
        self._zk.add_listener(self._session_changed)
        self._dirty.set()
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def leader(self) -> Leader:
        """Wait until somebody leads and return it."""
        while self._current is None:
            await self._known.wait()
        return self._current

    async def stop(self) -> None:
        """Follow no longer."""
        self._on_change = None
        self._zk.remove_listener(self._session_changed)
        self._cancel_deadline()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        while True:
            await self._dirty.wait()
            await self._zk.connected()
            self._dirty.clear()
            try:
                leader = await self._read()
            except ZkError as error:
                log.warning("cannot read the leader", extra={"path": self._path, "error": str(error)})
                self._dirty.set()
                await asyncio.sleep(retry_pause_s(error))
                continue
            if self._zk.state is SessionState.CONNECTED:
                self._report(leader)

    async def _read(self) -> Leader | None:
        try:
            names = await self._zk.children(self._path, watch=self._dirty.set)
        except NoNode:
            if await self._zk.exists(self._path, watch=self._dirty.set) is not None:
                self._dirty.set()
            return None
        name = nodes.first(names, self._labels)
        if name is None:
            return None
        try:
            node = await self._zk.get(f"{self._path.rstrip('/')}/{name}")
        except NoNode:
            return await self._read()
        return Leader(name, node.data, node.created, node.owner)

    def _session_changed(self, state: SessionState) -> None:
        self._cancel_deadline()
        if state is SessionState.CONNECTED:
            self._dirty.set()
        elif state is SessionState.LOST:
            self._report(None)
        else:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._zk.session_left_s, self._report, None)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _report(self, leader: Leader | None) -> None:
        if self._on_change is None or (self._reported and leader == self._current):
            return
        self._current, self._reported = leader, True
        if leader is None:
            self._known.clear()
        else:
            self._known.set()
        log.info("leader detected", extra={"path": self._path, "node": leader.node if leader else None})
        self._on_change(leader)
