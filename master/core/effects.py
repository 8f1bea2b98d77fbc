"""What the master's core asks of its shell."""

from __future__ import annotations

from typing import Any

from mesos.effects import Effect
from mesos.link import LinkMessage
from mesos.types.scheduler import Event


class ToFramework(Effect, frozen=True):
    """Send an event on a subscription."""

    stream: int
    event: Event


class CloseStream(Effect, frozen=True):
    """End a subscription after what was sent."""

    stream: int


class ToAgent(Effect, frozen=True):
    """Send a message on an agent's link."""

    link: int
    message: LinkMessage


class CloseLink(Effect, frozen=True):
    """End a link after what was sent."""

    link: int
    reason: str


class Publish(Effect, frozen=True):
    """Tell operators' event streams. ``payload`` is the wire value under the lower-case name of ``kind``."""

    kind: str
    payload: Any


class Wake(Effect, frozen=True):
    """Post a :class:`master.core.events.Tick` at ``at_s``, instead of any time asked for before."""

    at_s: float
