"""Wires the rooms: sources post events, the core folds them, what changed goes to the answering processes.

DNS by UDP is answered by the workers; this process answers by TCP and HTTP and passes on what is not ours.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import ssl
from collections.abc import Coroutine
from typing import Any

import aiohttp

from mesos.clock import SystemClock, SystemIds
from mesos.effects import Effect
from mesos.errors import ConfigError
from mesos.http.server import Server
from mesos.loop import Loop
from mesos.metrics import Metrics
from mesos.zk import Zk, parse_zk_url
from mesos_dns.api.routes import make_api
from mesos_dns.config import Config
from mesos_dns.core import events
from mesos_dns.core.cluster import Cluster
from mesos_dns.core.rules import Rules
from mesos_dns.core.settings import ServeSettings
from mesos_dns.drivers.dns import DnsService, make_forwarder
from mesos_dns.drivers.hosts import HostFinder
from mesos_dns.drivers.interfaces import own_addresses
from mesos_dns.drivers.marathon import MarathonBus
from mesos_dns.drivers.masters import KnownMasters, ZkMasters
from mesos_dns.drivers.operator import OperatorStream

log = logging.getLogger(__name__)

TICK_S = 1.0


class App:
    """The program, made of its parts. :meth:`run` is all there is to call."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._clock, self._ids = SystemClock(), SystemIds()
        self._serial = int(self._clock.now_s())
        self._cluster = Cluster(_rules(config))
        self._loop = Loop(self._cluster.step, clock=self._clock, perform=self._perform)
        self._hosts = HostFinder(self._loop.post, config.RefreshSeconds)
        self._masters = KnownMasters(config.listed_masters, self._loop.post)
        self._metrics = Metrics()
        self._dns: DnsService | None = None

    async def run(self) -> None:
        """Serve until cancelled. :raises ConfigError: when an address cannot be had."""
        self._dns = self._open_dns()
        headers = _authentication(self._config)
        connector = aiohttp.TCPConnector(ssl=_tls(self._config), limit=0)
        async with (
            aiohttp.ClientSession(connector=connector, headers=headers, trust_env=False) as session,
            aiohttp.ClientSession(trust_env=False) as bus_session,
        ):
            await self._run(session, bus_session)

    async def _run(self, session: aiohttp.ClientSession, bus_session: aiohttp.ClientSession) -> None:
        http = await self._serve_http()
        try:
            async with asyncio.TaskGroup() as group:
                for part in self._parts(session, bus_session):
                    group.create_task(part)
        finally:
            if http is not None:
                await http.close()

    def _parts(
        self, session: aiohttp.ClientSession, bus_session: aiohttp.ClientSession
    ) -> list[Coroutine[Any, Any, None]]:
        config = self._config
        stream = OperatorStream(
            self._masters,
            self._loop.post,
            session,
            self._ids,
            scheme="https" if config.MesosHTTPSOn else "http",
            state_timeout_s=config.StateTimeoutSeconds,
        )
        bus = MarathonBus(config.Marathon, self._loop.post, bus_session, self._ids)
        self._measure(stream, bus)
        parts = [stream.run(), self._masters.run(), self._hosts.run(), self._tick()]
        if config.Marathon:
            parts.append(bus.run())
        if config.zookeeper:
            parts.append(ZkMasters(Zk(parse_zk_url(config.zookeeper)), self._masters).run())
        if self._dns is not None:
            parts.append(self._dns.run())
        return parts

    def _open_dns(self) -> DnsService | None:
        config = self._config
        if not config.DnsOn:
            return None
        zones = config.ZoneResolvers if config.ExternalOn else {}
        return DnsService(
            listener=config.Listener,
            port=config.Port,
            workers=config.Workers,
            settings=_serve_settings(config),
            zone=self._cluster.zone,
            truncate_bit=config.SetTruncateBit,
            clock=self._clock,
            ids=self._ids,
            forwarder=make_forwarder(
                config.Resolvers if config.ExternalOn else [],
                zones,
                listener=config.Listener,
                timeout_s=config.Timeout,
                ids=self._ids,
            ),
        )

    async def _serve_http(self) -> Server | None:
        config = self._config
        if not config.HttpOn:
            return None
        app = make_api(self._cluster, config, lambda: self._serial, self._metrics)
        server = await Server.start(app, host=config.HTTPListener, port=config.HttpPort, flag="--httpport")
        log.info("http served", extra={"address": server.host, "port": server.port})
        return server

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._loop.post(events.Tick())

    def _perform(self, effect: Effect) -> None:
        match effect:
            case events.NamesChanged(names):
                self._serial = max(self._serial, int(self._clock.now_s()))
                if self._dns is not None:
                    self._dns.change(names, self._serial)
            case events.Loaded():
                log.info("zone loaded", extra={"tasks": len(self._cluster.tasks)})
                gc.freeze()  # most of it stays: collections need not look at it again
                if self._dns is not None:
                    self._dns.ready()
            case events.ResolveHost(host):
                self._hosts.find(host)

    def _measure(self, stream: OperatorStream, bus: MarathonBus) -> None:
        """Name all numbers; ``mesos_dns/source_connected`` 0 means that what is served may be of the past."""
        gauge, cluster = self._metrics.gauge, self._cluster
        gauge("mesos_dns/source_connected", lambda: stream.connected)
        gauge("mesos_dns/source_snapshots", lambda: stream.snapshots)
        gauge("mesos_dns/source_events", lambda: stream.events)
        gauge("mesos_dns/source_failures", lambda: stream.failures)
        gauge("mesos_dns/marathon_connected", lambda: bus.connected)
        gauge("mesos_dns/marathon_events", lambda: bus.events)
        gauge("mesos_dns/tasks", lambda: len(cluster.tasks))
        gauge("mesos_dns/agents", lambda: len(cluster.agents))
        gauge("mesos_dns/frameworks", lambda: len(cluster.frameworks))
        gauge("mesos_dns/last_change_s", lambda: cluster.last_change_s)
        for kind, table in cluster.zone.tables.items():
            gauge(f"mesos_dns/names/{kind}", table.__len__)
        if self._dns is not None:
            self._dns.measure(self._metrics)


def _rules(config: Config) -> Rules:
    return Rules(
        domain=config.Domain,
        ip_sources=tuple(config.IPSources),
        enforce_rfc952=config.EnforceRFC952,
        own_name=config.SOAMname.lower(),
        own_addresses=own_addresses(config.Listener),
    )


def _serve_settings(config: Config) -> ServeSettings:
    return ServeSettings(
        domain=config.Domain,
        ttl=config.TTL,
        srv_weight=config.SRVRecordDefaultWeight,
        mname=config.SOAMname,
        rname=config.SOARname,
        soa_refresh=config.SOARefresh,
        soa_retry=config.SOARetry,
        soa_expire=config.SOAExpire,
        recursion_available=config.RecurseOn,
        external=config.ExternalOn,
        truncate_bit=config.SetTruncateBit,
        strict=config.StrictAnswers,
    )


def _authentication(config: Config) -> dict[str, str]:
    if config.MesosAuthentication != "basic":
        return {}
    credentials = config.MesosCredentials
    return {"Authorization": aiohttp.BasicAuth(credentials["Principal"], credentials["Secret"]).encode()}


def _tls(config: Config) -> ssl.SSLContext | bool:
    """Return how masters are asked by https. Without a bundle certificates are not checked, as in the original."""
    if not config.MesosHTTPSOn:
        return True
    try:
        context = ssl.create_default_context(cafile=config.CACertFile or None)
        if not config.CACertFile:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if config.CertFile:
            context.load_cert_chain(config.CertFile, config.KeyFile)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"certificates cannot be read (CACertFile, CertFile, KeyFile): {error}") from error
    return context
