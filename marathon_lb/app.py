"""Wires the rooms: Marathon tells, the core decides, the balancer acts."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import signal
import ssl
import sys
from collections.abc import Mapping

import aiohttp
from aiohttp import web

from marathon_lb.api.endpoints import application
from marathon_lb.config import Config
from marathon_lb.core.build import Rules
from marathon_lb.core.effects import Balance, FetchAll, FetchApp, Synced
from marathon_lb.core.machine import Machine
from marathon_lb.core.ports import PortRange
from marathon_lb.drivers.balancer import Balancer
from marathon_lb.drivers.haproxy import Haproxy
from marathon_lb.drivers.runtime import Runtime
from marathon_lb.drivers.source import Marathon
from marathon_lb.drivers.wanted import Wanted
from marathon_lb.errors import HaproxyFailed
from marathon_lb.render import templates
from marathon_lb.render.document import Document, Shared, document
from mesos.clock import SystemClock, SystemIds
from mesos.effects import Effect
from mesos.loop import Loop

log = logging.getLogger(__name__)

STOP_GRACE_S = 3.0


class Program:
    """One balancer."""

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        clock = SystemClock()
        texts = templates.load(config.head_values(), environ, config.templates_dir)
        self._templates = texts
        rules = Rules(
            groups=config.groups,
            strict=config.strict_mode,
            health=config.health_check,
            templates=texts.replaceable if config.template_labels else frozenset(),
        )
        skipped = f"/{config.framework_name}" if config.framework_name else None
        self._machine = Machine(rules, PortRange(*(config.service_ports or (None, None))), skipped)
        self._loop = Loop(self._machine.step, clock=clock, perform=self._perform)
        self._marathon = Marathon(
            config.marathon or ("http://master.mesos:8080",),
            self._loop.post,
            self._machine.kinds,
            clock=clock,
            ids=SystemIds(),
            max_backoff_s=config.max_backoff_s,
            poll_interval_s=config.poll_interval_s,
            auth=aiohttp.BasicAuth(*config.credentials) if config.credentials else None,
            tls=ssl.create_default_context(cafile=str(config.marathon_ca_cert)) if config.marathon_ca_cert else False,
        )
        self._shared = Shared(http=not config.dont_bind_http_https, certificates=config.ssl_certs)
        self._wanted = Wanted(texts, config.reserved_ports)
        haproxy = Haproxy(
            config.haproxy_binary,
            config.haproxy_config,
            config.sockets_dir / "master.sock",
            config.work_dir / "haproxy.log",
        )
        self._balancer = Balancer(
            haproxy,
            Runtime(config.sockets_dir / "stats.sock"),
            self._wanted,
            texts,
            self._shared,
            clock=clock,
            state_file=config.work_dir / "servers.state",
            min_reload_interval_s=config.reload_interval_s,
            validate=not config.skip_validation,
        )

    async def serve(self) -> None:
        """Balance until cancelled."""
        self._make_directories()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._marathon.want_all)
        loop.add_signal_handler(signal.SIGUSR1, self._balancer.reload, "SIGUSR1")
        runner = web.AppRunner(application(self._balancer, self._marathon.want_all), access_log=None)
        await runner.setup()
        try:
            await web.UnixSite(runner, str(self._config.sockets_dir / "endpoints.sock")).start()
            await self._balancer.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._balancer.run())
                group.create_task(self._marathon.run(follow=self._config.mode == "sse"))
        finally:
            await self._marathon.close()
            await self._balancer.stop(STOP_GRACE_S)
            await runner.cleanup()

    async def once(self) -> None:
        """Write the file that Marathon's apps ask for, run the command, end."""
        try:
            self._loop.post(await self._marathon.all_apps())
            await self._loop.idle()
        finally:
            await self._marathon.close()
        new = await self._balancer.acceptable() if not self._config.dry else self._document()
        if self._config.dry:
            sys.stdout.write(new.text + "\n")
            return
        self._config.haproxy_config.parent.mkdir(parents=True, exist_ok=True)
        self._balancer.haproxy.write(new.text)
        if self._config.command:
            process = await asyncio.create_subprocess_exec(*shlex.split(self._config.command))
            if await process.wait() != 0:
                raise HaproxyFailed(f"{self._config.command} ended with code {process.returncode}")

    def _document(self) -> Document:
        parts = [part for own in self._wanted.parts.values() for part in own]
        return document(parts, self._templates, self._shared)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Balance(app_id=app_id, services=services):
                self._balancer.put(app_id, services)
            case FetchApp(app_id=app_id):
                self._marathon.want_app(app_id)
            case FetchAll():
                self._marathon.want_all()
            case Synced():
                self._balancer.synced()

    def _make_directories(self) -> None:
        self._config.work_dir.mkdir(parents=True, exist_ok=True)
        self._config.haproxy_config.parent.mkdir(parents=True, exist_ok=True)
        self._config.sockets_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._config.sockets_dir / "endpoints.sock").unlink(missing_ok=True)
        if not os.access(self._config.work_dir, os.W_OK):
            raise HaproxyFailed(f"{self._config.work_dir} is not writable; choose another with --work-dir=DIR")
