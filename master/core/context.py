"""What the parts of the core work with during one step."""

from __future__ import annotations

from typing import Any

import msgspec

from master.core.allocation import Allocator
from master.core.effects import CloseLink, CloseStream, Publish, ToAgent, ToFramework
from master.core.rows import Agent, Framework
from master.core.settings import Settings
from master.core.state import State
from mesos.effects import Delete, Effect, Note, Persist, Put
from mesos.link import LinkMessage
from mesos.metrics import Metrics
from mesos.timers import Timers
from mesos.types.base import TimeInfo
from mesos.types.scheduler import Error, Event, EventType

TimerKey = tuple[str, str]
"""What a deadline is for and whom it concerns."""

LOGGER = "master.core"


class Context:
    """The tables, the allocator, the deadlines, the time, and the effects so far."""

    def __init__(self, state: State, allocator: Allocator, settings: Settings, metrics: Metrics) -> None:
        self.state, self.allocator, self.settings, self.metrics = state, allocator, settings, metrics
        self.timers: Timers[TimerKey] = Timers()
        self.now_s = 0.0
        self.effects: list[Effect] = []

    def emit(self, effect: Effect) -> None:
        """Have the shell do something."""
        self.effects.append(effect)

    def note(self, event: str, level: str = "info", **fields: Any) -> None:
        """Write a log line."""
        self.emit(Note(level, event, fields, LOGGER))

    def persist(self, key: str, value: msgspec.Struct | None) -> None:
        """Write a row of the registry, or delete it."""
        write = Delete(key) if value is None else Put(key, msgspec.msgpack.encode(value))
        self.emit(Persist((write,)))

    def tell(self, framework: Framework, event: Event) -> None:
        """Send a framework an event, if it can be reached."""
        if framework.stream is not None:
            self.emit(ToFramework(framework.stream, event))

    def refuse(self, stream: int, message: str) -> None:
        """Tell a subscriber why it is not (any longer) subscribed, and end the stream."""
        self.emit(ToFramework(stream, Event(type=EventType.ERROR, error=Error(message))))
        self.emit(CloseStream(stream))

    def order(self, agent: Agent | None, message: LinkMessage) -> bool:
        """Send an agent a message; return whether it can be reached."""
        if agent is None or agent.link is None:
            return False
        self.emit(ToAgent(agent.link, message))
        return True

    def hang_up(self, link: int, reason: str) -> None:
        """End an agent's connection."""
        self.emit(CloseLink(link, reason))

    def publish(self, kind: str, payload: Any) -> None:
        """Tell operators."""
        self.emit(Publish(kind, payload))

    def count(self, name: str) -> None:
        """Add one to a counter."""
        self.metrics.counter(name).value += 1


def time_info(seconds: float) -> TimeInfo:
    """Return a time as messages carry it; fractions are kept to the microsecond."""
    return TimeInfo(round(seconds * 1_000_000) * 1000)
