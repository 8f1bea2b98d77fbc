"""Knows where masters are: from a list, from ZooKeeper, or both.

With both, ZooKeeper says who leads and who else there is, and the list is tried after that. Losing ZooKeeper changes
nothing: whoever was known stays a candidate.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from mesos.election.base import Leader
from mesos.election.detector import ZkDetector
from mesos.election.nodes import MASTER_LABELS, split
from mesos.zk import NoNode, Zk, ZkError
from mesos_dns.core.cluster import Event
from mesos_dns.core.events import MastersSeen
from mesos_dns.core.model import Endpoint
from mesos_dns.core.records import address_kind
from mesos_dns.drivers.hosts import look_up
from mesos_dns.schema.operator import read_leader

log = logging.getLogger(__name__)

RETRY_S = 2.0


class KnownMasters:
    """The masters, and the leader once somebody has said who.

    :param post: told of every change, with hosts already turned into addresses.
    """

    def __init__(self, listed: Sequence[Endpoint], post: Callable[[Event], None]) -> None:
        self._listed, self._post = tuple(listed), post
        self._elected: Endpoint | None = None
        self._leader: Endpoint | None = None
        self._others: tuple[Endpoint, ...] = ()
        self._changed = asyncio.Event()
        self._tell = asyncio.Event()

    def candidates(self) -> list[Endpoint]:
        """Return whom to ask, the likeliest leader first."""
        likeliest = [each for each in (self._elected, self._leader) if each is not None]
        return list(dict.fromkeys([*likeliest, *self._others, *self._listed]))

    async def changed(self) -> None:
        """Wait until another leader is elected."""
        self._changed.clear()
        await self._changed.wait()

    def leads(self, leader: Endpoint) -> None:
        """Take note of who answered as the leader."""
        if leader != self._leader:
            self._leader = leader
            self._tell.set()

    def elected(self, leader: Endpoint | None) -> None:
        """Take note of whom ZooKeeper names; ``None`` leaves the last one."""
        if leader is None or leader == self._elected:
            return
        self._elected = leader
        if leader != self._leader:  # else it is followed already
            self._leader = leader
            self._changed.set()
            self._tell.set()

    def contending(self, masters: Sequence[Endpoint]) -> None:
        """Take note of all masters that are in ZooKeeper."""
        if masters and tuple(masters) != self._others:
            self._others = tuple(masters)
            self._tell.set()

    async def run(self) -> None:
        """Report changes until cancelled; host names are looked up, off the way of everything else."""
        self._tell.set()
        while True:
            await self._tell.wait()
            self._tell.clear()
            leader = await _addressed(self._leader) if self._leader is not None else None
            found = [await _addressed(each) for each in self._others or self._listed]
            masters = tuple(each for each in found if each is not None)
            self._post(MastersSeen(leader=leader, masters=masters))


class ZkMasters:
    """Follows ZooKeeper and keeps :class:`KnownMasters` up to date."""

    def __init__(self, zk: Zk, known: KnownMasters) -> None:
        self._zk, self._known = zk, known
        self._detector = ZkDetector(zk, zk.url.path, MASTER_LABELS)
        self._dirty = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        self._zk.begin()
        self._detector.start(self._leader_changed)
        try:
            while True:
                await self._dirty.wait()
                self._dirty.clear()
                try:
                    self._known.contending(await self._contenders())
                except ZkError as error:
                    log.warning("masters cannot be read", extra={"error": str(error)})
                    await asyncio.sleep(RETRY_S)
                    self._dirty.set()
        finally:
            await self._detector.stop()
            await self._zk.stop()

    def _leader_changed(self, leader: Leader | None) -> None:
        found = read_leader(leader.data) if leader is not None else None
        if leader is not None and found is None:
            log.warning("leader node cannot be read", extra={"node": leader.node})
        self._known.elected(found)
        self._dirty.set()

    async def _contenders(self) -> list[Endpoint]:
        """Return all masters in ZooKeeper, the leader first."""
        path = self._zk.url.path.rstrip("/")
        names = await self._zk.children(path or "/", watch=self._dirty.set)
        numbered = sorted((parts[1], name) for name in names if (parts := split(name)) and parts[0] in MASTER_LABELS)
        found = []
        for _, name in numbered:
            with contextlib.suppress(NoNode):
                found.append(read_leader((await self._zk.get(f"{path}/{name}")).data))
        return [each for each in found if each is not None]


async def _addressed(master: Endpoint) -> Endpoint | None:
    if address_kind(master.host) is not None:
        return master
    addresses = await look_up(master.host)
    return Endpoint(addresses[0], master.port) if addresses else None
