"""One app's fault is that app's alone, and nothing that fails around the balancer stops traffic."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from marathon_lb.drivers.runtime import survey
from tests.integration.lb_parts import Backend, FakeMarathon, Lb, app, balanced, eventually, free_ports

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]


@pytest.fixture
async def marathon() -> AsyncIterator[FakeMarathon]:
    fake = await FakeMarathon().start()
    yield fake
    await fake.stop()


@pytest.fixture
async def backends() -> AsyncIterator[list[Backend]]:
    started = [await Backend(f"task{number}").start() for number in range(3)]
    yield started
    for backend in started:
        await backend.kill()


async def served(lb: Lb, port: int, expected: set[str]) -> None:
    async def question() -> bool:
        return await lb.names(port) == expected

    await eventually(question)


@pytest.mark.parametrize(
    ("label", "value", "reason"),
    [
        pytest.param("HAPROXY_0_BACKEND_HEAD", "\nbackend {backend}\n  nonsense here\n", "nonsense", id="template"),
        pytest.param("HAPROXY_0_BACKEND_HEAD", "{unknown}", "unknown place-holder", id="place-holder"),
        pytest.param("HAPROXY_0_PORT", "many", "HAPROXY_0_PORT", id="no number"),
        pytest.param("HAPROXY_0_BALANCE", "sideways", "balance only supports", id="what HAProxy does not know"),
        pytest.param("HAPROXY_0_VHOST", "a.org\n  stats enable", "no host name", id="injection"),
    ],
)
async def test_a_bad_label_leaves_one_app_out(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend], label: str, value: str, reason: str
) -> None:
    ports = free_ports(3)
    marathon.apps["/good"] = app("/good", ports[0])
    marathon.apps["/bad"] = app("/bad", ports[1], **{label: value})
    marathon.add_task("/good", backends[0])
    marathon.add_task("/bad", backends[1])
    async with balanced(tmp_path, marathon, "--min-reload-interval=0.1") as lb:
        await served(lb, ports[0], {"task0"})
        marathon.apps["/later"] = app("/later", ports[2])
        await marathon.run_task("/later", backends[2])
        await served(lb, ports[2], {"task2"})
        assert lb.log().count("app left out") == 1
        assert reason in lb.log()
        assert "backend bad_" not in (await lb.get(lb.stats, "/_haproxy_getconfig"))[1]


async def test_a_file_that_a_worker_does_not_take_is_taken_back(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    ports = free_ports(3)
    marathon.apps["/good"] = app("/good", ports[0])
    marathon.add_task("/good", backends[0])
    async with balanced(tmp_path, marathon, "--min-reload-interval=0.1", "--skip-validation") as lb:
        await served(lb, ports[0], {"task0"})
        await lb.reloaded(1)
        broken = {"HAPROXY_0_BACKEND_HEAD": "\nbackend {backend}\n  nonsense here\n"}
        marathon.apps["/bad"] = app("/bad", ports[1], **broken)
        await marathon.run_task("/bad", backends[1])
        marathon.apps["/later"] = app("/later", ports[2])
        await marathon.run_task("/later", backends[2])
        await served(lb, ports[2], {"task2"})
        await served(lb, ports[0], {"task0"})
        assert "reload failed" in lb.log()


async def test_a_survey_finds_the_servers_that_run(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    (port,) = free_ports(1)
    marathon.apps["/web"] = app("/web", port)
    marathon.add_task("/web", backends[0])
    async with balanced(tmp_path, marathon) as lb:
        await served(lb, port, {"task0"})
        await marathon.run_task("/web", backends[1])
        await served(lb, port, {"task0", "task1"})
        found = await asyncio.to_thread(survey, tmp_path / "stats.sock")
        assert found[f"web_{port}"] == {f"127_0_0_1_{backend.port}" for backend in backends[:2]}


async def test_a_port_that_is_taken_leaves_one_app_out(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    ports = free_ports(2)
    marathon.apps["/first"] = app("/first", ports[0])
    marathon.apps["/same"] = app("/same", ports[0])
    marathon.apps["/taken"] = app("/taken", ports[1])
    for backend, app_id in zip(backends, list(marathon.apps), strict=True):
        marathon.add_task(app_id, backend)
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports[1]))
        other.listen()
        async with balanced(tmp_path, marathon) as lb:
            await served(lb, ports[0], {"task0"})
            assert "already the port of /first" in lb.log()
            assert "another program listens there" in lb.log()


async def test_the_bus_is_followed_at_another_marathon_and_through_a_redirect(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    (port,) = free_ports(1)
    leader = await FakeMarathon().start()
    standby = await FakeMarathon().start(redirect_to=leader.url)
    for each in (marathon, leader, standby):
        each.apps["/web"] = app("/web", port)
        each.add_task("/web", backends[0])
    lb = Lb(tmp_path, [marathon.url, standby.url])
    try:
        await lb.start()
        await served(lb, port, {"task0"})
        await marathon.followed()
        await marathon.stop()
        await leader.followed()
        for each in (leader, standby):
            await each.run_task("/web", backends[1])
        await served(lb, port, {"task0", "task1"})
    finally:
        await lb.stop()
        await leader.stop()
        await standby.stop()


async def test_a_restarted_balancer_goes_on_with_the_haproxy_it_finds(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    (port,) = free_ports(1)
    marathon.apps["/web"] = app("/web", port)
    marathon.add_task("/web", backends[0])
    async with balanced(tmp_path, marathon) as lb:
        await served(lb, port, {"task0"})
        master = int((await lb.get(lb.stats, "/_haproxy_getpids"))[1].split()[0])
        assert lb.process is not None
        lb.process.kill()
        await lb.process.wait()
        assert (await lb.get(port))[1] == "task0"
        await lb.start()
        marathon.add_task("/web", backends[1])
        assert (await lb.get(port))[1] == "task0"

        async def adopted() -> bool:
            (first, *_) = (await lb.get(lb.stats, "/_haproxy_getpids"))[1].split()
            return first == str(master) and await lb.names(port) == {"task0", "task1"}

        await eventually(adopted)
    with pytest.raises(ProcessLookupError):
        os.kill(master, 0)


async def test_a_killed_haproxy_is_started_again(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    (port,) = free_ports(1)
    marathon.apps["/web"] = app("/web", port)
    marathon.add_task("/web", backends[0])
    async with balanced(tmp_path, marathon) as lb:
        await served(lb, port, {"task0"})
        for pid in (await lb.get(lb.stats, "/_haproxy_getpids"))[1].split():
            os.kill(int(pid), signal.SIGKILL)
        await served(lb, port, {"task0"})


async def test_endpoints_answer_on_the_statistics_port(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    (port,) = free_ports(1)
    marathon.apps["/g/web"] = app("/g/web", port, HAPROXY_0_VHOST="web.example.com")
    marathon.add_task("/g/web", backends[0])
    async with balanced(tmp_path, marathon) as lb:
        await served(lb, port, {"task0"})
        await lb.reloaded(1)
        assert (await lb.get(lb.stats, "/_haproxy_health_check"))[0] == 200
        assert f"backend g_web_{port}" in (await lb.get(lb.stats, "/_haproxy_getconfig"))[1]
        assert await lb.get(lb.stats, "/_haproxy_getvhostmap") == (200, f"web.example.com g_web_{port}\n")
        assert await lb.get(lb.stats, "/_haproxy_getappmap") == (200, f"/g/web g_web_{port}\n")
        assert "Statistics Report" in (await lb.get(lb.stats, "/haproxy?stats"))[1]
        assert "haproxy_process_" in (await lb.get(lb.stats, "/metrics"))[1]
        assert await lb.get(lb.stats, "/_mlb_signal/hup") == (200, "Sent SIGHUP signal to marathon-lb")
        assert await lb.get(lb.stats, "/_mlb_signal/usr1") == (200, "Sent SIGUSR1 signal to marathon-lb")
        await lb.reloaded(2)
        assert marathon.fetches.count("*") >= 2


async def test_a_port_of_its_own_that_is_taken_is_named_with_its_flag(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        lb = Lb(tmp_path, ["http://127.0.0.1:1"], f"--stats-port={port}", "--log-level=ERROR")
        process = await asyncio.create_subprocess_exec(*lb.argv, stderr=asyncio.subprocess.PIPE)
        _, error = await process.communicate()
    assert process.returncode == 1
    assert f"port {port} cannot be had" in error.decode()
    assert "--stats-port=PORT" in error.decode()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        pytest.param(["--group=x", "--haproxy-binary=/no/haproxy"], "--haproxy-binary=PATH", id="haproxy is missing"),
        pytest.param(["--group=x", "--bogus"], "--bogus", id="unknown option"),
        pytest.param([], "--group", id="no group"),
    ],
)
async def test_what_cannot_start_says_why_in_one_line(tmp_path: Path, flags: list[str], said: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "marathon_lb", "sse", f"--work-dir={tmp_path}", "--log-level=ERROR", *flags,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, error = await process.communicate()
    assert process.returncode == 1
    assert error.decode().count("\n") == 1
    assert said in error.decode()
