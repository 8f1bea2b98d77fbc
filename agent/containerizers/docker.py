"""Containers of a Docker engine, through the ``docker`` package in a few threads.

Exits are followed on the engine's event stream; nothing is polled. A container is found again by its name
``mesos-<container id>`` and carries the ids of its task as labels. An engine that is gone or hangs keeps only its own
containers waiting. Source: Mesos ``docker/docker.cpp`` and its Docker executor.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import docker
import docker.errors
import requests

from agent.containerizers.base import ContainerSpec, Exit, OnExit, Running, Usage
from agent.containerizers.docker_arguments import arguments
from agent.errors import LaunchFailed
from mesos.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

KIND = "docker"
PREFIX = "mesos-"
OOM_EXIT = 137
RETRY_S = 1.0
"""Between two looks at an engine that does not answer."""


class DockerContainerizer:
    """Runs containers on one engine.

    :param url: of the engine, e.g. ``unix:///var/run/docker.sock``.
    """

    def __init__(self, url: str, clock: Clock, on_exit: OnExit) -> None:
        self._client = docker.DockerClient(base_url=url, version="auto", timeout=60, max_pool_size=16)
        self._clock, self._on_exit = clock, on_exit
        self._pool = ThreadPoolExecutor(4, "docker")
        self._loop = asyncio.get_running_loop()
        self._watched: dict[str, Path] = {}
        self._logs: dict[str, threading.Thread] = {}
        self._stopping = False
        self._events = threading.Thread(target=self._follow_events, name="docker-events", daemon=True)
        self._events.start()

    async def launch(self, spec: ContainerSpec) -> Running:
        """Pull what is missing, create and start. :raises LaunchFailed: with the engine's reason."""
        self._watched[spec.container_id] = Path(spec.sandbox)
        try:
            return await self._in_pool(self._launch, spec)
        except LaunchFailed:
            self._watched.pop(spec.container_id, None)
            raise

    def terminate(self, container_id: str, grace_s: float) -> None:
        """Have the engine stop it; the engine kills it after ``grace_s``."""
        self._in_background(self._stop_container, container_id, grace_s)

    def kill(self, container_id: str) -> None:
        """Have the engine kill it."""
        self._in_background(self._kill_container, container_id)

    async def destroy(self, container_id: str) -> None:
        """Remove the engine's record of it, once its last output is in the sandbox."""
        self._watched.pop(container_id, None)
        follower = self._logs.pop(container_id, None)
        await self._in_pool(self._remove, container_id, follower)

    async def find(self, container_id: str) -> Running | None:
        """Ask the engine for it by name."""
        return await self._in_pool(self._inspect, container_id)

    async def recover(self, container_id: str, running: Running) -> None:
        """Watch it again, or report the exit that happened meanwhile."""
        self._watched.setdefault(container_id, Path("/dev/null"))
        await self._in_pool(self._report_if_ended, container_id)

    async def usage(self, container_id: str) -> Usage | None:
        """Return what the engine counts."""
        return await self._in_pool(self._usage, container_id)

    async def execute(self, container_id: str, argv: tuple[str, ...], environ: dict[str, str]) -> int | None:
        """Run a command in the container."""
        return await self._in_pool(self._execute, container_id, argv, environ)

    async def stop(self) -> None:
        """Let go of the engine; containers go on."""
        self._stopping = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    # In threads.

    def _launch(self, spec: ContainerSpec) -> Running:
        name = PREFIX + spec.container_id
        assert spec.task.container is not None
        info = spec.task.container.docker
        if info is None:
            raise LaunchFailed("a Docker container needs to say its image")
        given = arguments(spec)
        try:
            if info.force_pull_image or not self._has_image(info.image):
                self._client.images.pull(*_repository(info.image))
            container = self._client.containers.create(name=name, **given)
            try:
                container.start()
                container.reload()
            except docker.errors.APIError:
                container.remove(force=True)
                raise
        except (docker.errors.DockerException, requests.RequestException) as error:
            raise LaunchFailed(f"Docker: {_explain(error)}") from error
        self._follow_logs(spec.container_id, container, Path(spec.sandbox))
        return _running(container.attrs)

    def _has_image(self, image: str) -> bool:
        try:
            self._client.images.get(image)
        except docker.errors.ImageNotFound:
            return False
        return True

    def _inspect(self, container_id: str) -> Running | None:
        try:
            container = self._client.containers.get(PREFIX + container_id)
        except (docker.errors.DockerException, requests.RequestException):
            return None
        return _running(container.attrs)

    def _stop_container(self, container_id: str, grace_s: float) -> None:
        self._client.containers.get(PREFIX + container_id).stop(timeout=max(0, round(grace_s)))

    def _kill_container(self, container_id: str) -> None:
        container = self._client.containers.get(PREFIX + container_id)
        if container.status == "running":
            container.kill()

    def _remove(self, container_id: str, follower: threading.Thread | None) -> None:
        if follower is not None:
            follower.join(timeout=2)
        try:
            self._client.containers.get(PREFIX + container_id).remove(force=True, v=True)
        except docker.errors.NotFound:
            return
        except (docker.errors.DockerException, requests.RequestException) as error:
            log.warning("container not removed", extra={"container_id": container_id, "error": _explain(error)})

    def _execute(self, container_id: str, argv: tuple[str, ...], environ: dict[str, str]) -> int | None:
        try:
            container = self._client.containers.get(PREFIX + container_id)
            code, _ = container.exec_run(list(argv), environment=environ)
        except (docker.errors.DockerException, requests.RequestException):
            return None
        return int(code) if code is not None else None

    def _usage(self, container_id: str) -> Usage | None:
        try:
            stats = self._client.containers.get(PREFIX + container_id).stats(stream=False)
        except (docker.errors.DockerException, requests.RequestException):
            return None
        cpu, memory = stats.get("cpu_stats", {}).get("cpu_usage", {}), stats.get("memory_stats", {})
        return Usage(
            timestamp=self._clock.now_s(),
            cpus_user_time_secs=cpu.get("usage_in_usermode", 0) / 1e9,
            cpus_system_time_secs=cpu.get("usage_in_kernelmode", 0) / 1e9,
            mem_limit_bytes=memory.get("limit"),
            mem_rss_bytes=memory.get("usage"),
            mem_total_bytes=memory.get("usage"),
            processes=stats.get("pids_stats", {}).get("current"),
        )

    def _follow_logs(self, container_id: str, container: Any, sandbox: Path) -> None:
        """Copy the container's output into the sandbox as it comes."""
        thread = threading.Thread(
            target=_copy_logs, args=(container, sandbox), name=f"logs-{container_id[:8]}", daemon=True
        )
        self._logs[container_id] = thread
        thread.start()

    def _follow_events(self) -> None:
        """Report exits as the engine tells of them; after a break ask for all that are watched."""
        while not self._stopping:
            try:
                events = self._client.events(decode=True, filters={"type": "container", "event": "die"})
                for container_id in list(self._watched):
                    self._report_if_ended(container_id)
                for event in events:
                    name = event.get("Actor", {}).get("Attributes", {}).get("name", "")
                    if name.startswith(PREFIX) and name.removeprefix(PREFIX) in self._watched:
                        self._report_if_ended(name.removeprefix(PREFIX))
            except (docker.errors.DockerException, requests.RequestException, OSError, ValueError) as error:
                if not self._stopping:
                    log.warning("engine does not answer", extra={"error": _explain(error)})
            threading.Event().wait(RETRY_S)

    def _report_if_ended(self, container_id: str) -> None:
        try:
            attributes = self._client.containers.get(PREFIX + container_id).attrs
        except docker.errors.NotFound:
            if container_id in self._logs or self._watched.get(container_id) == Path("/dev/null"):
                self._report(container_id, Exit(status=None, noun="Container"))
            return
        except (docker.errors.DockerException, requests.RequestException):
            return  # the event stream has broken too, and will come back here
        state = attributes["State"]
        if state["Status"] in ("exited", "dead") and state.get("StartedAt", "") > "0001-01-01T00:00:01":
            self._report(container_id, _exit(attributes))

    def _report(self, container_id: str, exit_: Exit) -> None:
        if not self._stopping:
            self._loop.call_soon_threadsafe(self._on_exit, container_id, exit_)

    def _in_background(self, call: Callable[..., None], *args: Any) -> None:
        def run() -> None:
            try:
                call(*args)
            except docker.errors.NotFound:
                return
            except (docker.errors.DockerException, requests.RequestException) as error:
                log.warning("engine refused", extra={"call": call.__name__, "error": _explain(error)})

        if not self._stopping:
            self._pool.submit(run)

    async def _in_pool(self, call: Callable[..., T], *args: Any) -> T:
        return await self._loop.run_in_executor(self._pool, call, *args)


def _copy_logs(container: Any, sandbox: Path) -> None:
    try:
        stream = container.attach(stdout=True, stderr=True, stream=True, logs=True, demux=True)
        with (sandbox / "stdout").open("ab", 0) as out, (sandbox / "stderr").open("ab", 0) as err:
            for stdout, stderr in stream:
                if stdout:
                    out.write(stdout)
                if stderr:
                    err.write(stderr)
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        log.warning("container output lost", extra={"container": container.name, "error": str(error)})


def _running(attributes: dict[str, Any]) -> Running:
    networks = attributes.get("NetworkSettings", {}).get("Networks") or {}
    addresses = tuple(each["IPAddress"] for each in networks.values() if each.get("IPAddress"))
    return Running(
        kind=KIND,
        pid=attributes.get("State", {}).get("Pid") or 0,
        ip_addresses=addresses,
        inspected=json.dumps([attributes]).encode(),
    )


def _exit(attributes: dict[str, Any]) -> Exit:
    state = attributes["State"]
    memory = None
    if state.get("OOMKilled"):
        limit = attributes.get("HostConfig", {}).get("Memory", 0) >> 20
        memory = f"Memory limit exceeded: Requested: {limit}MB Maximum Used: {limit}MB"
    return Exit(status=int(state["ExitCode"]) << 8, memory=memory, noun="Container")


def _repository(image: str) -> tuple[str, str]:
    """Return repository and tag; without a tag an engine would pull all of them."""
    name, colon, tag = image.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (image, "latest")


def _explain(error: Exception) -> str:
    if isinstance(error, docker.errors.APIError):
        return str(error.explanation or error)
    return str(error)
