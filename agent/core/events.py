"""What happens to an agent. Each event is one step of the core."""

from __future__ import annotations

import msgspec

from agent.core.rows import TaskKey
from agent.core.running import Exit, Running
from mesos.link import FromMaster


class Event(msgspec.Struct, frozen=True):
    """Base of all events."""


class Started(Event, frozen=True):
    """The agent has read what an earlier one left; the first event of all."""


class Connected(Event, frozen=True):
    """There is a link to the leading master; the agent has to register on it."""


class Disconnected(Event, frozen=True):
    """The link is gone."""


class MasterMessages(Event, frozen=True):
    """What the master sent in one read."""

    messages: list[FromMaster]


class Launched(Event, frozen=True):
    """A container has started."""

    key: TaskKey
    running: Running


class LaunchFailed(Event, frozen=True):
    """A container could not be started; nothing is left of it."""

    key: TaskKey
    message: str


class NotFound(Event, frozen=True):
    """A task that had arrived when an earlier agent ended has no container."""

    key: TaskKey


class ContainerExited(Event, frozen=True):
    """A container has ended."""

    container_id: str
    exit: Exit


class Probed(Event, frozen=True):
    """A health check was made; ``problem`` is ``None`` when it passed."""

    key: TaskKey
    problem: str | None


class Leave(Event, frozen=True):
    """The operator takes the agent out of the cluster: end all tasks, then say good-bye."""


class Tick(Event, frozen=True):
    """The time that a :class:`agent.core.effects.Wake` named has come."""
