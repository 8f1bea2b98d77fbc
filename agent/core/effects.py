"""What the agent's core asks of its shell."""

from __future__ import annotations

from agent.core.rows import TaskRow
from mesos.effects import Effect
from mesos.link import LinkMessage
from mesos.types.frameworks import FrameworkInfo


class ToMaster(Effect, frozen=True):
    """Send a message on the link; without one it is dropped, for registration says everything anew."""

    message: LinkMessage


class Launch(Effect, frozen=True):
    """Start a task's container: sandbox, fetch, walls, command. Answered by ``Launched`` or ``LaunchFailed``."""

    row: TaskRow
    framework: FrameworkInfo


class Find(Effect, frozen=True):
    """Look whether a container was started of which the answer was lost. Answered by ``Launched`` or ``NotFound``."""

    row: TaskRow


class Recover(Effect, frozen=True):
    """Watch a container of an earlier agent again; if it has ended, ``ContainerExited`` follows."""

    row: TaskRow


class Terminate(Effect, frozen=True):
    """Ask a container to end; an engine that kills by itself does so after ``grace_s``."""

    row: TaskRow
    grace_s: float


class Kill(Effect, frozen=True):
    """End a container now."""

    row: TaskRow


class Destroy(Effect, frozen=True):
    """Remove what is left of a container."""

    row: TaskRow


class Probe(Effect, frozen=True):
    """Make a task's health check once. Answered by ``Probed``."""

    row: TaskRow


class MakeVolume(Effect, frozen=True):
    """Make the directory of a persistent volume, if it is not there."""

    path: str


class RemoveVolume(Effect, frozen=True):
    """Remove a persistent volume and all that is in it."""

    path: str


class Reconnect(Effect, frozen=True):
    """End the link and make a new one."""

    reason: str


class Quit(Effect, frozen=True):
    """End the process; everything is done."""

    reason: str


class Wake(Effect, frozen=True):
    """Post a :class:`agent.core.events.Tick` at ``at_s``, instead of any time asked for before."""

    at_s: float
