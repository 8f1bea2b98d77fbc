"""What every store promises, asked of each of them; ZooKeeper is a real one."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from mesos.store import Delete, Fenced, Put, Store, StoreError, open_store
from mesos.store.failing import FailingStore
from mesos.store.memory import MemoryStore
from tests.support.zookeeper import ZooKeeperServer

Opener = Callable[[], Awaitable[Store]]

numbers = itertools.count()

KINDS = ["memory", "failing", "sqlite", pytest.param("zk", marks=pytest.mark.integration)]
DURABLE = KINDS[2:]


@pytest.fixture(scope="module")
def servers() -> Iterator[list[ZooKeeperServer]]:
    """Keep one server for the tests that need one; the first of them starts it."""
    running: list[ZooKeeperServer] = []
    yield running
    for server in running:
        server.close()


@pytest.fixture
async def reopen(
    request: pytest.FixtureRequest, tmp_path: Path, servers: list[ZooKeeperServer]
) -> AsyncIterator[Opener]:
    """Give what opens the same store again and again; whatever is open at the end is closed."""
    kind: str = request.param
    rows: dict[str, bytes] = {}
    opened: list[Store] = []
    url = f"sqlite:{tmp_path / 'rows.db'}"
    if kind == "zk":
        if not servers:
            servers.append(ZooKeeperServer())
            servers[0].start()
        url = servers[0].url(f"/store-{next(numbers)}/rows")

    async def opener() -> Store:
        store: Store
        if kind in ("memory", "failing"):
            store = MemoryStore(rows)
        else:
            store = await open_store(url)
        opened.append(FailingStore(store) if kind == "failing" else store)
        return opened[-1]

    yield opener
    for store in opened:
        await store.close()


every_store = pytest.mark.parametrize("reopen", KINDS, indirect=True)
durable_store = pytest.mark.parametrize("reopen", DURABLE, indirect=True)


@every_store
async def test_what_is_written_is_read(reopen: Opener) -> None:
    store = await reopen()
    assert await store.load() == {}
    assert await store.get("a") is None
    await store.write([Put("a", b"1"), Put("b/c", b""), Put("b/d", b"\x00\xff")])
    assert await store.get("a") == b"1"
    assert await store.get("b/c") == b""
    assert await store.load() == {"a": b"1", "b/c": b"", "b/d": b"\x00\xff"}


@every_store
async def test_load_takes_a_prefix(reopen: Opener) -> None:
    store = await reopen()
    await store.write([Put(key, key.encode()) for key in ("tasks/1", "tasks/2", "tasksets/1", "task", "agents/1")])
    assert set(await store.load("tasks/")) == {"tasks/1", "tasks/2"}
    assert set(await store.load("task")) == {"tasks/1", "tasks/2", "tasksets/1", "task"}
    assert await store.load("nothing/") == {}


@every_store
@pytest.mark.parametrize("key", ["a b", ".", "..", "../x", "/", "//", "a%2Fb", "ü/名", "a.b", "x" * 300, "a\nb"])
async def test_any_text_is_a_key(reopen: Opener, key: str) -> None:
    store = await reopen()
    await store.write([Put(key, b"1")])
    assert await store.load() == {key: b"1"}
    await store.write([Delete(key)])
    assert await store.load() == {}


@every_store
async def test_a_key_must_not_be_empty(reopen: Opener) -> None:
    store = await reopen()
    with pytest.raises(StoreError, match="empty"):
        await store.write([Put("a", b"1"), Put("", b"1")])
    assert await store.load() == {}


@every_store
async def test_within_a_batch_the_later_write_wins(reopen: Opener) -> None:
    store = await reopen()
    await store.write([Put("a", b"1"), Delete("a"), Put("a", b"2"), Put("b", b"1"), Delete("b")])
    assert await store.load() == {"a": b"2"}


@every_store
async def test_deleting_what_is_not_there_is_no_error(reopen: Opener) -> None:
    store = await reopen()
    await store.write([Delete("a")])
    await store.write([])
    assert await store.load() == {}


@every_store
async def test_batches_are_applied_in_the_order_of_the_calls(reopen: Opener) -> None:
    store = await reopen()
    await asyncio.gather(*(store.write([Put("last", str(i).encode()), Put(f"each/{i}", b"")]) for i in range(500)))
    assert await store.get("last") == b"499"
    assert len(await store.load("each/")) == 500


@every_store
@pytest.mark.parametrize("sizes", [(5_000_000,), (800_000, 2_500_000, 10), (3_000_000, 1_000_000, 4_000_000, 0)])
async def test_values_may_be_large_and_grow_and_shrink(reopen: Opener, sizes: tuple[int, ...]) -> None:
    store = await reopen()
    for size in sizes:
        value = bytes(itertools.islice(itertools.cycle(range(251)), size))
        await store.write([Put("large", value), Put("beside", b"1")])
        assert await store.get("large") == value
    assert await (await reopened(store, reopen)).load("large") == {"large": value}


async def reopened(store: Store, reopen: Opener) -> Store:
    await store.close()
    return await reopen()


@durable_store
async def test_rows_outlive_the_store(reopen: Opener) -> None:
    store = await reopen()
    await store.write([Put("a", b"1"), Put("b", b"1"), Put("large", bytes(2_000_000))])
    await store.write([Delete("b")])
    store = await reopened(store, reopen)
    assert set(await store.load()) == {"a", "large"}
    await store.write([Put("a", b"2"), Delete("large"), Put("b", b"3")])
    store = await reopened(store, reopen)
    assert await store.load() == {"a": b"2", "b": b"3"}


@durable_store
async def test_many_keys_in_one_batch(reopen: Opener) -> None:
    store = await reopen()
    rows = {f"instances/{i:06}": bytes(200) for i in range(10_000)}
    await store.write([Put(key, value) for key, value in rows.items()])
    store = await reopened(store, reopen)
    assert await store.load() == rows
    await store.write([Delete(key) for key in rows])
    assert await store.load() == {}


@durable_store
async def test_close_waits_for_the_writes_under_way(reopen: Opener) -> None:
    store = await reopen()
    writes = [asyncio.ensure_future(store.write([Put(f"k/{i}", b"1")])) for i in range(100)]
    await asyncio.sleep(0)
    store = await reopened(store, reopen)
    await asyncio.gather(*writes)
    assert len(await store.load("k/")) == 100


@durable_store
async def test_a_closed_store_takes_nothing(reopen: Opener) -> None:
    store = await reopen()
    await store.close()
    await store.close()
    with pytest.raises(StoreError):
        await store.write([Put("a", b"1")])


@every_store
async def test_a_cancelled_writer_does_not_disturb_the_others(reopen: Opener) -> None:
    store = await reopen()
    writes = [asyncio.ensure_future(store.write([Put(f"k/{i}", b"1")])) for i in range(10)]
    await asyncio.sleep(0)
    writes[3].cancel()
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [result for result in results if isinstance(result, StoreError)] == []
    assert len(await store.load("k/")) >= 9


@pytest.mark.parametrize("reopen", ["sqlite"], indirect=True)
async def test_a_second_writer_of_a_file_is_refused(reopen: Opener) -> None:
    store = await reopen()
    with pytest.raises(Fenced):
        await reopen()
    await store.write([Put("a", b"1")])


@pytest.mark.integration
@pytest.mark.parametrize("reopen", ["zk"], indirect=True)
async def test_a_second_writer_in_zookeeper_ends_the_first(reopen: Opener) -> None:
    first = await reopen()
    await first.write([Put("a", b"1")])
    second = await reopen()
    results = await asyncio.gather(*(first.write([Put("a", b"2")]) for _ in range(50)), return_exceptions=True)
    assert {type(result) for result in results} == {Fenced}
    assert await second.load() == {"a": b"1"}
    await second.write([Put("a", b"3")])
    with pytest.raises(Fenced):
        await first.write([Put("b", b"2")])
    assert await second.load() == {"a": b"3"}


async def test_a_failing_store_stays_failed() -> None:
    rows: dict[str, bytes] = {}
    store = FailingStore(MemoryStore(rows), plan=[None, StoreError("disk full")])
    await store.write([Put("a", b"1")])
    for _ in range(2):
        with pytest.raises(StoreError, match="disk full"):
            await store.write([Put("b", b"1")])
    assert rows == {"a": b"1"}


@pytest.mark.parametrize("url", ["", "postgres://x", "memory"])
async def test_an_unknown_url_names_the_known_ones(url: str) -> None:
    with pytest.raises(StoreError, match="memory:, sqlite:/path or zk://"):
        await open_store(url)
