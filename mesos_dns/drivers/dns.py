"""The DNS service: workers for UDP, TCP here, and the way out for names that are not ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from mesos.clock import Clock, IdSource
from mesos.metrics import Metrics
from mesos_dns.core.addresses import DNS_PORT, resolver
from mesos_dns.core.settings import ServeSettings
from mesos_dns.core.table import served
from mesos_dns.core.zone import Rows, Zone
from mesos_dns.drivers.forwarder import Forwarder, system_resolvers
from mesos_dns.drivers.pool import Pool
from mesos_dns.drivers.sockets import open_dns
from mesos_dns.drivers.tcp import TcpServer
from mesos_dns.wire.query import Query, parse
from mesos_dns.wire.responder import Forward, Responder

log = logging.getLogger(__name__)


class DnsService:
    """Answers by UDP and TCP on one port.

    :raises ConfigError: when the port cannot be had.
    """

    def __init__(
        self,
        *,
        listener: str,
        port: int,
        workers: int,
        settings: ServeSettings,
        zone: Zone,
        forwarder: Forwarder,
        truncate_bit: bool,
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self._zone, self._forwarder, self._truncate_bit = zone, forwarder, truncate_bit
        udp, tcp = open_dns(listener, port, workers)
        self.address: tuple[str, int] = tcp.getsockname()[:2]
        self.pool = Pool(udp, settings, zone, self._pass_on, clock, ids)
        self._responder = Responder(settings, self._lookup, is_inner=self._is_inner)
        self.tcp = TcpServer(tcp, self._respond_tcp)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until cancelled."""
        log.info("dns served", extra={"address": self.address[0], "port": self.address[1]})
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.pool.run())
                group.create_task(self.tcp.run())
        finally:
            self.pool.close()

    def change(self, names: Iterable[str], serial: int) -> None:
        """Answer anew for changed names."""
        self._responder.set_serial(serial)
        self._responder.forget(name for name in names if name.isascii())
        self.pool.change(names, serial)

    def ready(self) -> None:
        """Answer from the zone from now on; before, its names are answered SERVFAIL."""
        self._responder.ready = True
        self.pool.ready()

    def measure(self, metrics: Metrics) -> None:
        """Name this service's numbers."""
        counters = self.pool.counters
        metrics.gauge("mesos_dns/udp_answered", lambda: counters.answered)
        metrics.gauge("mesos_dns/udp_dropped", lambda: counters.dropped)
        metrics.gauge("mesos_dns/worker_restarts", lambda: counters.restarts)
        metrics.gauge("mesos_dns/tcp_answered", lambda: self.tcp.answered)
        metrics.gauge("mesos_dns/forwarded", lambda: self._forwarder.forwarded)
        metrics.gauge("mesos_dns/forward_failed", lambda: self._forwarder.failed)

    def _lookup(self, name: str) -> Rows | None:
        rows = self._zone.lookup(name)
        return None if rows is None else served(rows)

    def _is_inner(self, name: str) -> bool:
        """Tell whether there are names below ``name``; over TCP and with strict answers only, so it may look at all."""
        return any(each.endswith(f".{name}") for table in self._zone.tables.values() for each in table)

    def _pass_on(self, packet: bytes, reply: Callable[[bytes], None]) -> None:
        query = parse(packet)
        if isinstance(query, Query):
            task = asyncio.get_running_loop().create_task(self._forward(packet, query, reply))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, packet: bytes, query: Query, reply: Callable[[bytes], None]) -> None:
        reply(self._finish(await self._forwarder.ask(packet, query, tcp=False)))

    async def _respond_tcp(self, packet: bytes) -> bytes | None:
        found = self._responder.respond(packet, tcp=True)
        if isinstance(found, Forward):
            return self._finish(await self._forwarder.ask(packet, found.query, tcp=True))
        return found

    def _finish(self, reply: bytes) -> bytes:
        """Return a forwarded reply as it came, but for the TC bit where that is switched off."""
        return reply if self._truncate_bit else reply[:2] + bytes((reply[2] & 0xFD,)) + reply[3:]


def make_forwarder(
    resolvers: list[str], zones: dict[str, list[str]], *, listener: str, timeout_s: float, ids: IdSource
) -> Forwarder:
    """Return the way out. No resolvers given means the system's, but for ourselves."""
    to = [resolver(text) for text in resolvers] or system_resolvers(without=[(listener, DNS_PORT)])
    by_zone = {zone: [resolver(text) for text in texts] for zone, texts in zones.items()}
    return Forwarder(to, by_zone, timeout_s=timeout_s, ids=ids)
