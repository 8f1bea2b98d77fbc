"""Elections without ZooKeeper: one program that always leads, or a leader that is known by its address."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from mesos.election.base import Leader, OnLeader

NODE = "standalone"
"""Stands for the node name of a leader that was not elected."""


class StandaloneDetector:
    """Knows its leader from the start and for good.

    :param data: what the leader would publish, or ``None`` when there is no leader and never will be.
    """

    def __init__(self, data: bytes | None) -> None:
        self._leader = None if data is None else Leader(NODE, data)
        self._stopped = False

    def start(self, on_change: OnLeader) -> None:
        """Report the leader, soon."""
        asyncio.get_running_loop().call_soon(self._report, on_change)

    async def leader(self) -> Leader:
        """Return the leader; waits for ever where there is none."""
        if self._leader is None:
            await asyncio.get_running_loop().create_future()
        assert self._leader is not None
        return self._leader

    async def stop(self) -> None:
        """Report nothing more."""
        self._stopped = True

    def _report(self, on_change: OnLeader) -> None:
        if not self._stopped:
            on_change(self._leader)


class StandaloneContender:
    """Stands alone, so there is nothing to do."""

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""


class StandaloneElection:
    """Leads from the start until cancelled, in term 0.

    :param data: what this program publishes about itself.
    """

    def __init__(self, data: bytes) -> None:
        self._leader = Leader(NODE, data)
        self._abdications: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()

    async def run(
        self,
        on_elected: Callable[[int], None],
        on_lost: Callable[[str], None],
        on_leader_changed: OnLeader,
    ) -> None:
        """Lead; an abdication is followed by the next election at once."""
        try:
            while True:
                on_leader_changed(self._leader)
                on_elected(self._leader.term)
                done = await self._abdications.get()
                on_lost("abdicated")
                on_leader_changed(None)
                with contextlib.suppress(asyncio.InvalidStateError):
                    done.set_result(None)
        except asyncio.CancelledError:
            on_lost("stopping")
            raise

    async def abdicate(self) -> None:
        """Stop leading for a moment."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._abdications.put_nowait(done)
        await done
