"""What happens to a master. Each event is one step of the core."""

from __future__ import annotations

import msgspec

from mesos.link import FromAgent
from mesos.types.scheduler import Call, Subscribe


class Event(msgspec.Struct, frozen=True):
    """Base of all events."""


class Subscribed(Event, frozen=True):
    """A framework opened a subscription; the shell has answered 200 and gave it ``stream_id``."""

    stream: int
    stream_id: str
    subscribe: Subscribe


class StreamClosed(Event, frozen=True):
    """A subscription ended, from either side."""

    stream: int


class Called(Event, frozen=True):
    """A call of a subscribed framework, answered 202 already."""

    framework_id: str
    call: Call


class LinkMessages(Event, frozen=True):
    """What an agent sent in one read."""

    link: int
    peer_ip: str | None
    messages: list[FromAgent]


class LinkClosed(Event, frozen=True):
    """An agent's connection ended."""

    link: int
    reason: str


class TearDown(Event, frozen=True):
    """An operator removes a framework."""

    ask_id: int
    framework_id: str


class Tick(Event, frozen=True):
    """The time that a :class:`master.core.effects.Wake` named has come."""
