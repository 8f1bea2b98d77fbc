"""Stands for election: keeps one ephemeral sequential node under the election's path.

The node goes with the session. Then, and when somebody deletes it, another one is created, which queues up behind all
others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from mesos.election import nodes
from mesos.zk import NoNode, SessionState, Zk, ZkError, retry_pause_s

log = logging.getLogger(__name__)


class ZkContender:
    """Contends with a node ``<path>/<label>_<sequence>`` that holds ``data``.

    :param zk: a started client; it is not stopped by this.
    """

    def __init__(self, zk: Zk, path: str, label: str, data: bytes) -> None:
        self._zk, self._path, self._label, self._data = zk, path, label, data
        self._gone = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to contend."""
        self._zk.add_listener(self._session_changed)
        self._task = asyncio.get_running_loop().create_task(self._contend())

    async def stop(self) -> None:
        """Contend no longer and remove our node."""
        self._zk.remove_listener(self._session_changed)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._zk.state is SessionState.CONNECTED:
            with contextlib.suppress(ZkError):  # what is left goes with the session
                await self.withdraw()

    async def withdraw(self) -> None:
        """Remove our node; a contender that is not stopped queues up again. :raises ZkError: when it cannot be."""
        for path in await self._own_nodes():
            with contextlib.suppress(NoNode):
                await self._zk.delete(path)

    async def _contend(self) -> None:
        while True:
            await self._zk.connected()
            self._gone.clear()
            try:
                await self._enter()
            except ZkError as error:
                log.warning("cannot contend", extra={"path": self._path, "error": str(error)})
                await asyncio.sleep(retry_pause_s(error))
                continue
            await self._gone.wait()

    async def _enter(self) -> None:
        """Make sure that we have a node and hear of its end.

        A creation whose connection broke may have succeeded, so we look for a node of ours before we create one.
        """
        await self._zk.ensure_path(self._path)
        own = await self._own_nodes()
        if own:
            node = own[0]
        else:
            node = await self._zk.create(self._join(f"{self._label}_"), self._data, ephemeral=True, sequence=True)
            log.info("contending", extra={"node": node})
        if await self._zk.exists(node, watch=self._gone.set) is None:
            self._gone.set()

    async def _own_nodes(self) -> list[str]:
        own: list[str] = []
        for name in await self._zk.children(self._path):
            parts = nodes.split(name)
            if parts is None or parts[0] != self._label:
                continue
            node = await self._zk.exists(self._join(name))
            if node is not None and node.owner == self._zk.session_id:
                own.append(self._join(name))
        return own

    def _join(self, name: str) -> str:
        return f"{self._path.rstrip('/')}/{name}"

    def _session_changed(self, state: SessionState) -> None:
        """Look after our node again: its watch ended with the connection, and it may be gone with the session."""
        if state is not SessionState.SUSPENDED:
            self._gone.set()
