"""The asyncio side of ZooKeeper on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from mesos.zk import (
    BadVersion,
    ConnectionLost,
    Create,
    NodeExists,
    NoNode,
    Remove,
    SessionState,
    Set,
    Zk,
    ZkError,
    parse_zk_url,
)
from tests.support.zk_clients import connected, expire, until
from tests.support.zookeeper import ZooKeeperServer

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server() -> Iterator[ZooKeeperServer]:
    with ZooKeeperServer() as server:
        yield server


async def test_nodes_are_created_read_changed_and_deleted(server: ZooKeeperServer) -> None:
    async with connected(server) as zk:
        await zk.ensure_path("/nodes/a/b")
        await zk.ensure_path("/nodes/a/b")
        assert await zk.create("/nodes/a/b/c", b"1") == "/nodes/a/b/c"
        with pytest.raises(NodeExists):
            await zk.create("/nodes/a/b/c")
        changed = await zk.set("/nodes/a/b/c", b"2", version=0)
        assert changed.version == 1
        with pytest.raises(BadVersion):
            await zk.set("/nodes/a/b/c", b"3", version=0)
        assert (await zk.get("/nodes/a/b/c")).data == b"2"
        assert await zk.children("/nodes/a/b") == ["c"]
        await zk.delete("/nodes/a/b/c")
        with pytest.raises(NoNode):
            await zk.get("/nodes/a/b/c")
        assert await zk.exists("/nodes/a/b/c") is None


async def test_a_multi_is_all_or_nothing_and_says_what_failed(server: ZooKeeperServer) -> None:
    async with connected(server) as zk:
        await zk.multi([Create("/multi"), Create("/multi/a", b"1"), Create("/multi/b", b"1")])
        with pytest.raises(BadVersion):
            await zk.multi([Set("/multi/a", b"2"), Remove("/multi/b", version=7), Create("/multi/c")])
        assert (await zk.get("/multi/a")).data == b"1"
        assert sorted(await zk.children("/multi")) == ["a", "b"]


async def test_a_watch_fires_once_on_the_loop(server: ZooKeeperServer) -> None:
    async with connected(server) as zk:
        fired: list[str] = []
        loop = asyncio.get_running_loop()

        def watch() -> None:
            assert asyncio.get_running_loop() is loop
            fired.append("changed")

        await zk.create("/watched", b"")
        await zk.get("/watched", watch=watch)
        await zk.set("/watched", b"1")
        await zk.set("/watched", b"2")
        await until(lambda: fired == ["changed"])


async def test_listeners_hear_of_every_state_and_a_new_session_follows(server: ZooKeeperServer) -> None:
    async with connected(server) as zk:
        states: list[SessionState] = []
        zk.add_listener(states.append)
        first = zk.session_id
        await expire(zk)
        await until(lambda: states[-1:] == [SessionState.CONNECTED] and SessionState.LOST in states)
        assert zk.session_id != first


async def test_the_session_timeout_is_the_one_the_server_grants(server: ZooKeeperServer) -> None:
    async with connected(server, timeout_s=100) as zk:
        assert zk.session_timeout_s == pytest.approx(4.0)


async def test_calls_under_way_when_the_server_dies_fail_and_later_ones_wait_for_it(server: ZooKeeperServer) -> None:
    async with connected(server) as zk:
        await zk.create("/waiting", b"here")
        server.pause()
        under_way = asyncio.ensure_future(zk.get("/waiting"))
        await asyncio.sleep(0)
        await asyncio.to_thread(server.kill)
        with pytest.raises(ConnectionLost):
            await under_way
        later = asyncio.ensure_future(zk.get("/waiting"))
        await asyncio.to_thread(server.start)
        assert (await later).data == b"here"


async def test_a_start_without_a_server_gives_up_when_told_to() -> None:
    zk = Zk(parse_zk_url("zk://127.0.0.1:1/mesos"))
    with pytest.raises(ZkError, match=r"127\.0\.0\.1:1"):
        await zk.start(timeout_s=0.3)
