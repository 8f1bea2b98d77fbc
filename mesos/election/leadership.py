"""Leads, or follows, but knows at every moment which: contender and detector in one.

A leader must stop before another one starts. It is told to at once when its session is lost, when it has heard nothing
from the servers for as long as the session lasts, when its node is gone, or when another node is first. What it had
sent to the store until then is refused there if a later leader has opened it (see ``mesos.store.zk``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from mesos.election.base import Leader, OnLeader
from mesos.election.contender import ZkContender
from mesos.election.detector import ZkDetector
from mesos.zk import SessionState, Zk, ZkError

log = logging.getLogger(__name__)


class ZkElection:
    """Contends under ``path`` with nodes ``<label>_<sequence>`` that hold ``data``.

    :param zk: a started client; it is not stopped by this.
    """

    def __init__(self, zk: Zk, path: str, label: str, data: bytes) -> None:
        self._zk = zk
        self._contender = ZkContender(zk, path, label, data)
        self._detector = ZkDetector(zk, path, (label,))
        self._leading: Leader | None = None
        self._on_elected: Callable[[int], None] = _ignore
        self._on_lost: Callable[[str], None] = _ignore
        self._on_leader_changed: OnLeader = _ignore

    async def run(
        self,
        on_elected: Callable[[int], None],
        on_lost: Callable[[str], None],
        on_leader_changed: OnLeader,
    ) -> None:
        """Contend until cancelled, then withdraw."""
        self._on_elected, self._on_lost, self._on_leader_changed = on_elected, on_lost, on_leader_changed
        self._detector.start(self._leader_changed)
        await self._contender.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._lose("stopping")
            await self._detector.stop()
            await self._contender.stop()

    async def abdicate(self) -> None:
        """Stop leading and queue up behind everybody else."""
        if self._leading is None:
            return
        self._lose("abdicated")
        try:
            await self._contender.withdraw()
        except ZkError as error:
            log.warning("cannot withdraw", extra={"error": str(error)})

    def _leader_changed(self, leader: Leader | None) -> None:
        if leader != self._leading:
            self._lose(self._why_lost(leader))
        self._on_leader_changed(leader)
        if leader is not None and leader.session == self._zk.session_id and self._leading is None:
            self._leading = leader
            log.info("elected", extra={"node": leader.node, "term": leader.term})
            self._on_elected(leader.term)

    def _lose(self, reason: str) -> None:
        if self._leading is None:
            return
        log.warning("leadership lost", extra={"node": self._leading.node, "reason": reason})
        self._leading = None
        self._on_lost(reason)

    def _why_lost(self, leader: Leader | None) -> str:
        if leader is not None:
            return f"{leader.node} leads"
        if self._zk.state is SessionState.CONNECTED:
            return "the election node is gone"
        return "the connection to ZooKeeper is lost"


def _ignore(_: object) -> None:
    return
