"""Wires the agent: settings, store, core, loop, containerizers, link, API."""

from __future__ import annotations

import asyncio
import logging
import os
import signal

import docker.errors
import msgspec
import requests
from aiohttp import web

from agent.api.files import Files
from agent.api.operator import OperatorApi
from agent.api.views import Views
from agent.config import AgentConfig
from agent.containerizers.base import Containerizer, Exit, Usage
from agent.containerizers.cgroups import detect as detect_cgroups
from agent.containerizers.composing import DOCKER, PROCESS, ComposingContainerizer
from agent.containerizers.docker import DockerContainerizer
from agent.containerizers.process import ProcessContainerizer
from agent.core import events as ev
from agent.core.effects import MakeVolume, Quit, Reconnect, RemoveVolume, ToMaster, Wake
from agent.core.machine import Machine
from agent.core.rows import Identity, TaskRow
from agent.core.settings import Settings
from agent.drivers import detect, volumes
from agent.drivers.link import MasterLink
from agent.drivers.prober import Prober
from agent.launcher.client import Launcher
from mesos.clock import Clock, IdSource
from mesos.config import as_flags
from mesos.effects import Effect
from mesos.election import open_master_detector
from mesos.http.app import make_app
from mesos.http.server import Server
from mesos.loop import Loop
from mesos.metrics import Metrics
from mesos.store import Store, open_store
from mesos.types.agents import AgentInfo
from mesos.types.base import Version
from mesos.types.frameworks import FrameworkInfo
from mesos.types.masters import MESOS_VERSION

log = logging.getLogger(__name__)

VERSION = Version(version=MESOS_VERSION, build_date="2026-11-23 00:00:00", build_time=1795392000.0, build_user="mezzo")


class AgentApp:
    """One agent process."""

    def __init__(self, config: AgentConfig, clock: Clock, ids: IdSource) -> None:
        self._config, self._clock, self._ids = config, clock, ids
        self._start_s = clock.now_s()
        self._metrics = Metrics()
        self._timer: asyncio.TimerHandle | None = None
        self._quit: asyncio.Future[str] | None = None

    async def run(self) -> None:
        """Serve until cancelled, or until the agent has left the cluster."""
        config = self._config
        for directory in (config.work_dir, config.runtime_dir):
            directory.mkdir(parents=True, exist_ok=True)
        self._quit = asyncio.get_running_loop().create_future()
        (config.work_dir / "meta").mkdir(exist_ok=True)
        store = await open_store(f"sqlite:{config.work_dir}/meta/state.db")
        app = make_app({})
        port = config.port
        self._pid = f"slave(1)@{config.public_ip}:{config.advertise_port or port}"
        self._machine = await self._make_machine(store)
        self._loop = Loop(
            self._machine.step, clock=self._clock, perform=self._perform, store=store, on_failure=self._store_failed
        )
        launcher = Launcher(config.runtime_dir / "zygote.sock")
        await launcher.start()
        self._containers = self._make_containers(launcher)
        detector = await open_master_detector(config.master, config.zk_session_timeout_s)
        self._link = MasterLink(
            detector,
            self._ids,
            on_connected=lambda: self._loop.post(ev.Connected()),
            on_messages=lambda messages: self._loop.post(ev.MasterMessages(messages)),
            on_disconnected=lambda: self._loop.post(ev.Disconnected()),
        )
        self._routes(app)
        server = await Server.start(app, host=config.ip, port=port)
        log.info("agent listens", extra={"ip": config.ip, "port": server.port, "hostname": config.public_hostname})
        self._loop.post(ev.Started())
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._leave)
        link = asyncio.ensure_future(self._link.run())
        try:
            reason = await self._quit
            log.info("agent ends", extra={"why": reason})
            await asyncio.sleep(0)  # what was said to the master leaves first
        finally:
            link.cancel()
            await asyncio.gather(link, return_exceptions=True)
            await self._containers.stop()
            await server.close()
            self._loop.drop("the agent stops")
            await store.close()
            launcher.stop()

    async def _make_machine(self, store: Store) -> Machine:
        config = self._config
        stored = await store.load()
        resources = detect.resources(config.resources, config.work_dir, config.default_role)
        info = AgentInfo(
            hostname=config.public_hostname,
            port=config.advertise_port or config.port,
            resources=resources.to_wire(),
            attributes=config.attributes,
            checkpoint=True,
        )
        boot_id = detect.boot_id()
        if "identity" in stored:
            known = msgspec.msgpack.decode(stored["identity"], type=Identity)
            info = msgspec.structs.replace(info, id=known.info.id)
        settings = Settings(
            work_dir=str(config.work_dir.absolute()),
            ip=config.public_ip,
            pid=self._pid,
            version=MESOS_VERSION,
            boot_id=boot_id,
            docker_grace_s=config.docker_stop_timeout_s,
        )
        return Machine(Identity(info, boot_id), settings, stored, self._ids, self._count)

    def _count(self, name: str) -> None:
        self._metrics.counter(name).value += 1

    def _make_containers(self, launcher: Launcher) -> ComposingContainerizer:
        config = self._config
        cgroups = detect_cgroups(config.cgroups_hierarchy, config.cgroups_root, cfs=config.cgroups_enable_cfs)
        found: dict[str, Containerizer] = {
            PROCESS: ProcessContainerizer(launcher, cgroups, config.runtime_dir, self._clock, self._exited)
        }
        if "docker" in config.containerizers:
            engine = self._docker()
            if engine is not None:
                found[DOCKER] = engine
        return ComposingContainerizer(
            found,
            Prober(config.public_ip),
            work_dir=str(config.work_dir.absolute()),
            pid=self._pid,
            extra_environment=config.executor_environment_variables,
            switch_user=config.switch_user,
            frameworks=self._framework,
            post=self._post,
        )

    def _docker(self) -> DockerContainerizer | None:
        url = os.environ.get("DOCKER_HOST", f"unix://{self._config.docker_socket}")
        try:
            return DockerContainerizer(url, self._clock, self._exited)
        except (docker.errors.DockerException, requests.RequestException) as error:
            log.warning("no Docker engine: tasks with Docker images will fail", extra={"url": url, "error": str(error)})
            return None

    def _routes(self, app: web.Application) -> None:
        config = self._config
        flags = as_flags(config)
        views = Views(
            self._machine,
            pid=self._pid,
            flags=flags,
            metrics=self._metrics,
            version=VERSION,
            start_s=self._start_s,
            usage=self._usage,
            master_hostname=lambda: self._link.master_hostname,
        )
        log_file = config.log_dir / "mesos-agent.log" if config.log_dir else None
        files = Files(config.work_dir, lambda: self._machine.state.agent_id, log_file)
        views.add_to(app)
        files.add_to(app)
        OperatorApi(self._machine, views, files, flags, self._metrics, VERSION).add_to(app)
        self._metrics.gauge("slave/registered", lambda: float(self._machine.state.registered))
        self._metrics.gauge("slave/uptime_secs", lambda: self._clock.now_s() - self._start_s)
        self._metrics.gauge("slave/frameworks_active", lambda: float(len(self._machine.state.frameworks)))

    async def _usage(self, row: TaskRow) -> Usage | None:
        return await self._containers.of_row(row).usage(row.container_id)

    def _perform(self, effect: Effect) -> None:
        if self._containers.perform(effect):
            return
        match effect:
            case ToMaster(message):
                self._link.send(message)
            case MakeVolume(path):
                volumes.make(path)
            case RemoveVolume(path):
                asyncio.get_running_loop().run_in_executor(None, volumes.remove, path)
            case Reconnect(reason):
                self._link.reconnect(reason)
            case Wake(at_s):
                self._wake_at(at_s)
            case Quit(reason):
                if self._quit is not None and not self._quit.done():
                    self._quit.set_result(reason)

    def _wake_at(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, at_s - self._clock.now_s())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._loop.post, ev.Tick())

    def _leave(self) -> None:
        self._loop.post(ev.Leave())

    def _exited(self, container_id: str, exit_: Exit) -> None:
        self._containers.exited(container_id, exit_)

    def _post(self, event: ev.Event) -> None:
        self._loop.post(event)

    def _framework(self, framework_id: str) -> FrameworkInfo | None:
        row = self._machine.state.frameworks.get(framework_id)
        return row.info if row is not None else None

    def _store_failed(self, error: BaseException) -> None:
        """End: what cannot be remembered must not be promised. Containers go on, and the next agent finds them."""
        if self._quit is not None and not self._quit.done():
            self._quit.set_exception(error)
