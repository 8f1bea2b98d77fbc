"""Marathon's core with a cluster below it, a clock that a test moves and a store that is a dict. No socket, no await.

A crash is :meth:`World.restart`: a new core from what was stored, while the cluster goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from marathon.core import effects as fx
from marathon.core import events as ev
from marathon.core import groups
from marathon.core.machine import Machine
from marathon.core.model.app import AppDefinition
from marathon.core.model.group import Group
from marathon.core.settings import Settings
from marathon.core.state import State
from marathon.store.load import Loaded, state_of
from mesos.clock import FakeClock, SeededIds
from mesos.effects import Effect, Persist, Put, Reply
from mesos.types.tasks import TaskState
from tests.fakes.cluster import Cluster


class World:
    """One marathon and one cluster."""

    def __init__(self, cluster: Cluster | None = None, settings: Settings | None = None, seed: int = 1) -> None:
        self.cluster = cluster or Cluster()
        self.settings = settings or Settings()
        self.clock = FakeClock()
        self.ids = SeededIds(seed, self.clock)
        self.rows: dict[str, bytes] = {}
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.effects: list[Effect] = []
        self.answers: dict[int, Reply] = {}
        self.healthy: Callable[[fx.Probe], bool] = lambda _: True
        self.ready: Callable[[fx.ReadinessQuery], int] = lambda _: 200
        self.wake_at_s: float | None = None
        self._inbox: deque[Any] = deque()
        self._asks = 0
        self.machine = Machine(State(Group()), self.settings, self.ids)
        self.restart()

    @property
    def state(self) -> State:
        """The core's tables."""
        return self.machine.state

    def restart(self) -> None:
        """Lose everything that is not stored and lead again."""
        self._inbox.clear()
        self.wake_at_s = None
        self.machine = Machine(state_of(Loaded.read(self.rows), self.settings), self.settings, self.ids)
        self.post(ev.Elected())
        for event in self.cluster.subscribe():
            self.post(event)

    def post(self, *events: Any) -> None:
        """Let events happen, and everything that follows from them at once."""
        self._inbox.extend(events)
        while self._inbox:
            self.perform(self.machine.step(self._inbox.popleft(), self.clock.now_s()))

    def perform(self, effects: Iterable[Effect]) -> None:
        """Carry effects out."""
        for effect in effects:
            self.effects.append(effect)
            self._perform(effect)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Persist(writes):
                for write in writes:
                    if isinstance(write, Put):
                        self.rows[write.key] = write.value
                    else:
                        self.rows.pop(write.key, None)
            case fx.SendCall(call):
                self._inbox.extend(self.cluster.receive(call))
            case fx.Publish(kind, fields):
                self.published.append((kind, fields))
            case fx.WakeAt(at_s):
                self.wake_at_s = at_s
            case fx.Probe():
                self._inbox.append(ev.ProbeDone(token=effect.token, ok=self.healthy(effect), cause="no"))
            case fx.ReadinessQuery():
                self._inbox.append(ev.ReadinessDone(token=effect.token, status=self.ready(effect)))
            case Reply():
                self.answers[effect.ask_id] = effect
            case _:
                pass

    def advance(self, seconds: float) -> None:
        """Let time pass, waking the core whenever it asked for it."""
        end_s = self.clock.now_s() + seconds
        while self.wake_at_s is not None and self.wake_at_s <= end_s:
            self.clock.advance(max(0.0, self.wake_at_s - self.clock.now_s()))
            self.wake_at_s = None
            self.post(ev.Tick())
        self.clock.advance(max(0.0, end_s - self.clock.now_s()))

    def change(self, change: ev.Change, **fields: Any) -> ev.Deployed:
        """Change the root group and return the answer. :raises MarathonError: as the core does."""
        self._asks += 1
        self.post(ev.ChangeRoot(ask_id=self._asks, change=change, **fields))
        answer = self.answers[self._asks]
        if answer.error is not None:
            raise answer.error
        return answer.value  # type: ignore[no-any-return]

    def put(self, app: AppDefinition, **fields: Any) -> ev.Deployed:
        """Create or change an app."""
        return self.change(lambda root, _: groups.put_app(root, app), touched=app.id, **fields)

    def update(self, app_id: str, *, force: bool = False, restart: bool = False, **fields: Any) -> ev.Deployed:
        """Change some fields of an app."""

        def change(root: Group, _: str) -> Group:
            return groups.put_app(root, msgspec.structs.replace(groups.get_app(root, app_id), **fields))

        named = frozenset({app_id}) if restart else frozenset[str]()
        return self.change(change, touched=app_id, force=force, restart=named)

    def remove(self, app_id: str, **fields: Any) -> ev.Deployed:
        """Remove an app."""
        return self.change(lambda root, _: groups.remove_app(root, app_id), touched=app_id, **fields)

    def ask(self, make: Callable[[int], ev.Event]) -> Any:
        """Post a request and return the answer."""
        self._asks += 1
        self.post(make(self._asks))
        return self.answers[self._asks].value

    def report(self, task_id: str, state: TaskState, **fields: Any) -> None:
        """Let a task come to a state."""
        self.post(*self.cluster.report(task_id, state, **fields))

    def kinds(self, *but: str) -> list[str]:
        """Return the types of all events so far, without those named."""
        return [kind for kind, _ in self.published if kind not in but]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the fields of all events of a type."""
        return [fields for each, fields in self.published if each == kind]


def app(app_id: str = "/web", **fields: Any) -> AppDefinition:
    """Make a small app."""
    return AppDefinition(id=app_id, **{"cmd": "sleep 1000", "cpus": 0.1, "mem": 32.0, **fields})
