"""What happens to the zone, and what the zone asks of its shell."""

from __future__ import annotations

import msgspec

from mesos.effects import Effect
from mesos_dns.core.model import Addresses, Agent, AgentId, Endpoint, Framework, FrameworkId, Task


class Event(msgspec.Struct, frozen=True):
    """Something that was seen or heard."""


class Snapshot(Event, frozen=True, kw_only=True):
    """All that the leading master knows.

    ``recovered``: agents that were admitted and have not come back to this master yet, so that it cannot know their
    tasks.
    """

    agents: tuple[Agent, ...]
    recovered: frozenset[AgentId]
    frameworks: tuple[Framework, ...]
    tasks: tuple[Task, ...]


class TaskSeen(Event, frozen=True):
    """A task as the master has it now."""

    task: Task


class TaskChanged(Event, frozen=True, kw_only=True):
    """The state of a task. ``addresses`` only comes with a TASK_RUNNING status."""

    framework_id: FrameworkId
    task_id: str
    running: bool
    terminal: bool
    addresses: Addresses | None = None


class AgentSeen(Event, frozen=True):
    """An agent that registered."""

    agent: Agent


class AgentGone(Event, frozen=True):
    """An agent that the master gave up."""

    agent_id: AgentId


class FrameworkSeen(Event, frozen=True):
    """A framework that registered or changed."""

    framework: Framework


class FrameworkGone(Event, frozen=True):
    """A framework that was removed, and its tasks with it."""

    framework_id: FrameworkId


class MastersSeen(Event, frozen=True, kw_only=True):
    """Who leads, and which masters there are. ``leader`` ``None``: nobody known; the last one stays."""

    leader: Endpoint | None
    masters: tuple[Endpoint, ...]


class Withdrawn(Event, frozen=True):
    """Whoever decides over a task or an instance has decided, or seen, that it ends."""

    id: str


class Confirmed(Event, frozen=True):
    """Whoever decides over a task says that it runs."""

    task_id: str
    addresses: Addresses | None = None


class HostResolved(Event, frozen=True):
    """The addresses behind a host name; empty when it has none."""

    host: str
    addresses: tuple[str, ...]


class Tick(Event, frozen=True):
    """Time has passed."""


class NamesChanged(Effect, frozen=True):
    """These names answer differently from now on."""

    names: frozenset[str]


class Loaded(Effect, frozen=True):
    """The first snapshot is in: the zone can be served."""


class ResolveHost(Effect, frozen=True):
    """Find the addresses of a host name and say so with :class:`HostResolved`."""

    host: str
