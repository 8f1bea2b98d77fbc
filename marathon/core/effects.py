"""What marathon's core asks of its shell, besides ``Persist``, ``Reply`` and ``Note``."""

from __future__ import annotations

from typing import Any

from mesos.effects import Effect
from mesos.types.scheduler import Call


class SendCall(Effect, frozen=True):
    """Send one call to the leading master. The stream adds framework and stream id; without one the call is lost."""

    call: Call


class Publish(Effect, frozen=True):
    """Put one event on the event bus. ``fields`` hold everything but ``eventType`` and ``timestamp``."""

    kind: str
    fields: dict[str, Any]
    at_s: float


class WakeAt(Effect, frozen=True):
    """Let the core see a ``Tick`` at ``at_s`` (seconds since the epoch); it replaces every earlier wish."""

    at_s: float


class Probe(Effect, frozen=True, kw_only=True):
    """Ask an instance for its health once and post a ``ProbeDone`` with the same ``token``.

    ``kind`` is HTTP, HTTPS or TCP; ``timeout_s`` bounds the whole attempt, failure included.
    """

    token: ProbeToken
    kind: str
    host: str
    port: int
    path: str = "/"
    timeout_s: float = 20.0
    ipv6: bool = False
    ignore_1xx: bool = False


class ProbeToken(Effect, frozen=True):
    """Which check of which task a probe or a readiness query was for; answers of former tasks are recognised by it."""

    instance_id: str
    task_id: str
    index: int


class ReadinessQuery(Effect, frozen=True, kw_only=True):
    """Ask a started instance once whether it is ready and post a ``ReadinessDone``."""

    token: ProbeToken
    url: str
    timeout_s: float


class SubscribeRoles(Effect, frozen=True):
    """Tell the master that offers for these roles are wanted, from now on."""

    roles: tuple[str, ...]


class RegisterAnew(Effect, frozen=True):
    """Subscribe as a new framework: the old one is gone, and nothing of ours ran under it."""


class FrameworkRefused(Effect, frozen=True):
    """The master will not have us under our framework id; the program has to end, as nothing else could be right."""

    message: str
