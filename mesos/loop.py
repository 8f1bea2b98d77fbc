"""The one writer of a program's state.

Events wait in an inbox. The loop takes all that are there, steps the core with each, makes the writes of the whole
batch durable **once**, then releases the other effects in order. ``step`` never awaits, so there are no locks, and
every decision can be replayed from its events.

Several batches may be on their way to the disk at once; they are released in their order.

Invariant: what is released (an answer, an ACCEPT, an acknowledgement) rests on nothing that is not durable.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from mesos.clock import Clock
from mesos.effects import Effect, Note, Persist, Reply, Write
from mesos.logs import RESERVED

log = logging.getLogger(__name__)

Step = Callable[[Any, float], Iterable[Effect]]
"""``step(event, now_s) -> effects``. It may raise only before it has changed anything."""

MAX_BATCH = 1024
"""Events stepped between two looks at the sockets; bounds how long the loop keeps everybody else waiting."""

MAX_IN_FLIGHT = 16
"""Batches on their way to the disk at once."""


class Writer(Protocol):
    """The part of a store that the loop needs."""

    async def write(self, batch: Sequence[Write]) -> None:
        """Make ``batch`` durable, all or nothing. Calls are applied in their order."""
        ...


class LoopFailed(Exception):
    """The store refused a write: nothing after it may be released, so the program has to start over from its store."""


class Loop:
    """Runs one core.

    :param step: the core.
    :param store: where ``Persist`` effects go; ``None`` for a core that remembers nothing.
    :param perform: carries out the program's own effects; must not block and must not raise.
    :param on_failure: called once when the store fails; the loop has then stopped.
    """

    def __init__(
        self,
        step: Step,
        *,
        clock: Clock,
        perform: Callable[[Effect], None],
        store: Writer | None = None,
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._step, self._clock, self._perform, self._store = step, clock, perform, store
        self._on_failure = on_failure
        self._inbox: deque[Any] = deque()
        self._asks: dict[int, asyncio.Future[Any]] = {}
        self._next_ask = 0
        self._scheduled = False
        self._stopped = False
        self._in_flight: deque[tuple[asyncio.Task[None], list[Effect]]] = deque()
        self._waiters: list[asyncio.Future[None]] = []

    def post(self, event: Any) -> None:
        """Let the core see ``event``, soon. After a stop events are dropped."""
        if self._stopped:
            return
        self._inbox.append(event)
        self._schedule()

    async def ask(self, make_event: Callable[[int], Any]) -> Any:
        """Post the event made with an ask id and wait for the ``Reply`` to it.

        :raises Exception: whatever the core replied with as error, or raised from ``step``.
        :raises LoopFailed: when the loop has stopped.
        """
        if self._stopped:
            raise LoopFailed("the program is stopping")
        self._next_ask += 1
        ask_id = self._next_ask
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asks[ask_id] = future
        self.post(_Asked(ask_id, make_event(ask_id)))
        try:
            return await future
        finally:
            self._asks.pop(ask_id, None)

    async def idle(self) -> None:
        """Wait until the inbox is empty and everything is released."""
        while self._inbox or self._in_flight or self._scheduled:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    async def stop(self) -> None:
        """Take no more events; wait until what was decided is durable and released."""
        await self.idle()
        self._fail(LoopFailed("the program is stopping"), report=False)

    def drop(self, reason: str) -> None:
        """Stop at once: what is not yet released never is, and who waits for an answer gets :class:`LoopFailed`."""
        self._fail(LoopFailed(reason), report=False)

    def _schedule(self) -> None:
        if not self._scheduled and len(self._in_flight) < MAX_IN_FLIGHT:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if self._stopped:
            return
        writes: list[Write] = []
        effects: list[Effect] = []
        now_s = self._clock.now_s()
        for _ in range(min(len(self._inbox), MAX_BATCH)):
            self._step_one(self._inbox.popleft(), now_s, writes, effects)
        if writes and self._store is not None:
            task = asyncio.get_running_loop().create_task(self._store.write(writes))
            self._in_flight.append((task, effects))
            task.add_done_callback(self._written)
        elif self._in_flight:
            self._in_flight[-1][1].extend(effects)
        else:
            self._release(effects)
        if self._inbox:
            self._schedule()
        self._wake()

    def _step_one(self, event: Any, now_s: float, writes: list[Write], effects: list[Effect]) -> None:
        ask_id = None
        if type(event) is _Asked:
            ask_id, event = event.ask_id, event.event
        try:
            for effect in self._step(event, now_s):
                if type(effect) is Persist:
                    writes.extend(effect.writes)
                else:
                    effects.append(effect)
        except Exception as error:
            if ask_id is None:
                log.exception("event failed", extra={"event_type": type(event).__name__})
            else:
                effects.append(Reply(ask_id, error=error))

    def _written(self, _: asyncio.Task[None]) -> None:
        while self._in_flight and self._in_flight[0][0].done():
            task, effects = self._in_flight.popleft()
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is not None:
                self._fail(error, report=True)
                return
            self._release(effects)
        if self._inbox:
            self._schedule()
        self._wake()

    def _release(self, effects: list[Effect]) -> None:
        for effect in effects:
            if type(effect) is Reply:
                self._answer(effect)
            elif type(effect) is Note:
                _write_note(effect)
            else:
                try:
                    self._perform(effect)
                except Exception:
                    log.exception("effect failed", extra={"effect": type(effect).__name__})

    def _answer(self, reply: Reply) -> None:
        future = self._asks.get(reply.ask_id)
        if future is None or future.done():
            return  # the asker has gone away
        if reply.error is not None:
            future.set_exception(reply.error)
        else:
            future.set_result(reply.value)

    def _fail(self, error: BaseException, *, report: bool) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._inbox.clear()
        self._in_flight.clear()
        for future in self._asks.values():
            if not future.done():
                future.set_exception(LoopFailed(str(error)))
        self._wake()
        if report:
            log.error("store failed", extra={"error": str(error)})
            if self._on_failure is not None:
                self._on_failure(error)

    def _wake(self) -> None:
        if self._inbox or self._in_flight or self._scheduled:
            return
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()


class _Asked:
    """An event whose poster waits for an answer."""

    __slots__ = ("ask_id", "event")

    def __init__(self, ask_id: int, event: Any) -> None:
        self.ask_id, self.event = ask_id, event


def _write_note(note: Note) -> None:
    logger = logging.getLogger(note.logger) if note.logger else log
    fields = {f"{name}_" if name in RESERVED else name: value for name, value in note.fields.items()}
    logger.log(logging.getLevelName(note.level.upper()), note.event, extra=fields)
