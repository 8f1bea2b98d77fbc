"""The leading master is found in ZooKeeper, and followed when it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mesos import codec
from mesos.types.masters import master_info
from mesos.zk import Zk
from tests.fakes import operator_master as wire
from tests.fakes.operator_master import OperatorMaster
from tests.integration.test_dns_program import running, until
from tests.support.zk_clients import connected
from tests.support.zookeeper import ZooKeeperServer

pytestmark = pytest.mark.integration


@pytest.fixture
def server() -> Iterator[ZooKeeperServer]:
    with ZooKeeperServer() as made:
        yield made


@pytest.fixture
async def masters() -> AsyncIterator[list[OperatorMaster]]:
    made = [OperatorMaster(), OperatorMaster()]
    for number, master in enumerate(made):
        master.agents, master.frameworks = [wire.agent()], [wire.framework()]
        master.tasks = [wire.task("web.1", "web", ip=f"12.0.0.{number}")]
        await master.start()
    yield made
    for master in made:
        await master.stop()


async def contend(zk: Zk, master: OperatorMaster) -> str:
    """Write the node of a master, as Mesos does."""
    info = master_info("c0f1", ip="127.0.0.1", port=master.port, hostname="localhost")
    return await zk.create("/mesos/json.info_", codec.encode(info), ephemeral=True, sequence=True)


async def test_the_leader_is_followed(tmp_path: Path, server: ZooKeeperServer, masters: list[OperatorMaster]) -> None:
    async with connected(server) as zk, running(tmp_path, f"--zk={server.url('/mesos')}") as program:
        await zk.ensure_path("/mesos")
        nodes = [await contend(zk, master) for master in masters]
        await program.gives("web.marathon.mesos", "12.0.0.0")
        assert masters[1].subscriptions == 0
        await until(lambda: _serves(program, "master1.mesos"), "both masters have names")
        await zk.delete(nodes[0])
        await program.gives("web.marathon.mesos", "12.0.0.1")
        server.kill()
        masters[1].update("web.1", "TASK_RUNNING", "12.0.0.9")
        await program.gives("web.marathon.mesos", "12.0.0.9")
        server.start()


async def _serves(program: object, name: str) -> bool:
    return await program.addresses(name) == ["127.0.0.1"]  # type: ignore[attr-defined, no-any-return]
