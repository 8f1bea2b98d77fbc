"""A marathon that leads, with its real core, on a simulated Mesos, in memory; and a client of its API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from marathon.api.app import make_api
from marathon.app import settings_of
from marathon.config import Config
from marathon.core import effects as fx
from marathon.core import events as ev
from marathon.core.machine import Machine
from marathon.drivers.bus import EventBus
from marathon.store.load import load
from mesos.clock import FakeClock, SeededIds
from mesos.effects import Effect
from mesos.http.server import Server
from mesos.loop import Loop
from mesos.store.memory import MemoryStore
from tests.fakes.cluster import Cluster


class FakeTerm:
    """A term whose master is a simulated cluster. Probes and timers happen only when a test posts them."""

    def __init__(self, machine: Machine, store: MemoryStore, bus: EventBus, clock: FakeClock, cluster: Cluster) -> None:
        self.state, self.store, self._bus, self._cluster = machine.state, store, bus, cluster
        self.loop = Loop(machine.step, clock=clock, perform=self._perform, store=store)

    async def ask(self, make_event: Callable[[int], ev.Event]) -> object:
        """Let the core decide."""
        return await self.loop.ask(make_event)

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, fx.SendCall):
            for event in self._cluster.receive(effect.call):
                self.loop.post(event)
        elif isinstance(effect, fx.Publish):
            self._bus.publish(effect.kind, effect.fields, effect.at_s)


class FakeNode:
    """Leads from the start; ``term`` and ``leader`` may be set to make it a standby."""

    def __init__(self, config: Config, cluster: Cluster) -> None:
        self.config, self.settings, self.cluster = config, settings_of(config), cluster
        self.clock, self.bus = FakeClock(1_700_000_000.0), EventBus()
        self.host_port = "here:8080"
        self.leader: str | None = self.host_port
        self.term: FakeTerm | None = None
        self._lost: list[Callable[[], None]] = []

    async def lead(self) -> FakeTerm:
        """Begin a term."""
        store = MemoryStore()
        machine = Machine(await load(store, self.settings), self.settings, SeededIds(1, self.clock))
        self.term = FakeTerm(machine, store, self.bus, self.clock, self.cluster)
        for event in (ev.Elected(), *self.cluster.subscribe()):
            self.term.loop.post(event)
        await self.term.loop.idle()
        return self.term

    def when_lead_lost(self, call: Callable[[], None]) -> None:
        """Have ``call`` called when the lead is lost."""
        self._lost.append(call)

    async def abdicate(self) -> None:
        """Lead no more."""
        self.term, self.leader = None, None
        for call in self._lost:
            call()


class Answer:
    """What the API answered."""

    def __init__(self, status: int, headers: dict[str, str], text: str) -> None:
        self.status, self.headers, self.text = status, headers, text

    @property
    def json(self) -> Any:
        """Return the body's value."""
        return json.loads(self.text)

    @property
    def paths(self) -> dict[str, list[str]]:
        """Return the errors of a refused definition, by path."""
        details = self.json.get("details", [])
        return {each["path"]: each["errors"] for each in details} if isinstance(details, list) else {}


class Client:
    """Speaks to the API of a node."""

    def __init__(self, session: aiohttp.ClientSession, url: str, node: FakeNode) -> None:
        self.session, self.url, self.node = session, url, node

    async def __call__(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: Any
    ) -> Answer:
        """Send a request; ``body`` is text, or a value to be sent as JSON."""
        data = body if isinstance(body, str | bytes) else json.dumps(body) if body is not None else None
        sent = {"Content-Type": "application/json", **(headers or {})}
        params = {key: str(value).lower() if isinstance(value, bool) else value for key, value in query.items()}
        request = self.session.request(
            method, self.url + path, data=data, headers=sent, params=params, allow_redirects=False
        )
        async with request as answer:
            result = Answer(answer.status, dict(answer.headers), await answer.text())
        await self.settled()
        return result

    async def settled(self) -> None:
        """Wait until nothing is under way in the core; time moves so that versions differ."""
        if self.node.term is not None:
            await self.node.term.loop.idle()
        self.node.clock.advance(1.0)


@asynccontextmanager
async def running(cluster: Cluster | None = None, **settings: Any) -> AsyncIterator[Client]:
    """Run a node with its API on any free port."""
    node = FakeNode(Config(master="local", **settings), cluster or Cluster(2))
    app, hot = make_api(node)
    server = await Server.start(app, host="127.0.0.1", port=0, hot=hot)
    try:
        await node.lead()
        async with aiohttp.ClientSession() as session:
            yield Client(session, f"http://127.0.0.1:{server.port}", node)
    finally:
        await server.close()
