"""Whether this master leads, who does otherwise, and the machine of a term in which it does.

A term has its own core, loop, store, streams and links; when it ends, all of them end with it, at once, and whatever
comes later from it is dropped. The process lives on and contends again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from master.core import events as ev
from master.core.effects import CloseLink, CloseStream, Publish, ToAgent, ToFramework, Wake
from master.core.machine import Machine
from master.drivers.links import Links
from master.drivers.streams import Streams
from mesos.clock import Clock
from mesos.codec import encode
from mesos.effects import Effect
from mesos.election import Leader
from mesos.loop import Loop
from mesos.store import Store

log = logging.getLogger(__name__)


class Term:
    """One time of leading."""

    def __init__(
        self, machine: Machine, store: Store, clock: Clock, *, max_operator_streams: int, on_failure: Callable[[], None]
    ) -> None:
        self.machine = machine
        self._store, self._clock = store, clock
        self.loop = Loop(
            machine.step, clock=clock, perform=self._perform, store=store, on_failure=lambda _: on_failure()
        )
        self.frameworks = Streams(lambda number: self.loop.post(ev.StreamClosed(number)))
        self.operators = Streams(lambda _: None, limit=max_operator_streams)
        self.links = Links(
            lambda number, peer, messages: self.loop.post(ev.LinkMessages(number, peer, messages)),
            lambda number, reason: self.loop.post(ev.LinkClosed(number, reason)),
        )
        self._timer: asyncio.TimerHandle | None = None
        self._beats = [asyncio.ensure_future(each.beat()) for each in (self.frameworks, self.operators)]
        self.loop.post(ev.Tick())

    async def end(self) -> None:
        """Cut everything off and let go of the store."""
        for task in self._beats:
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self.loop.drop("this master does not lead any more")
        self.frameworks.close_all()
        self.operators.close_all()
        self.links.close_all("this master does not lead any more")
        await self._store.close()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case ToFramework(stream, event):
                self.frameworks.send(stream, event)
            case ToAgent(link, message):
                self.links.send(link, message)
            case Publish(kind, payload):
                if len(self.operators):
                    self.operators.send_all(published(kind, payload))
            case Wake(at_s):
                self._wake_at(at_s)
            case CloseStream(stream):
                self.frameworks.close(stream)
            case CloseLink(link, reason):
                self.links.close(link, reason)
            case _:
                raise TypeError(f"no such effect: {effect!r}")

    def _wake_at(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, at_s - self._clock.now_s())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self.loop.post, ev.Tick())


def published(kind: str, payload: object) -> bytes:
    """Return an operator event as JSON."""
    return b'{"type":"%b","%b":%b}' % (kind.encode(), kind.lower().encode(), encode(payload))


class Leadership:
    """What the API asks before it does anything.

    :param open_term: reads the registry and makes the machine of a new term.
    """

    def __init__(self, open_term: Callable[[int], Awaitable[Term]]) -> None:
        self._open_term = open_term
        self.term: Term | None = None
        self.leader: Leader | None = None
        self.recovering = False
        self._opening: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    def elected(self, number: int) -> None:
        """Start to lead."""
        self.recovering = True
        self._opening = asyncio.ensure_future(self._open(number))

    def lost(self, reason: str) -> None:
        """Stop leading, at once."""
        log.warning("not leading any more", extra={"why": reason})
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        self.recovering = False
        term, self.term = self.term, None
        if term is not None:
            task = asyncio.ensure_future(term.end())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def leader_changed(self, leader: Leader | None) -> None:
        """Note who leads."""
        self.leader = leader

    async def stop(self) -> None:
        """End the term, if there is one, and wait until it has ended."""
        self.lost("stopping")
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _open(self, number: int) -> None:
        while True:
            try:
                term = await self._open_term(number)
            except Exception:
                log.exception("registry cannot be read; trying again")
                await asyncio.sleep(1)
                continue
            self.term = term
            self.recovering = False
            recovered = len(term.machine.state.recovered)
            log.info("leading", extra={"term": number, "recovered_agents": recovered})
            return
