"""A real HAProxy follows a Marathon: traffic reaches tasks as they come, and no request is lost as they go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.lb_parts import Backend, FakeMarathon, Lb, app, balanced, eventually, free_ports, wrk

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]


@pytest.fixture
async def marathon() -> AsyncIterator[FakeMarathon]:
    fake = await FakeMarathon().start()
    yield fake
    await fake.stop()


@pytest.fixture
async def backends() -> AsyncIterator[list[Backend]]:
    started = [await Backend(f"task{number}").start() for number in range(6)]
    yield started
    for backend in started:
        await backend.kill()


async def served(lb: Lb, port: int, expected: set[str]) -> None:
    async def question() -> bool:
        return await lb.names(port) == expected

    await eventually(question)


async def test_tasks_get_traffic_by_service_port_vhost_and_app_id(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    (port,) = free_ports(1)
    marathon.apps["/web"] = app("/web", port, HAPROXY_0_VHOST="web.example.com")
    marathon.add_task("/web", backends[0])
    marathon.add_task("/web", backends[1])
    async with balanced(tmp_path, marathon) as lb:
        await served(lb, port, {"task0", "task1"})
        assert marathon.accepts == ["text/event-stream"]
        assert (await lb.get(lb.http, Host="web.example.com"))[0] == 200
        assert (await lb.get(lb.http, Host="other.example.com"))[0] == 503
        assert (await lb.get(lb.appid, X_Marathon_App_Id="/web"))[0] == 200
        await lb.reloaded(1)
        await marathon.run_task("/web", backends[2])
        await served(lb, port, {"task0", "task1", "task2"})
        assert lb.reloads == 1


async def test_rolling_over_every_task_loses_no_request(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    (port,) = free_ports(1)
    marathon.apps["/web"] = app("/web", port, HAPROXY_0_MODE="http")
    tasks = [marathon.add_task("/web", backend) for backend in backends[:2]]
    async with balanced(tmp_path, marathon) as lb:
        await served(lb, port, {"task0", "task1"})
        await lb.reloaded(1)
        url = f"http://127.0.0.1:{port}/"
        loads = [asyncio.create_task(wrk(url, 6)), asyncio.create_task(wrk(url, 6, keep_alive=False))]
        for old, new in ((0, 2), (1, 3)):
            tasks.append(await marathon.run_task("/web", backends[new]))
            await served(lb, port, {"task1", "task2"} | ({"task0"} if old == 0 else {"task3"}))
            await marathon.announce_kill("/web", tasks[old])
            await asyncio.sleep(1.0)  # what Marathon gives between telling and killing
            await backends[old].kill()
            await marathon.end_task("/web", tasks[old])
        await served(lb, port, {"task2", "task3"})
        for load in await asyncio.gather(*loads):
            assert load.errors == 0, load.output
            assert load.requests > 500
        assert lb.reloads == 1

        async def only_two_servers() -> bool:
            rows = [row for row in await lb.stat() if row["pxname"] == f"web_{port}" and row["type"] == "2"]
            return len(rows) == 2

        await eventually(only_two_servers)


async def test_one_new_app_after_another_reloads_once_and_breaks_no_connection(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    ports = free_ports(4)
    marathon.apps["/web"] = app("/web", ports[0], HAPROXY_0_MODE="http")
    marathon.add_task("/web", backends[0])
    async with balanced(tmp_path, marathon, "--min-reload-interval=1") as lb:
        await served(lb, ports[0], {"task0"})
        await lb.reloaded(1)
        loads = [
            asyncio.create_task(wrk(f"http://127.0.0.1:{ports[0]}/", 5, keep_alive=alive)) for alive in (True, False)
        ]
        for number in (1, 2, 3):
            marathon.apps[f"/new{number}"] = app(f"/new{number}", ports[number], HAPROXY_0_VHOST=f"n{number}.org")
            await marathon.run_task(f"/new{number}", backends[number])
        for number in (1, 2, 3):
            await served(lb, ports[number], {f"task{number}"})
        for load in await asyncio.gather(*loads):
            assert load.errors == 0, load.output
        assert lb.reloads <= 3


async def test_an_unhealthy_task_leaves_and_a_healthy_one_comes_back(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    (port,) = free_ports(1)
    checks = [{"protocol": "MESOS_TCP", "portIndex": 0, "intervalSeconds": 2, "timeoutSeconds": 1}]
    marathon.apps["/web"] = app("/web", port) | {"healthChecks": checks}
    marathon.add_task("/web", backends[0], healthy=True)
    second = marathon.add_task("/web", backends[1], healthy=False)
    async with balanced(tmp_path, marathon) as lb:
        await served(lb, port, {"task0"})
        await lb.reloaded(1)
        instance = second.partition("._app")[0]
        for healthy, expected in ((True, {"task0", "task1"}), (False, {"task0"})):
            await marathon.publish(
                "instance_health_changed_event", instanceId=instance, runSpecId="/web", healthy=healthy
            )
            await served(lb, port, expected)
        assert lb.reloads == 1


async def test_sticky_apps_take_servers_by_a_reload(
    tmp_path: Path, marathon: FakeMarathon, backends: list[Backend]
) -> None:
    (port,) = free_ports(1)
    marathon.apps["/web"] = app("/web", port, HAPROXY_0_MODE="http", HAPROXY_0_STICKY="true")
    marathon.add_task("/web", backends[0])
    async with balanced(tmp_path, marathon, "--min-reload-interval=0.1") as lb:
        await served(lb, port, {"task0"})
        await marathon.run_task("/web", backends[1])
        await served(lb, port, {"task0", "task1"})
        await lb.reloaded(2)
