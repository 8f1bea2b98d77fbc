"""What a store in ZooKeeper promises when servers, connections, sessions and writers fail."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import pytest

from mesos.effects import Put
from mesos.store import Fenced, StoreError, open_store
from mesos.store.zk import ZkStore
from mesos.store.zk_layout import Layout, Table
from tests.support.tcp_proxy import TcpProxy
from tests.support.zk_clients import connected, expire
from tests.support.zookeeper import ZooKeeperServer

pytestmark = pytest.mark.integration

numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[ZooKeeperServer]:
    with ZooKeeperServer(max_session_s=60) as server:
        yield server


@pytest.fixture
def root() -> str:
    """A path that no other test uses."""
    return f"/registry-{next(numbers)}"


async def test_writes_outlast_a_crash_of_the_server(server: ZooKeeperServer, root: str) -> None:
    async with connected(server, timeout_s=60) as zk:
        store = await ZkStore.open(zk, root, writer="w")
        written: list[int] = []

        async def write_on() -> None:
            for i in range(2000):
                await store.write([Put("count", str(i).encode()), Put(f"each/{i}", b"")])
                written.append(i)

        writers = asyncio.create_task(write_on())
        while len(written) < 100:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(server.restart)
        await writers
        assert await store.get("count") == b"1999"
        assert len(await store.load("each/")) == 2000
        await store.close()


async def test_many_multis_under_way_at_a_broken_connection_are_applied_once(
    server: ZooKeeperServer, root: str
) -> None:
    async with TcpProxy(server.port) as proxy:
        store = await open_store(f"zk://127.0.0.1:{proxy.port}{root}")
        for round_number in range(3):
            writes = [
                asyncio.ensure_future(
                    store.write([Put("last", str(i).encode()), Put(f"{round_number}/{i}", bytes(20_000))])
                )
                for i in range(200)
            ]
            await asyncio.sleep(0.02 * round_number)
            proxy.freeze()
            proxy.thaw()
            await asyncio.gather(*writes)
            assert await store.get("last") == b"199"
            assert len(await store.load(f"{round_number}/")) == 200
        await store.close()


async def test_a_lost_session_ends_the_writer(server: ZooKeeperServer, root: str) -> None:
    async with connected(server) as zk:
        store = await ZkStore.open(zk, root, writer="w")
        await expire(zk)
        with pytest.raises(Fenced, match="session"):
            while True:
                await store.write([Put("a", b"1")])
        with pytest.raises(Fenced):
            await store.write([Put("a", b"1")])


async def test_a_writer_of_an_earlier_term_cannot_open(server: ZooKeeperServer, root: str) -> None:
    async with connected(server) as zk:
        later = await ZkStore.open(zk, root, writer="later", term=8)
        with pytest.raises(Fenced, match="later of term 8"):
            await ZkStore.open(zk, root, writer="earlier", term=7)
        await later.write([Put("a", b"1")])
        await (await ZkStore.open(zk, root, writer="next", term=9)).write([Put("a", b"2")])
        with pytest.raises(Fenced, match="next of term 9"):
            await later.write([Put("a", b"3")])


async def test_a_batch_committed_to_the_journal_is_finished_by_the_next_writer(
    server: ZooKeeperServer, root: str
) -> None:
    writes = [Put(f"k/{i}", bytes(300_000)) for i in range(4)]
    multis = Table(Layout(root)).plan(writes)
    marker = next(
        i for i, multi in enumerate(multis) if any(operation.path.endswith("/journal") for operation in multi)
    )
    committed, multi_count = marker + 1, len(multis)
    for crash_after in range(multi_count + 1):
        async with connected(server) as zk:
            path = f"{root}/{crash_after}"
            store = await ZkStore.open(zk, path, writer="first")
            for multi in Table(Layout(path)).plan(writes)[:crash_after]:
                done = asyncio.get_running_loop().create_future()
                store._writer.submit(multi, done.set_result)
                assert await done is None
            rows = await (await ZkStore.open(zk, path, writer="second")).load()
            assert set(rows) in (set(), {write.key for write in writes})
            assert bool(rows) == (crash_after >= committed)
            third = await ZkStore.open(zk, path, writer="third")
            assert await third.load() == rows
            await third.write(writes)
            assert len(await third.load()) == len(writes)


async def test_the_fence_outlives_the_range_of_versions(server: ZooKeeperServer, root: str) -> None:
    async with connected(server) as zk:
        store = await ZkStore.open(zk, root, writer="w", version_max=5)
        for i in range(20):
            await store.write([Put("a", str(i).encode())])
        assert await store.get("a") == b"19"
        await ZkStore.open(zk, root, writer="next")
        with pytest.raises(Fenced):
            await store.write([Put("a", b"20")])


async def test_a_store_damaged_by_hand_says_so(server: ZooKeeperServer, root: str) -> None:
    async with connected(server) as zk:
        store = await ZkStore.open(zk, root, writer="w")
        await store.write([Put("a", b"1")])
        await zk.delete(Layout(root).row("a"))
        with pytest.raises(StoreError, match="NoNode"):
            await store.write([Put("a", b"2")])
