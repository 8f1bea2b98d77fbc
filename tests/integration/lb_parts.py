"""Parts around a real balancer: a Marathon with a bus, tasks that answer with their name, load."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

TIMEOUT_S = 20.0


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


async def eventually(question: Callable[[], Awaitable[Any]], timeout_s: float = TIMEOUT_S) -> Any:
    """Return the first true answer; a refused connection and a missing key count as no."""
    until_s = time.monotonic() + timeout_s
    last: object = None
    while time.monotonic() < until_s:
        try:
            last = await question()
            if last:
                return last
        except (AssertionError, OSError, KeyError, IndexError, aiohttp.ClientError) as error:
            last = error
        await asyncio.sleep(0.005)
    raise AssertionError(f"not within {timeout_s} s; last: {last!r}")


class Backend:
    """A task: an HTTP server that answers with its name, after ``delay_s``."""

    def __init__(self, name: str, delay_s: float = 0.0) -> None:
        self.name, self.delay_s, self.port, self.requests = name, delay_s, 0, 0
        self._runner: web.ServerRunner | None = None

    async def start(self, port: int = 0) -> Backend:
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests += 1
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return web.Response(text=self.name)

    async def kill(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


class FakeMarathon:
    """``/v2/apps``, ``/v2/apps/{id}`` and ``/v2/events`` over apps that a test changes."""

    def __init__(self) -> None:
        self.apps: dict[str, dict[str, Any]] = {}
        self.url = ""
        self.fetches: list[str] = []
        self.accepts: list[str] = []
        self._streams: list[web.StreamResponse] = []
        self._runner: web.AppRunner | None = None

    async def start(self, redirect_to: str | None = None) -> FakeMarathon:
        app = web.Application()
        app.router.add_get("/v2/apps", self._all)
        app.router.add_get("/v2/events", self._events)
        app.router.add_get("/v2/apps/{id:.+}", self._one)
        self.redirect_to = redirect_to
        self._runner = web.AppRunner(app, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        self.drop_streams()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def drop_streams(self) -> None:
        """End the bus for all who follow it."""
        self._streams.clear()

    async def publish(self, kind: str, **fields: Any) -> None:
        data = json.dumps({"eventType": kind, "timestamp": "2026-01-01T00:00:00.000Z"} | fields)
        for stream in list(self._streams):
            try:
                await stream.write(f"event: {kind}\r\ndata: {data}\r\n\r\n".encode())
            except (ConnectionError, RuntimeError):
                self._streams.remove(stream)

    async def followed(self) -> None:
        async def has_reader() -> bool:
            return bool(self._streams)

        await eventually(has_reader)

    def add_task(self, app_id: str, backend: Backend, *, healthy: bool | None = None) -> str:
        app = self.apps[app_id]
        instance = f"{app_id.strip('/').replace('/', '_')}.instance-{backend.port:08x}-0000-11e9-0000-000000000000"
        task: dict[str, Any] = {
            "id": f"{instance}._app.1",
            "appId": app_id,
            "host": "127.0.0.1",
            "ports": [backend.port],
            "state": "TASK_RUNNING",
        }
        if healthy is not None:
            task["healthCheckResults"] = [{"alive": healthy, "instanceId": instance}]
        app["tasks"].append(task)
        return str(task["id"])

    async def run_task(self, app_id: str, backend: Backend) -> str:
        """Add a task and tell that it runs."""
        task_id = self.add_task(app_id, backend)
        await self._status(app_id, task_id, "TASK_RUNNING")
        return task_id

    async def announce_kill(self, app_id: str, task_id: str) -> None:
        """Tell that an instance is about to be killed."""
        for task in self.apps[app_id]["tasks"]:
            if task["id"] == task_id:
                task["state"] = "TASK_KILLING"
        await self.publish(
            "instance_changed_event",
            instanceId=task_id.partition("._app")[0],
            condition="Killing",
            runSpecId=app_id,
            agentId="a",
            host="127.0.0.1",
            runSpecVersion="v",
        )

    async def end_task(self, app_id: str, task_id: str) -> None:
        """Remove a task and tell that it was killed."""
        app = self.apps[app_id]
        app["tasks"] = [task for task in app["tasks"] if task["id"] != task_id]
        await self._status(app_id, task_id, "TASK_KILLED")

    async def _status(self, app_id: str, task_id: str, state: str) -> None:
        await self.publish("status_update_event", appId=app_id, taskId=task_id, taskStatus=state, host="127.0.0.1")

    async def _all(self, request: web.Request) -> web.Response:
        self.fetches.append("*")
        return web.json_response({"apps": list(self.apps.values())})

    async def _one(self, request: web.Request) -> web.Response:
        app_id = "/" + request.match_info["id"].strip("/")
        self.fetches.append(app_id)
        if app_id not in self.apps:
            return web.json_response({"message": f"App '{app_id}' does not exist"}, status=404)
        return web.json_response({"app": self.apps[app_id]})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self.redirect_to is not None:
            raise web.HTTPFound(self.redirect_to + request.path_qs)
        self.accepts.append(request.headers["Accept"])
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream;charset=utf-8"})
        await stream.prepare(request)
        await stream.write(b'event: event_stream_attached\r\ndata: {"eventType":"event_stream_attached"}\r\n\r\n')
        self._streams.append(stream)
        while stream in self._streams:
            await asyncio.sleep(0.02)
        return stream


def app(app_id: str, port: int, **labels: str) -> dict[str, Any]:
    """Return an app of group ``external`` with one service port."""
    return {
        "id": app_id,
        "instances": 2,
        "networks": [{"mode": "host"}],
        "portDefinitions": [{"port": port}],
        "labels": {"HAPROXY_GROUP": "external"} | labels,
        "tasks": [],
    }


class Lb:
    """A balancer process with its HAProxy."""

    def __init__(self, directory: Path, marathons: list[str], *flags: str) -> None:
        self.dir = directory
        self.stats, self.http, self.https, self.appid = free_ports(4)
        self.argv = [
            sys.executable,
            "-m",
            "marathon_lb",
            "sse",
            "--marathon",
            *marathons,
            "--group=external",
            f"--work-dir={directory}",
            f"--stats-port={self.stats}",
            f"--http-port={self.http}",
            f"--https-port={self.https}",
            f"--appid-port={self.appid}",
            "--maxconn=2000",
            *flags,
        ]
        self.process: asyncio.subprocess.Process | None = None
        self.session: aiohttp.ClientSession | None = None

    async def start(self) -> Lb:
        self.session = self.session or aiohttp.ClientSession()
        with open(self.dir / "log", "ab") as log:  # noqa: ASYNC230 a small file of a test
            self.process = await asyncio.create_subprocess_exec(*self.argv, stdout=log, stderr=log)

        async def ready() -> bool:
            assert self.process is not None
            if self.process.returncode is not None:
                raise RuntimeError(self.log())
            return (await self.get(self.stats, "/_haproxy_health_check"))[0] == 200

        await eventually(ready)
        return self

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()
        if self.session is not None:
            await self.session.close()

    def log(self) -> str:
        return (self.dir / "log").read_text()

    @property
    def reloads(self) -> int:
        return len(re.findall("haproxy reloaded", self.log()))

    async def reloaded(self, times: int) -> None:
        """Wait until HAProxy was reloaded so often."""

        async def question() -> bool:
            return self.reloads == times

        await eventually(question)

    async def get(self, port: int, path: str = "/", **headers: str) -> tuple[int, str]:
        """Ask on a new connection."""
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            url = f"http://127.0.0.1:{port}{path}"
            async with session.get(url, headers=fields, timeout=aiohttp.ClientTimeout(total=5)) as answer:
                return answer.status, await answer.text()

    async def names(self, port: int, count: int = 8) -> set[str]:
        """Return the names of those who answer."""
        return {(await self.get(port))[1] for _ in range(count)}

    async def stat(self) -> list[dict[str, str]]:
        """Return the rows of HAProxy's statistics."""
        text = (await self.get(self.stats, "/haproxy?stats;csv"))[1]
        head, *lines = text.lstrip("# ").splitlines()
        return [dict(zip(head.split(","), line.split(","), strict=False)) for line in lines if line]


@asynccontextmanager
async def balanced(directory: Path, marathon: FakeMarathon, *flags: str) -> AsyncIterator[Lb]:
    """Run a balancer that follows ``marathon``."""
    lb = Lb(directory, [marathon.url], *flags)
    try:
        await lb.start()
        await marathon.followed()
        yield lb
    finally:
        await lb.stop()


class Load:
    """What wrk counted."""

    def __init__(self, output: str) -> None:
        self.output = output
        self.requests = int(re.search(r"(\d+) requests in", output)[1])  # type: ignore[index]
        failed = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
        self.errors = sum(map(int, failed.groups())) if failed else 0
        self.errors += int(refused[1]) if refused else 0


async def wrk(url: str, seconds: int, *, keep_alive: bool = True, connections: int = 8) -> Load:
    """Put load on ``url``."""
    header = [] if keep_alive else ["-H", "Connection: close"]
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *header, url]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return Load(output.decode())
