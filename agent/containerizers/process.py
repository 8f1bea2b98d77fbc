"""Containers that are plain processes: a session, a cgroup, a sandbox; started through the zygote.

A container is known by its command's process id and start time. Its monitor is watched by a pidfd; when the monitor has
ended, the exit file says how the command did. A command whose monitor was killed is watched itself, and how it ended is
then not known.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from agent.containerizers.base import ContainerSpec, Exit, OnExit, Running, Usage
from agent.containerizers.cgroups import Cgroups
from agent.containerizers.volumes import link_volumes
from agent.core.commands import argv_of
from agent.errors import LaunchFailed
from agent.launcher.client import Launcher
from mesos.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

KIND = "process"


class ProcessContainerizer:
    """Runs commands on this host.

    :param runtime_dir: where exit files are; must not survive a reboot.
    """

    def __init__(self, launcher: Launcher, cgroups: Cgroups, runtime_dir: Path, clock: Clock, on_exit: OnExit) -> None:
        self._launcher, self._cgroups, self._clock, self._on_exit = launcher, cgroups, clock, on_exit
        self._exits = runtime_dir / "exits"
        self._exits.mkdir(parents=True, exist_ok=True)
        self._containers: dict[str, Running] = {}
        # cgroups make the kernel wait; the loop must not
        self._pool = ThreadPoolExecutor(4, "cgroups")

    async def launch(self, spec: ContainerSpec) -> Running:
        """Start the command. :raises LaunchFailed: when it cannot be."""
        command = spec.task.command
        if command is None:
            raise LaunchFailed("a task without command needs a container image")
        link_volumes(spec)
        memory_mb = spec.task.limits["mem"].value if "mem" in spec.task.limits else spec.resources.scalar("mem")
        memory_bytes = int(memory_mb) << 20 if memory_mb != float("inf") and memory_mb else None
        groups = await self._in_pool(
            self._cgroups.create, spec.container_id, spec.resources.scalar("cpus"), memory_bytes
        )
        document = {
            "argv": argv_of(command),
            "environ": spec.environ,
            "directory": spec.sandbox,
            "stdout": f"{spec.sandbox}/stdout",
            "stderr": f"{spec.sandbox}/stderr",
            "user": spec.user,
            "cgroups": groups,
            "start_file": str(self._start_file(spec.container_id)),
            "exit_file": str(self._exit_file(spec.container_id)),
            "rlimits": [],
        }
        try:
            started = await self._launcher.launch(document)
        except LaunchFailed:
            await self._in_pool(self._cgroups.remove, spec.container_id)
            raise
        running = Running(kind=KIND, pid=started.pid, start=started.start, monitor=started.monitor)
        self._watch(spec.container_id, running)
        return running

    def terminate(self, container_id: str, grace_s: float) -> None:
        """Send SIGTERM to every process of the container."""
        self._signal(container_id, signal.SIGTERM)

    def kill(self, container_id: str) -> None:
        """Send SIGKILL to every process of the container."""
        self._signal(container_id, signal.SIGKILL)

    async def destroy(self, container_id: str) -> None:
        """Kill stray processes, remove the cgroup and the exit file."""
        running = self._containers.pop(container_id, None)
        if running is not None:
            for pid in self._processes(container_id, running):
                _kill(pid, signal.SIGKILL)
        await self._in_pool(self._cgroups.remove, container_id)
        self._exit_file(container_id).unlink(missing_ok=True)
        self._start_file(container_id).unlink(missing_ok=True)

    async def find(self, container_id: str) -> Running | None:
        """Read the start file."""
        try:
            started = json.loads(self._start_file(container_id).read_bytes())
        except (OSError, ValueError):
            return None
        return Running(kind=KIND, **started)

    async def recover(self, container_id: str, running: Running) -> None:
        """Watch again, or report the exit that happened meanwhile."""
        self._watch(container_id, running)

    async def usage(self, container_id: str) -> Usage | None:
        """Read the cgroup."""
        running = self._containers.get(container_id)
        if running is None:
            return None
        used, limit = self._cgroups.memory(container_id)
        cpu = self._cgroups.cpu_seconds(container_id)
        return Usage(
            timestamp=self._clock.now_s(),
            cpus_user_time_secs=cpu[0] if cpu else None,
            cpus_system_time_secs=cpu[1] if cpu else None,
            mem_limit_bytes=limit,
            mem_rss_bytes=used,
            mem_total_bytes=used,
            processes=len(self._processes(container_id, running)),
        )

    async def execute(self, container_id: str, argv: tuple[str, ...], environ: dict[str, str]) -> int | None:
        """Run a command with the container's environment, in its sandbox."""
        directory = environ.get("MESOS_SANDBOX", "/")
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                env=environ,
                cwd=directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            return None
        try:
            return await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()

    async def stop(self) -> None:
        """Watch nothing any more."""
        self._containers.clear()
        self._pool.shutdown(wait=False)

    def _watch(self, container_id: str, running: Running) -> None:
        """Wait for the monitor (or, without one, for the command itself) to end."""
        self._containers[container_id] = running
        if self._exit_file(container_id).exists() or not self._wait_for(container_id, running.monitor, self._ended):
            self._ended(container_id)

    def _wait_for(self, container_id: str, pid: int, then: Callable[[str], None]) -> bool:
        """Call ``then(container_id)`` when a process ends. Return whether there is one."""
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            return False
        loop = asyncio.get_running_loop()

        def ended() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            if container_id in self._containers:
                then(container_id)

        loop.add_reader(descriptor, ended)
        return True

    def _ended(self, container_id: str) -> None:
        """Report the exit, unless the command has outlived its monitor."""
        running = self._containers[container_id]
        status = self._read_exit(container_id)
        if status is None and is_alive(running.pid, running.start):
            log.warning("monitor is gone, its command lives on", extra={"container_id": container_id})
            self._wait_for(container_id, running.pid, self._report_unknown)
            return
        self._report(container_id, status)

    def _report_unknown(self, container_id: str) -> None:
        self._report(container_id, None)

    def _report(self, container_id: str, status: int | None) -> None:
        self._on_exit(container_id, Exit(status=status, memory=self._memory_exceeded(container_id)))

    def _memory_exceeded(self, container_id: str) -> str | None:
        if not self._cgroups.oom_kills(container_id):
            return None
        _, limit = self._cgroups.memory(container_id)
        peak = self._cgroups.peak_memory(container_id)
        return f"Memory limit exceeded: Requested: {(limit or 0) >> 20}MB Maximum Used: {(peak or limit or 0) >> 20}MB"

    def _read_exit(self, container_id: str) -> int | None:
        try:
            status: int = json.loads(self._exit_file(container_id).read_bytes())["status"]
        except (OSError, ValueError, KeyError):
            return None
        return status

    def _start_file(self, container_id: str) -> Path:
        return self._exits / f"{container_id}.started"

    def _exit_file(self, container_id: str) -> Path:
        return self._exits / container_id

    def _signal(self, container_id: str, number: signal.Signals) -> None:
        running = self._containers.get(container_id)
        if running is None:
            return
        for pid in self._processes(container_id, running):
            _kill(pid, number)

    def _processes(self, container_id: str, running: Running) -> list[int]:
        """Return all processes of a container: by cgroup where there is one, and by session."""
        found = set(self._cgroups.processes(container_id))
        if is_alive(running.pid, running.start):
            found.add(running.pid)
        if not found or not self._cgroups.processes(container_id):
            found.update(_session(running.pid, running.start))
        return sorted(found)

    async def _in_pool(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call, *args)


def is_alive(pid: int, start: int) -> bool:
    """Tell whether the process that started at ``start`` ticks still runs under ``pid``, and is no zombie."""
    fields = _stat(pid)
    return fields is not None and int(fields[19]) == start and fields[0] != "Z"


def _stat(pid: int) -> list[str] | None:
    if pid <= 0:
        return None
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _session(leader: int, start: int) -> list[int]:
    """Return the processes of a session whose leader started at ``start`` or has ended."""
    leader_stat = _stat(leader)
    if leader <= 0 or (leader_stat is not None and int(leader_stat[19]) != start):
        return []
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None and int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
