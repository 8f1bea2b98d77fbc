from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from mesos.clock import FakeClock
from mesos.effects import Effect, Persist, Put, Reply, Write
from mesos.loop import Loop, LoopFailed


class Said(Effect, frozen=True):
    text: str


class SlowStore:
    """Remembers batches; each waits until the test lets it through."""

    def __init__(self) -> None:
        self.batches: list[list[Write]] = []
        self.gates: list[asyncio.Future[None]] = []

    async def write(self, batch: Sequence[Write]) -> None:
        self.batches.append(list(batch))
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate


def step(event: Any, now_s: float) -> Iterable[Effect]:
    match event:
        case ("save", key):
            return [Said(f"saved {key}"), Persist((Put(key, b""),))]
        case ("say", text):
            return [Said(text)]
        case ("ask", ask_id, value):
            return [Persist((Put(value, b""),)), Reply(ask_id, value)]
        case ("refuse", _):
            raise ValueError("no")
    return []


def make(store: SlowStore | None = None) -> tuple[Loop, list[str]]:
    said: list[str] = []

    def perform(effect: Effect) -> None:
        assert isinstance(effect, Said)
        said.append(effect.text)

    return Loop(step, clock=FakeClock(), perform=perform, store=store), said


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_batch_is_written_once_and_nothing_leaves_before() -> None:
    store = SlowStore()
    loop, said = make(store)
    loop.post(("save", "a"))
    loop.post(("save", "b"))
    await turn()
    assert store.batches == [[Put("a", b""), Put("b", b"")]]
    assert said == []
    store.gates[0].set_result(None)
    await loop.idle()
    assert said == ["saved a", "saved b"]


async def test_effects_keep_their_order_even_when_later_batches_are_durable_first() -> None:
    store = SlowStore()
    loop, said = make(store)
    loop.post(("save", "a"))
    await turn()
    loop.post(("save", "b"))
    await turn()
    loop.post(("say", "c"))
    await turn()
    store.gates[1].set_result(None)
    await turn()
    assert said == []
    store.gates[0].set_result(None)
    await loop.idle()
    assert said == ["saved a", "saved b", "c"]


async def test_an_answer_waits_for_the_disk_and_a_refusal_is_raised_at_the_asker() -> None:
    store = SlowStore()
    loop, _ = make(store)
    asked = asyncio.ensure_future(loop.ask(lambda ask_id: ("ask", ask_id, "x")))
    await turn()
    assert not asked.done()
    store.gates[0].set_result(None)
    assert await asked == "x"
    with pytest.raises(ValueError, match="no"):
        await loop.ask(lambda ask_id: ("refuse", ask_id))


async def test_a_store_that_fails_stops_the_loop_and_releases_nothing() -> None:
    store = SlowStore()
    said: list[str] = []
    failures: list[BaseException] = []
    loop = Loop(step, clock=FakeClock(), perform=lambda e: said.append(str(e)), store=store, on_failure=failures.append)
    asked = asyncio.ensure_future(loop.ask(lambda ask_id: ("ask", ask_id, "x")))
    await turn()
    store.gates[0].set_exception(OSError("disk full"))
    with pytest.raises(LoopFailed, match="disk full"):
        await asked
    assert said == []
    assert [str(f) for f in failures] == ["disk full"]
    with pytest.raises(LoopFailed):
        await loop.ask(lambda ask_id: ("ask", ask_id, "y"))


async def test_stop_waits_until_everything_decided_is_released() -> None:
    store = SlowStore()
    loop, said = make(store)
    loop.post(("save", "a"))
    stopping = asyncio.ensure_future(loop.stop())
    await turn()
    assert not stopping.done()
    store.gates[0].set_result(None)
    await stopping
    assert said == ["saved a"]
