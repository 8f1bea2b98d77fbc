"""One step of the core: what it may use, and the effects that it gathers.

The parts of the core are functions and small classes that are handed a :class:`Turn`. None of them acts: they change
the state's tables and leave writes, calls, events and answers here.
"""

from __future__ import annotations

from typing import Any

from marathon.core import effects as fx
from marathon.core.settings import Settings
from marathon.core.state import State
from mesos.clock import IdSource
from mesos.effects import Delete, Effect, Note, Persist, Put, Reply, Write
from mesos.types import scheduler as api

LOGGER = "marathon.core"


class Turn:
    """Gathers what one event leads to. ``state`` is changed in place."""

    def __init__(self, state: State, settings: Settings, ids: IdSource, now_s: float) -> None:
        self.state, self.settings, self.ids, self.now_s = state, settings, ids, now_s
        self.touched: dict[str, None] = {}
        """Apps of which something changed, so that their deployments have to look again."""
        self.new_demand: set[str] = set()
        """Roles for which something waits that did not wait, or might not be launched, before."""
        self._writes: list[Write] = []
        self._effects: list[Effect] = []

    def touch(self, app_id: str) -> None:
        """Let the deployments of an app look again before the turn ends."""
        self.touched[app_id] = None

    def subscribe_role(self, role: str) -> None:
        """See to it that offers for ``role`` come."""
        if role not in self.state.roles:
            self.state.roles[role] = None
            self._effects.append(fx.SubscribeRoles(tuple(self.state.roles)))

    def put(self, key: str, value: bytes) -> None:
        """Store a value before anything else of this turn leaves."""
        self._writes.append(Put(key, value))

    def delete(self, key: str) -> None:
        """Remove a value from the store."""
        self._writes.append(Delete(key))

    def call(self, call: api.Call) -> None:
        """Send a call to the master."""
        self._effects.append(fx.SendCall(call))

    def publish(self, kind: str, **fields: Any) -> None:
        """Put an event on the bus."""
        self._effects.append(fx.Publish(kind, fields, self.now_s))

    def reply(self, ask_id: int, value: Any = None, error: Exception | None = None) -> None:
        """Answer an asker."""
        self._effects.append(Reply(ask_id, value, error))

    def note(self, level: str, event: str, **fields: Any) -> None:
        """Write a log line."""
        self._effects.append(Note(level, event, fields, LOGGER))

    def add(self, effect: Effect) -> None:
        """Leave any other effect."""
        self._effects.append(effect)

    def effects(self) -> list[Effect]:
        """Return everything, writes first."""
        if self._writes:
            return [Persist(tuple(self._writes)), *self._effects]
        return self._effects
