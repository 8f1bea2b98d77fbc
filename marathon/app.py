"""Wires marathon's rooms: listens, contends for leadership, and runs a term while it leads.

The process outlives its terms: who loses the lead steps down, answers as a standby and contends again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from marathon.api.app import make_api
from marathon.config import Config
from marathon.core.matcher.match import Rules
from marathon.core.settings import Settings
from marathon.drivers.bus import EventBus
from marathon.drivers.mesos import Registration
from marathon.drivers.term import Term
from mesos.clock import Clock, IdSource, SystemClock, SystemIds
from mesos.election import Election, Leader, StandaloneElection, ZkElection, open_master_detector
from mesos.errors import MezzoError
from mesos.http.server import Server
from mesos.store import Store, open_store
from mesos.zk import Zk, parse_zk_url

log = logging.getLogger(__name__)

ELECTION_NODE = "leader-curator"
"""Where marathons contend below ``--zk``. Source: Marathon ``CuratorElectionService``."""

NODE_LABEL = "latch"
RETRY_TERM_S = 1.0
"""Pause before leadership is given up when a term cannot begin."""


class FrameworkGone(MezzoError):
    """The master refuses our framework while it has tasks; somebody has to look at that."""


class Marathon:
    """The program. Run it with :meth:`run`; ``term`` is there while it leads."""

    def __init__(self, config: Config, *, clock: Clock | None = None, ids: IdSource | None = None) -> None:
        self.config = config
        self.settings = settings_of(config)
        self.clock, self.ids = clock or SystemClock(), ids or SystemIds()
        self.bus = EventBus()
        self.term: Term | None = None
        self.leader: str | None = None
        self.host_port = config.host_port
        self._zk: Zk | None = None
        self._election: Election | None = None
        self._transition: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[None] | None = None
        self._on_lead_lost: list[Callable[[], None]] = []

    @property
    def leads(self) -> bool:
        """Whether this process is the leader and has its state loaded."""
        return self.term is not None

    def when_lead_lost(self, call: Callable[[], None]) -> None:
        """Have ``call`` called each time this process stops leading."""
        self._on_lead_lost.append(call)

    async def run(self) -> None:
        """Contend and lead until cancelled. :raises FrameworkGone: when the master refuses us for good."""
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        self._election = await self._open_election()
        contest = loop.create_task(self._election.run(self._elected, self._lost, self._leader_changed))
        try:
            await asyncio.wait({contest, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            if self._ended.done():
                self._ended.result()
            await contest
        finally:
            contest.cancel()
            await asyncio.gather(contest, return_exceptions=True)
            if self._transition is not None:
                await asyncio.gather(self._transition, return_exceptions=True)
            await self._end_term()
            if self._zk is not None:
                await self._zk.stop()

    async def abdicate(self) -> None:
        """Give the lead to somebody else, if there is anybody."""
        if self._election is not None:
            await self._election.abdicate()

    async def _open_election(self) -> Election:
        data = self.host_port.encode()
        if not self.config.elects:
            return StandaloneElection(data)
        url = parse_zk_url(self.config.zk)
        self._zk = Zk(url, self.config.zk_session_timeout)
        self._zk.begin()  # until there is a connection we are a standby that knows no leader
        return ZkElection(self._zk, url.child(ELECTION_NODE), NODE_LABEL, data)

    def _elected(self, number: int) -> None:
        former = self._transition
        self._transition = asyncio.get_running_loop().create_task(self._begin_term(number, former))

    def _lost(self, reason: str) -> None:
        log.info("stepping down", extra={"reason": reason})
        former = self._transition
        self._transition = asyncio.get_running_loop().create_task(self._step_down(former))

    def _leader_changed(self, leader: Leader | None) -> None:
        self.leader = leader.data.decode(errors="replace") if leader is not None else None

    async def _begin_term(self, number: int, former: asyncio.Task[None] | None) -> None:
        try:
            if former is not None:
                await asyncio.gather(former, return_exceptions=True)
            self.term = await self._new_term(number)
        except MezzoError as error:
            log.error("cannot lead", extra={"error": str(error)})
            if not self.config.elects:
                self._fail(error)
                return
            await asyncio.sleep(RETRY_TERM_S)
            await self.abdicate()

    async def _new_term(self, number: int) -> Term:
        config = self.config
        store = await self._open_store(number)
        try:
            return await Term.begin(
                store,
                settings=self.settings,
                registration=self._registration(),
                detector=await open_master_detector(config.master),
                bus=self.bus,
                clock=self.clock,
                ids=self.ids,
                probes_at_once=config.max_concurrent_marathon_health_checks,
                on_failure=self._store_failed,
                on_refused=lambda message: self._fail(FrameworkGone(message)),
            )
        except BaseException:
            await store.close()
            raise

    async def _open_store(self, number: int) -> Store:
        if self._zk is not None:
            url = parse_zk_url(self.config.zk)
            return await open_store(f"zk://{url.hosts}{url.child('state')}", zk=self._zk, term=number, ids=self.ids)
        return await open_store(store_url(self.config.store))

    def _registration(self) -> Registration:
        config = self.config
        return Registration(
            name=config.framework_name,
            user=config.mesos_user,
            hostname=config.host,
            webui_url=config.webui_url or f"http://{self.host_port}",
            failover_timeout_s=config.failover_timeout,
            checkpoint=config.checkpoint,
            principal=config.mesos_authentication_principal,
            gpus="gpu_resources" in config.enable_features,
        )

    async def _step_down(self, former: asyncio.Task[None] | None) -> None:
        if former is not None:
            former.cancel()
            await asyncio.gather(former, return_exceptions=True)
        await self._end_term()

    async def _end_term(self) -> None:
        term, self.term = self.term, None
        if term is not None:
            for call in self._on_lead_lost:
                call()
            await term.end()

    def _store_failed(self, reason: str) -> None:
        log.error("the store failed", extra={"error": reason})
        if self.config.elects:
            self._tasks = asyncio.get_running_loop().create_task(self.abdicate())
        else:
            self._fail(MezzoError(f"the store failed: {reason}"))

    def _fail(self, error: MezzoError) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(error)


def settings_of(config: Config) -> Settings:
    """Return the settings that decisions depend on."""
    return Settings(
        role=config.mesos_role,
        user=config.mesos_user,
        accepted_roles_default=config.accepted_resource_roles_default_behavior,
        bridge_name=config.mesos_bridge_name,
        env_prefix=config.env_vars_prefix or "",
        executor=config.executor,
        rules=Rules(config.maintenance_mode, config.draining_seconds, config.gpu_scheduling_behavior),
        max_per_offer=config.max_instances_per_offer,
        decline_s=config.decline_offer_duration,
        revive_interval_s=config.min_revive_offers_interval,
        suppress_offers=config.suppress_offers,
        kill_chunk=config.kill_chunk_size,
        kill_retry_s=config.kill_retry_timeout,
        drain_s=config.kill_drain_time,
        launch_timeout_s=config.task_launch_timeout,
        confirm_timeout_s=config.task_launch_confirm_timeout,
        reconcile_delay_s=config.reconciliation_initial_delay,
        reconcile_interval_s=config.reconciliation_interval,
        scale_delay_s=config.scale_apps_initial_delay,
        scale_interval_s=config.scale_apps_interval,
        max_running_deployments=config.max_running_deployments,
        local_port_min=config.local_port_min,
        local_port_max=config.local_port_max,
        default_network_name=config.default_network_name,
        features=config.enable_features,
    )


def store_url(text: str | None) -> str:
    """Return what ``--store`` means: a URL as it is, a path as an SQLite file, nothing as one in this directory."""
    if text is None:
        return f"sqlite:{Path.cwd() / 'marathon-state.db'}"
    return text if ":" in text else f"sqlite:{Path(text)}"


async def serve(config: Config) -> None:
    """Listen and take part until cancelled. A port that is taken is told before anything else begins.

    :raises PortTaken: naming the port and its flag.
    :raises MezzoError: when this marathon cannot go on.
    """
    program = Marathon(config)
    api, hot = make_api(program)
    server = await Server.start(api, host=config.http_address, port=config.http_port, hot=hot, flag="--http_port")
    program.host_port = f"{config.host}:{server.port}"
    log.info("listening", extra={"address": config.http_address, "port": server.port})
    try:
        await program.run()
    finally:
        await server.close()
