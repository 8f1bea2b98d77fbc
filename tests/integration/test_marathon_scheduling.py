"""Marathon over real sockets: a fake master, real stores, real elections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from marathon.app import Marathon
from marathon.config import Config
from marathon.core import events as ev
from marathon.core import groups
from marathon.core.model.app import AppDefinition
from mesos.config import load
from mesos.types.tasks import TaskState
from tests.fakes.master import FakeMaster
from tests.support.world import app
from tests.support.zk_clients import expire, until
from tests.support.zookeeper import ZooKeeperServer

pytestmark = pytest.mark.integration


@asynccontextmanager
async def marathon(master: FakeMaster, *flags: str) -> AsyncIterator[Marathon]:
    """Run a marathon without its HTTP side."""
    config = load(Config, [f"--master={master.address}", "--hostname=127.0.0.1", *flags], {}, prefix="MARATHON_")
    program = Marathon(config)
    task = asyncio.create_task(program.run())
    try:
        yield program
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def fake_master() -> AsyncIterator[FakeMaster]:
    """Run a fake master."""
    master = await FakeMaster().start()
    try:
        yield master
    finally:
        await master.stop()


async def put(program: Marathon, definition: AppDefinition) -> Any:
    """Create or change an app."""
    assert program.term is not None
    return await program.term.ask(
        lambda ask: ev.ChangeRoot(ask_id=ask, change=lambda root, _: groups.put_app(root, definition))
    )


def settled(program: Marathon) -> bool:
    """Tell whether it leads and no deployment runs."""
    return program.term is not None and not program.term.state.deployments


async def test_apps_survive_a_restart_on_sqlite(tmp_path: Path) -> None:
    flags = ("--disable_ha", f"--store=sqlite:{tmp_path / 'marathon' / 'state.db'}")
    async with fake_master() as master:
        async with marathon(master, *flags) as program:
            await until(lambda: program.leads)
            await put(program, app(instances=3))
            await until(lambda: settled(program))
            running, framework_id = master.running(), master.framework_id
            assert len(running) == 3
        async with marathon(master, *flags) as program:
            await until(lambda: program.leads and master.kinds().count("SUBSCRIBE") == 2)
            assert program.term is not None
            assert master.framework_id == framework_id
            await until(lambda: program.term is not None and program.term.state.connected)
            assert master.running() == running
            assert len(program.term.state.instances) == 3


async def test_updates_that_were_lost_with_the_stream_are_folded_after_it() -> None:
    async with fake_master() as master, marathon(master, "--disable_ha", "--store=memory:") as program:
        await until(lambda: program.leads)
        master.behaviour = lambda _: None
        await put(program, app())
        await until(lambda: len(master.tasks) == 1)
        (task_id,) = master.tasks
        master.disconnect()
        master.states[task_id] = TaskState.TASK_STAGING
        await until(lambda: master.kinds().count("SUBSCRIBE") == 2)
        master.report(task_id, TaskState.TASK_RUNNING)
        await until(lambda: settled(program))
        await until(lambda: master.unacknowledged == {})


async def test_another_marathon_takes_over_with_everything() -> None:
    with ZooKeeperServer() as server:
        flags = (f"--zk={server.url('/marathon')}", "--zk_session_timeout=2000")
        async with (
            fake_master() as master,
            marathon(master, *flags, "--http_port=18081") as first,
        ):
            await until(lambda: first.leads)
            async with marathon(master, *flags, "--http_port=18082") as second:
                await until(lambda: second.leader == "127.0.0.1:18081")
                await put(first, app(instances=2))
                await until(lambda: settled(first))
                running, framework_id = master.running(), master.framework_id
                master.behaviour = lambda _: None
                answer = await put(first, app(instances=2, cmd="sleep 2000"))
                await first.abdicate()
                await until(lambda: second.leads)
                assert not first.leads
                await until(lambda: first.leader == "127.0.0.1:18082")
                assert second.term is not None
                assert list(second.term.state.deployments) == [answer.deployment_id]
                await until(lambda: second.term is not None and second.term.state.connected)
                assert master.framework_id == framework_id
                await until(lambda: len(master.tasks) == 4)
                for task_id in [each for each in master.tasks if each not in running]:
                    master.report(task_id, TaskState.TASK_RUNNING)
                await until(lambda: settled(second))
                assert len(master.running()) == 2
                assert not set(running) & set(master.running())


async def test_a_leader_without_session_steps_down_and_contends_again() -> None:
    with ZooKeeperServer() as server:
        flags = (f"--zk={server.url('/marathon')}", "--zk_session_timeout=2000")
        async with fake_master() as master, marathon(master, *flags) as program:
            await until(lambda: program.leads)
            await put(program, app())
            await until(lambda: settled(program))
            former = program.term
            assert program._zk is not None
            await expire(program._zk)
            await until(lambda: program.leads and program.term is not former, timeout_s=20)
            assert program.term is not None
            assert list(program.term.state.current) == ["/web"]
            await until(lambda: program.term is not None and program.term.state.connected)
            assert len(master.running()) == 1
