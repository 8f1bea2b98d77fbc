"""Finding the leading master from what an operator wrote: ``--master`` of agents, frameworks and sidecars."""

from __future__ import annotations

import asyncio
import socket

from mesos import codec
from mesos.election import nodes
from mesos.election.base import Detector, Leader, OnLeader
from mesos.election.detector import ZkDetector
from mesos.election.standalone import StandaloneDetector
from mesos.errors import ConfigError
from mesos.types.masters import MasterInfo, master_info
from mesos.zk import SESSION_TIMEOUT_S, Zk, parse_zk_url

DEFAULT_PORT = 5050
"""Where a master listens when nobody says otherwise."""


async def open_master_detector(master: str, session_timeout_s: float = SESSION_TIMEOUT_S) -> Detector:
    """Return a detector for ``host:port``, ``zk://hosts/path`` or ``file:///file`` that contains one of them.

    Its leaders' data is MasterInfo, see :func:`master_of`. Stopping it ends its ZooKeeper session.

    :raises ConfigError: when ``master`` is none of these, or the host has no address.
    """
    if master.startswith(("zk://", "file://")):
        return _OwningDetector(Zk(parse_zk_url(master), session_timeout_s))
    host, port = _host_and_port(master)
    return StandaloneDetector(codec.encode(master_info("", ip=await _resolve(host), port=port, hostname=host)))


def master_of(leader: Leader) -> MasterInfo:
    """Return what a leading master published. :raises CodecError: when it is no MasterInfo."""
    return codec.decode(leader.data, MasterInfo)


class _OwningDetector:
    """A detector with a ZooKeeper client of its own, which connects whenever it can."""

    def __init__(self, zk: Zk) -> None:
        self._zk = zk
        self._detector = ZkDetector(zk, zk.url.path, nodes.MASTER_LABELS)

    def start(self, on_change: OnLeader) -> None:
        """Connect and follow."""
        self._zk.begin()
        self._detector.start(on_change)

    async def leader(self) -> Leader:
        """Wait until a master leads and return it."""
        return await self._detector.leader()

    async def stop(self) -> None:
        """Follow no longer and end the session."""
        await self._detector.stop()
        await self._zk.stop()


def _host_and_port(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator:
        host, port = text, str(DEFAULT_PORT)
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(f"'{text}' is no master: expecting host:port or zk://host1:port1,host2:port2/path")
    return host, int(port)


async def _resolve(host: str) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
    except OSError as error:
        raise ConfigError(f"cannot resolve the master's host '{host}': {error.strerror}") from None
    return str(found[0][4][0])
