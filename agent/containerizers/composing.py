"""All containerizers behind one door: runs what the core decided, and posts what came of it.

Everything is started and nothing awaited by the loop: a launch that fetches for minutes keeps nobody waiting.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from agent.containerizers.base import Containerizer, ContainerSpec, Exit
from agent.containerizers.volumes import give_to, with_persistent
from agent.core import events as ev
from agent.core.effects import Destroy, Find, Kill, Launch, Probe, Recover, Terminate
from agent.core.rows import TaskRow
from agent.drivers import environment
from agent.drivers.fetcher import fetch
from agent.drivers.prober import Prober
from agent.errors import AgentError, LaunchFailed
from mesos.effects import Effect
from mesos.resources import Resources
from mesos.types.containers import ContainerType
from mesos.types.frameworks import FrameworkInfo

log = logging.getLogger(__name__)

DOCKER, PROCESS = "docker", "process"


class ComposingContainerizer:
    """Picks the containerizer of each task.

    :param containerizers: by kind; a kind that this agent does not have makes its tasks fail with a reason.
    :param frameworks: looks up a framework, for the environment of health check commands.
    """

    def __init__(
        self,
        containerizers: Mapping[str, Containerizer],
        prober: Prober,
        *,
        work_dir: str,
        pid: str,
        extra_environment: Mapping[str, str],
        switch_user: bool,
        frameworks: Callable[[str], FrameworkInfo | None],
        post: Callable[[ev.Event], None],
    ) -> None:
        self._containerizers, self._prober = containerizers, prober
        self._work_dir = work_dir
        self._pid, self._extra, self._switch_user = pid, extra_environment, switch_user
        self._frameworks, self._post = frameworks, post
        self._running: set[asyncio.Task[None]] = set()

    def perform(self, effect: Effect) -> bool:
        """Start what ``effect`` asks for; return whether it concerns containers."""
        match effect:
            case Launch(row, framework):
                self._spawn(self._launch(row, framework))
            case Find(row):
                self._spawn(self._find(row))
            case Recover(row):
                self._spawn(self._recover(row))
            case Terminate(row, grace_s):
                self._of(row).terminate(row.container_id, grace_s)
            case Kill(row):
                self._of(row).kill(row.container_id)
            case Destroy(row):
                self._spawn(self._of(row).destroy(row.container_id))
            case Probe(row):
                self._spawn(self._probe(row))
            case _:
                return False
        return True

    def exited(self, container_id: str, exit_: Exit) -> None:
        """Take a containerizer's report."""
        self._post(ev.ContainerExited(container_id, exit_))

    async def stop(self) -> None:
        """Wait for what is under way, then let go; containers go on."""
        if self._running:
            await asyncio.wait(self._running, timeout=2)
        for each in self._containerizers.values():
            await each.stop()
        await self._prober.close()

    def of_row(self, row: TaskRow) -> Containerizer:
        """Return the containerizer of a task."""
        return self._of(row)

    def _of(self, row: TaskRow) -> Containerizer:
        kind = row.running.kind if row.running else _kind(row)
        return self._containerizers.get(kind) or self._containerizers[PROCESS]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("container work failed", exc_info=task.exception())

    async def _launch(self, row: TaskRow, framework: FrameworkInfo) -> None:
        try:
            running = await self._launch_or_fail(row, framework)
        except AgentError as error:
            self._post(ev.LaunchFailed(row.key, str(error)))
        except Exception as error:
            log.exception("launch failed", extra={"task_id": row.task.task_id.value})
            self._post(ev.LaunchFailed(row.key, f"{type(error).__name__}: {error}"))
        else:
            self._post(ev.Launched(row.key, running))

    async def _launch_or_fail(self, row: TaskRow, framework: FrameworkInfo) -> Any:
        kind = _kind(row)
        containerizer = self._containerizers.get(kind)
        if containerizer is None:
            raise LaunchFailed(
                f"this agent has no {kind} containerizer; it was started without one, or the engine is missing"
            )
        user = self._user(row, framework)
        sandbox = Path(row.sandbox)
        await asyncio.to_thread(make_sandbox, sandbox, user if kind == PROCESS else None)
        if user is not None and kind == PROCESS:
            give_to(user, row.task, self._work_dir)
        command = row.task.command
        if command is not None and command.uris:
            await fetch(command.uris, sandbox, sandbox / "stderr")
        spec = ContainerSpec(
            container_id=row.container_id,
            task=with_persistent(row.task, self._work_dir),
            framework_id=row.framework_id,
            sandbox=row.sandbox,
            environ=self._environment(row, framework, kind),
            user=user,
            resources=Resources.from_wire(row.task.resources),
        )
        return await containerizer.launch(spec)

    def _environment(self, row: TaskRow, framework: FrameworkInfo, kind: str) -> dict[str, str]:
        sandbox = row.sandbox if kind == PROCESS else environment.IMAGE_SANDBOX
        return environment.of_task(row, framework, pid=self._pid, sandbox=sandbox, extra=self._extra)

    def _user(self, row: TaskRow, framework: FrameworkInfo) -> str | None:
        if not self._switch_user or os.geteuid() != 0:
            return None
        command = row.task.command
        return (command.user if command and command.user else framework.user) or None

    async def _find(self, row: TaskRow) -> None:
        for each in self._containerizers.values():
            running = await each.find(row.container_id)
            if running is not None:
                self._post(ev.Launched(row.key, running))
                await each.recover(row.container_id, running)
                return
        self._post(ev.NotFound(row.key))

    async def _recover(self, row: TaskRow) -> None:
        assert row.running is not None
        containerizer = self._containerizers.get(row.running.kind)
        if containerizer is None:
            log.error("containerizer of a running task is missing", extra={"task_id": row.task.task_id.value})
            return
        await containerizer.recover(row.container_id, row.running)

    async def _probe(self, row: TaskRow) -> None:
        framework = self._frameworks(row.framework_id)
        environ = self._environment(row, framework, _kind(row)) if framework is not None else {}

        async def execute(argv: tuple[str, ...], more: dict[str, str]) -> int | None:
            return await self._of(row).execute(row.container_id, argv, environ | more)

        try:
            problem = await self._prober.probe(row, execute)
        except Exception as error:
            log.exception("health check failed", extra={"task_id": row.task.task_id.value})
            problem = f"{type(error).__name__}: {error}"
        self._post(ev.Probed(row.key, problem))


def make_sandbox(sandbox: Path, user: str | None) -> None:
    """Make a sandbox with its ``latest`` link; it belongs to the task's user. Source: Mesos ``paths.cpp``."""
    sandbox.mkdir(parents=True, exist_ok=True, mode=0o750)
    if user is not None:
        try:
            shutil.chown(sandbox, user)
        except LookupError as error:
            raise LaunchFailed(f"Failed to get user information for '{user}': no such user on this host") from error
    latest = sandbox.parent / "latest"
    temporary = sandbox.parent / f".latest-{sandbox.name}"
    temporary.symlink_to(sandbox.name)
    temporary.replace(latest)


def _kind(row: TaskRow) -> str:
    container = row.task.container
    return DOCKER if container is not None and container.type is ContainerType.DOCKER else PROCESS
