"""Looks host names up with the system's resolver, without keeping anything else waiting."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from mesos_dns.core.cluster import Event
from mesos_dns.core.events import HostResolved

log = logging.getLogger(__name__)

LOOK_UP_S = 10.0


async def look_up(host: str) -> tuple[str, ...]:
    """Return the addresses of ``host``, IPv4 first; none when it has none."""
    try:
        async with asyncio.timeout(LOOK_UP_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError) as error:
        log.info("host has no address", extra={"host": host, "error": str(error) or type(error).__name__})
        return ()
    addresses = {str(item[4][0]).partition("%")[0]: None for item in found}
    return tuple(sorted(addresses, key=lambda address: ":" in address))


class HostFinder:
    """Looks names up, again after ``refresh_s``, and posts what it finds."""

    def __init__(self, post: Callable[[Event], None], refresh_s: float) -> None:
        self._post, self._refresh_s = post, refresh_s
        self._hosts: dict[str, None] = {}
        self._more = asyncio.Event()

    def find(self, host: str) -> None:
        """Look ``host`` up now, and from time to time."""
        self._hosts[host] = None
        self._more.set()

    async def run(self) -> None:
        """Work until cancelled."""
        known: set[str] = set()
        while True:
            self._more.clear()
            for host in [each for each in self._hosts if each not in known]:
                known.add(host)
                await self._look_up(host)
            try:
                async with asyncio.timeout(self._refresh_s):
                    await self._more.wait()
            except TimeoutError:
                known.clear()

    async def _look_up(self, host: str) -> None:
        addresses = await look_up(host)
        if addresses:  # a host that cannot be found for a moment keeps what it had
            self._post(HostResolved(host, addresses))
