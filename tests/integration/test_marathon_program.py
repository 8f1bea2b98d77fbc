"""The program as users meet it: its process, its HTTP API, its events, two of them behind one ZooKeeper."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from mesos.http.sse import SseDecoder, SseEvent
from mesos.types.tasks import TaskState
from tests.fakes.master import FakeMaster
from tests.support.zookeeper import ZooKeeperServer

pytestmark = pytest.mark.integration

APP = {"id": "/web", "cmd": "sleep 1000", "cpus": 0.1, "mem": 32, "instances": 2}


class Program:
    """One marathon process and a client of its API."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, session: aiohttp.ClientSession) -> None:
        self.process, self.url, self._session = process, url, session

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and JSON of an answer."""
        async with self._session.request(method, self.url + path, json=body) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text and text[0] in '{["' else text

    async def eventually(self, path: str, wanted: Any, timeout_s: float = 20.0) -> Any:
        """Ask until ``wanted(answer)`` holds and return that answer."""
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    status, body = await self.ask("GET", path)
                    if status == 200 and wanted(body):
                        return body
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[SseEvent]]:
        """Follow the event bus."""
        headers = {"Accept": "text/event-stream"}
        async with self._session.get(f"{self.url}/v2/events", headers=headers) as answer:
            assert answer.status == 200

            async def stream() -> AsyncIterator[SseEvent]:
                decoder = SseDecoder()
                async for data in answer.content.iter_any():
                    for event in decoder.feed(data):
                        yield event

            yield stream()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def program(master: FakeMaster, *flags: str) -> AsyncIterator[Program]:
    """Run ``python -m marathon`` until the block ends."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "marathon", f"--master={master.address}", f"--http_port={port}"),
        *("--http_address=127.0.0.1", "--hostname=127.0.0.1", *flags),
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        try:
            yield Program(process, f"http://127.0.0.1:{port}", session)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


@asynccontextmanager
async def fake_master() -> AsyncIterator[FakeMaster]:
    master = await FakeMaster().start()
    try:
        yield master
    finally:
        await master.stop()


async def test_a_posted_app_runs_and_its_events_come_in_order() -> None:
    async with fake_master() as master, program(master, "--disable_ha", "--store=memory:") as marathon:
        await marathon.eventually("/v2/info", lambda body: body["frameworkId"])
        kinds: list[str] = []
        async with marathon.events() as events:
            assert (await anext(events)).event == "event_stream_attached"
            status, answer = await marathon.ask("POST", "/v2/apps", APP)
            assert status == 201
            (deployment,) = answer["deployments"]
            async with asyncio.timeout(10):
                async for event in events:
                    kinds.append(event.event)
                    if event.event == "deployment_success":
                        assert json.loads(event.data)["id"] == deployment["id"]
                        break
        assert kinds[:3] == ["api_post_event", "group_change_success", "deployment_info"]
        assert kinds.count("status_update_event") == 2
        _, body = await marathon.ask("GET", "/v2/apps/web")
        assert (body["app"]["tasksRunning"], body["app"]["deployments"]) == (2, [])
        assert sorted(each["id"] for each in body["app"]["tasks"]) == sorted(master.running())
        assert (await marathon.ask("GET", "/v2/queue"))[1] == {"queue": []}


async def test_a_waiting_deployment_says_what_it_waits_for() -> None:
    async with fake_master() as master, program(master, "--disable_ha", "--store=memory:") as marathon:
        await marathon.eventually("/v2/info", lambda body: body["frameworkId"])
        _, answer = await marathon.ask("POST", "/v2/apps", {**APP, "constraints": [["hostname", "UNIQUE"]]})
        path = f"/v2/deployments/{answer['deployments'][0]['id']}"
        body = await marathon.eventually(path, lambda body: body["waiting"][0]["done"] == 1)
        assert "UnfulfilledConstraint" in body["waiting"][0]["waitsFor"][0]
        queue = await marathon.eventually("/v2/queue", lambda body: body["queue"])
        assert queue["queue"][0]["count"] == 1
        assert queue["queue"][0]["delay"] == {"timeLeftSeconds": 0, "overdue": True}


async def test_kill_scale_restart_and_delete() -> None:
    async with fake_master() as master, program(master, "--disable_ha", "--store=memory:") as marathon:
        await marathon.eventually("/v2/info", lambda body: body["frameworkId"])
        await marathon.ask("POST", "/v2/apps", APP)
        await marathon.eventually("/v2/deployments", lambda body: body == [])
        first = master.running()
        status, body = await marathon.ask("DELETE", f"/v2/apps/web/tasks/{first[0]}?scale=true")
        assert status == 200 and body["deploymentId"]
        await marathon.eventually("/v2/deployments", lambda body: body == [])
        assert master.running() == first[1:]
        await marathon.ask("POST", "/v2/apps/web/restart")
        await marathon.eventually("/v2/deployments", lambda body: body == [])
        assert len(master.running()) == 1 and master.running() != first[1:]
        assert (await marathon.ask("DELETE", "/v2/apps/web"))[0] == 200
        await marathon.eventually("/v2/deployments", lambda body: body == [])
        assert master.running() == []
        assert (await marathon.ask("GET", "/v2/apps/web"))[0] == 404


async def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "marathon", "--master=127.0.0.1:1", "--disable_ha", "--store=memory:"),
            *(f"--http_port={port}", "--http_address=127.0.0.1", "--logging_level=error"),
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    (line,) = errors.decode().splitlines()
    assert str(port) in line and "--http_port" in line


async def test_a_standby_answers_through_the_leader_and_takes_over_when_it_dies() -> None:
    with ZooKeeperServer() as server:
        flags = (f"--zk={server.url('/marathon')}", "--zk_session_timeout=2000")
        async with fake_master() as master, program(master, *flags) as first:
            await first.eventually("/v2/leader", lambda body: body["leader"])
            await first.eventually("/v2/info", lambda body: body["frameworkId"])
            async with program(master, *flags) as second:
                leader = first.url.removeprefix("http://")
                await second.eventually("/v2/leader", lambda body: body["leader"] == leader)
                status, _ = await second.ask("POST", "/v2/apps", APP)
                assert status == 201
                await second.eventually("/v2/deployments", lambda body: body == [])
                running, framework_id = master.running(), master.framework_id
                master.behaviour = lambda _: None
                _, answer = await second.ask("PUT", "/v2/apps/web", {"cmd": "sleep 2000"})
                first.process.kill()
                await first.process.wait()
                new_leader = second.url.removeprefix("http://")
                await second.eventually("/v2/leader", lambda body: body["leader"] == new_leader, timeout_s=30)
                (listed,) = (await second.ask("GET", "/v2/deployments"))[1]
                assert listed["id"] == answer["deploymentId"]
                await second.eventually("/v2/info", lambda body: body["frameworkId"] == framework_id)
                assert master.running() == running
                await second.eventually("/v2/apps/web", lambda body: len(body["app"]["tasks"]) == 4)
                # the old leader may have died before its ACCEPT left; the new one asks, and launches again
                master.behaviour = lambda _: TaskState.TASK_RUNNING
                for task_id in [each for each in master.tasks if each not in running]:
                    master.report(task_id, TaskState.TASK_RUNNING)
                await second.eventually("/v2/deployments", lambda body: body == [])
                assert master.framework_id == framework_id
                assert len(master.running()) == 2
                assert not set(running) & set(master.running())
