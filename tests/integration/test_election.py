"""Elections and detection on a real ZooKeeper."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from mesos import codec
from mesos.election import Leader, ZkDetector, ZkElection, master_of, open_master_detector
from mesos.types.masters import master_info
from mesos.zk import Zk, ZkError, parse_zk_url
from tests.support.tcp_proxy import TcpProxy
from tests.support.zk_clients import connected, expire, until
from tests.support.zookeeper import ZooKeeperServer

pytestmark = pytest.mark.integration

numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[ZooKeeperServer]:
    with ZooKeeperServer() as server:
        yield server


@pytest.fixture
def path() -> str:
    """A path that no other test uses."""
    return f"/mesos/election-{next(numbers)}"


async def until_contending(zk: Zk, path: str, count: int) -> None:
    async with asyncio.timeout(10):
        while len(await zk.children(path)) != count:
            await asyncio.sleep(0.01)


class Program:
    """A contender that writes down what it is told, into a diary it shares with others."""

    def __init__(self, name: str, zk: Zk, path: str, diary: list[str]) -> None:
        self.name, self.diary = name, diary
        self.election = ZkElection(zk, path, "json.info", name.encode())
        self.leading = False
        self.terms: list[int] = []
        self.leader: str | None = None

    def elected(self, term: int) -> None:
        self.leading = True
        self.terms.append(term)
        self.diary.append(f"{self.name} elected")

    def lost(self, reason: str) -> None:
        self.leading = False
        self.diary.append(f"{self.name} lost")

    def leader_changed(self, leader: Leader | None) -> None:
        self.leader = leader.data.decode() if leader else None


@asynccontextmanager
async def running(name: str, zk: Zk, path: str, diary: list[str]) -> AsyncIterator[Program]:
    program = Program(name, zk, path, diary)
    task = asyncio.create_task(program.election.run(program.elected, program.lost, program.leader_changed))
    try:
        yield program
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_nodes_look_as_mesos_writes_them(server: ZooKeeperServer, path: str) -> None:
    async with connected(server) as zk, running("m1", zk, path, []) as m1:
        await until(lambda: m1.leading)
        assert await zk.children(path) == ["json.info_0000000000"]
        node = await zk.get(f"{path}/json.info_0000000000")
        assert (node.data, node.owner) == (b"m1", zk.session_id)


async def test_the_next_in_line_leads_when_the_session_of_the_first_ends(server: ZooKeeperServer, path: str) -> None:
    diary: list[str] = []
    async with connected(server) as zk1, connected(server) as zk2, running("m1", zk1, path, diary) as m1:
        await until(lambda: m1.leading)
        async with running("m2", zk2, path, diary) as m2:
            await until(lambda: m2.leader == "m1")
            await expire(zk1)
            await until(lambda: m2.leading and m1.leader == "m2")
            assert not m1.leading
            assert m2.terms[0] > m1.terms[0]
            await until_contending(zk2, path, 2)
            await expire(zk2)
            await until(lambda: m1.leading and m2.leader == "m1")
    assert sorted(diary[:3]) == ["m1 elected", "m1 lost", "m2 elected"]


async def test_a_leader_that_is_cut_off_stops_before_the_next_starts(server: ZooKeeperServer, path: str) -> None:
    diary: list[str] = []
    async with TcpProxy(server.port) as proxy, connected(server) as zk2:
        zk1 = Zk(parse_zk_url(f"zk://127.0.0.1:{proxy.port}/"), session_timeout_s=1.0)
        await zk1.start(timeout_s=10)
        async with running("m1", zk1, path, diary) as m1:
            await until(lambda: m1.leading)
            async with running("m2", zk2, path, diary) as m2:
                await until_contending(zk2, path, 2)
                proxy.freeze()
                await until(lambda: m2.leading)
                assert diary == ["m1 elected", "m1 lost", "m2 elected"]
                assert m1.leader is None
                proxy.thaw()
                await until(lambda: m1.leader == "m2")
        await zk1.stop()


async def test_a_leader_stops_before_the_next_starts_when_it_abdicates(server: ZooKeeperServer, path: str) -> None:
    diary: list[str] = []
    async with connected(server) as zk1, connected(server) as zk2, running("m1", zk1, path, diary) as m1:
        await until(lambda: m1.leading)
        async with running("m2", zk2, path, diary) as m2:
            await until_contending(zk1, path, 2)
            await m1.election.abdicate()
            await until(lambda: m2.leading and m1.leader == "m2")
            assert diary == ["m1 elected", "m1 lost", "m2 elected"]
            await until_contending(zk1, path, 2)


async def test_who_abdicates_alone_is_elected_again(server: ZooKeeperServer, path: str) -> None:
    diary: list[str] = []
    async with connected(server) as zk, running("m1", zk, path, diary) as m1:
        await until(lambda: m1.leading)
        await m1.election.abdicate()
        await until(lambda: m1.leading)
        assert diary == ["m1 elected", "m1 lost", "m1 elected"]
        assert m1.terms[1] > m1.terms[0]


async def test_a_node_deleted_by_hand_is_lost_leadership_and_contended_for_again(
    server: ZooKeeperServer, path: str
) -> None:
    diary: list[str] = []
    async with connected(server) as zk, running("m1", zk, path, diary) as m1:
        await until(lambda: m1.leading)
        await zk.delete(f"{path}/json.info_0000000000")
        await until(lambda: len(m1.terms) == 2)
        assert diary == ["m1 elected", "m1 lost", "m1 elected"]


async def test_a_stopped_program_withdraws_at_once(server: ZooKeeperServer, path: str) -> None:
    diary: list[str] = []
    async with connected(server) as zk1, connected(server) as zk2:
        async with running("m1", zk1, path, diary) as m1:
            await until(lambda: m1.leading)
        assert diary == ["m1 elected", "m1 lost"]
        assert await zk2.children(path) == []


async def test_a_restart_of_the_server_within_the_session_changes_nothing(server: ZooKeeperServer, path: str) -> None:
    diary: list[str] = []
    async with connected(server) as zk, running("m1", zk, path, diary) as m1:
        await until(lambda: m1.leading)
        session = zk.session_id
        await asyncio.to_thread(server.restart)
        await zk.get(f"{path}/json.info_0000000000")
        assert zk.session_id == session
        assert diary == ["m1 elected"]
        await m1.election.abdicate()
        await until(lambda: len(m1.terms) == 2)


async def test_a_server_silent_beyond_the_session_timeout_ends_leadership(server: ZooKeeperServer, path: str) -> None:
    diary: list[str] = []
    async with connected(server, timeout_s=0.6) as zk, running("m1", zk, path, diary) as m1:
        await until(lambda: m1.leading)
        server.pause()
        try:
            await until(lambda: not m1.leading)
            assert m1.leader is None
        finally:
            server.resume()
        await until(lambda: m1.leading)
        assert diary == ["m1 elected", "m1 lost", "m1 elected"]


async def test_the_detector_follows_the_lowest_number_of_the_best_label(server: ZooKeeperServer, path: str) -> None:
    seen: list[bytes | None] = []
    async with connected(server) as zk:
        detector = ZkDetector(zk, path)
        detector.start(lambda leader: seen.append(leader.data if leader else None))
        await until(lambda: seen == [None])
        await zk.ensure_path(f"{path}/log_replicas")
        await zk.create(f"{path}/other_0000000001", b"other")
        await zk.create(f"{path}/info_0000000002", b"old")
        await until(lambda: seen[-1] == b"old")
        await zk.create(f"{path}/json.info_0000000009", b"nine")
        await until(lambda: seen[-1] == b"nine")
        await zk.create(f"{path}/json.info_0000000005", b"five")
        await until(lambda: seen[-1] == b"five")
        assert (await detector.leader()).data == b"five"
        for name, data in (
            ("json.info_0000000005", b"nine"),
            ("json.info_0000000009", b"old"),
            ("info_0000000002", None),
        ):
            await zk.delete(f"{path}/{name}")
            await until(lambda data=data: seen[-1] == data)  # type: ignore[misc]
        await detector.stop()
        await zk.create(f"{path}/json.info_0000000011", b"eleven")
        assert seen == [None, b"old", b"nine", b"five", b"nine", b"old", None]


async def test_a_detector_for_the_master_flag_reads_what_a_master_published(server: ZooKeeperServer, path: str) -> None:
    info = master_info("m-1", ip="192.0.2.7", port=5050, hostname="master.example")
    detector = await open_master_detector(server.url(path))
    detector.start(lambda leader: None)
    try:
        async with connected(server) as zk:
            election = ZkElection(zk, path, "json.info", codec.encode(info))
            task = asyncio.create_task(election.run(lambda term: None, lambda reason: None, lambda leader: None))
            async with asyncio.timeout(10):
                assert master_of(await detector.leader()) == info
            task.cancel()
            await asyncio.wait([task])
    finally:
        await detector.stop()


async def test_with_credentials_others_may_read_but_not_contend(server: ZooKeeperServer, path: str) -> None:
    async with (
        connected(server, auth="mesos:secret") as zk,
        connected(server) as stranger,
        running("m1", zk, path, []) as m1,
    ):
        await until(lambda: m1.leading)
        assert (await stranger.get(f"{path}/json.info_0000000000")).data == b"m1"
        with pytest.raises(ZkError):
            await stranger.create(f"{path}/json.info_", b"", ephemeral=True, sequence=True)
        with pytest.raises(ZkError):
            await stranger.delete(f"{path}/json.info_0000000000")
