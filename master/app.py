"""Wires the master: settings, election, store, core, loop, API."""

from __future__ import annotations

import asyncio
import logging

from master.allocator.allocator import Allocator
from master.api.links import LinkApi
from master.api.operator import OperatorApi
from master.api.scheduler import SchedulerApi
from master.api.views import AskElsewhere, Views
from master.config import MasterConfig
from master.core.machine import Machine
from master.drivers.gauges import add_gauges
from master.drivers.leadership import Leadership, Term
from mesos.clock import Clock, IdSource
from mesos.codec import encode
from mesos.config import as_flags
from mesos.election import Election, StandaloneElection, ZkElection
from mesos.http.app import make_app
from mesos.http.server import HotHandler, Server
from mesos.link import LINK_PATH
from mesos.metrics import Metrics
from mesos.store import open_store
from mesos.types.base import Version
from mesos.types.masters import MESOS_VERSION, MasterInfo, master_info
from mesos.zk import Zk, parse_zk_url

log = logging.getLogger(__name__)

LABEL = "json.info"
"""Of leader nodes, as Mesos writes them."""

VERSION = Version(version=MESOS_VERSION, build_date="2026-11-23 00:00:00", build_time=1795392000.0, build_user="mezzo")


class MasterApp:
    """One master process.

    :param config: what the operator chose.
    """

    def __init__(self, config: MasterConfig, clock: Clock, ids: IdSource) -> None:
        self._config, self._clock, self._ids = config, clock, ids
        self._start_s = clock.now_s()
        self._metrics = Metrics()
        self._leadership = Leadership(self._open_term)
        self._zk: Zk | None = None
        self._info: MasterInfo | None = None
        self.server: Server | None = None

    async def run(self) -> None:
        """Serve until cancelled."""
        config = self._config
        if config.work_dir is not None:
            config.work_dir.mkdir(parents=True, exist_ok=True)
        self.server = await self._serve()
        port = config.advertise_port or self.server.port
        hostname, ip = config.public_hostname, config.public_ip
        self._info = master_info(self._ids.uuid4_text(), ip=ip, port=port, hostname=hostname)
        log.info("master listens", extra={"ip": config.ip, "port": self.server.port, "hostname": hostname})
        try:
            election = await self._election(self._info)
            await election.run(self._leadership.elected, self._leadership.lost, self._leadership.leader_changed)
        finally:
            await self._leadership.stop()
            await self.server.close()
            if self._zk is not None:
                await self._zk.stop()

    async def _serve(self) -> Server:
        flags = as_flags(self._config) | {"ip": self._config.ip}
        app = make_app({AskElsewhere: AskElsewhere.response})
        Views(self._leadership, flags, self._metrics, VERSION, self._config.cluster).add_to(app)
        add_gauges(self._metrics, self._leadership, self._clock, self._start_s)
        scheduler = SchedulerApi(self._leadership, self._ids)
        operator = OperatorApi(self._leadership, flags, self._metrics, VERSION)
        links = LinkApi(self._leadership)
        hot: dict[str, HotHandler] = {
            "/api/v1/scheduler": scheduler,
            "/master/api/v1/scheduler": scheduler,
            "/api/v1": operator,
            "/master/api/v1": operator,
            LINK_PATH: links,
        }
        return await Server.start(app, host=self._config.ip, port=self._config.port, hot=hot)

    async def _election(self, info: MasterInfo) -> Election:
        if self._config.zk is None:
            return StandaloneElection(encode(info))
        url = parse_zk_url(self._config.zk)
        self._zk = Zk(url, self._config.zk_session_timeout_s)
        await self._zk.start()
        return ZkElection(self._zk, url.path, LABEL, encode(info))

    async def _open_term(self, number: int) -> Term:
        assert self._info is not None
        store = await open_store(self._config.registry_url, zk=self._zk, term=number, ids=self._ids)
        settings = self._config.settings()
        machine = Machine(
            self._info,
            settings,
            await store.load(),
            now_s=self._clock.now_s(),
            start_s=self._start_s,
            allocator=Allocator(settings, self._ids.shuffle),
            metrics=self._metrics,
        )
        return Term(
            machine,
            store,
            self._clock,
            max_operator_streams=self._config.max_operator_event_stream_subscribers,
            on_failure=self._registry_failed,
        )

    def _registry_failed(self) -> None:
        """Start over from what is durable: the term cannot go on without its registry."""
        self._leadership.lost("the registry cannot be written")
        if self._zk is None:
            asyncio.get_running_loop().call_later(1.0, self._leadership.elected, 0)
