"""What every containerizer can do. All of them are asked the same way; each has a file of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from agent.core.running import Exit, Running, Usage
from mesos.resources import Resources
from mesos.types.tasks import TaskInfo

__all__ = ["ContainerSpec", "Containerizer", "Exit", "OnExit", "Running", "Usage"]


class ContainerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One container to be started; the sandbox is there and what was to be fetched is in it.

    :ivar environ: the whole environment of the command.
    :ivar user: to run as, ``None`` for the agent's own.
    """

    container_id: str
    task: TaskInfo
    framework_id: str
    sandbox: str
    environ: dict[str, str]
    user: str | None
    resources: Resources


OnExit = Callable[[str, Exit], None]
"""``(container id, how it ended)``, called once for each container that was started or recovered."""


class Containerizer(Protocol):
    """Runs containers of one kind."""

    async def launch(self, spec: ContainerSpec) -> Running:
        """Start a container. :raises LaunchFailed: with a text for the user; nothing is left behind."""
        ...

    def terminate(self, container_id: str, grace_s: float) -> None:
        """Ask all of a container's processes to end; an engine that kills by itself does so after ``grace_s``."""
        ...

    def kill(self, container_id: str) -> None:
        """End all of a container's processes now."""
        ...

    async def destroy(self, container_id: str) -> None:
        """Remove what is left of a container that has ended: stray processes, cgroups, the engine's record."""
        ...

    async def find(self, container_id: str) -> Running | None:
        """Return a container that an earlier agent started and did not live to note; ``None`` when there is none."""
        ...

    async def recover(self, container_id: str, running: Running) -> None:
        """Watch a container that an earlier agent started; one that has ended meanwhile is reported like any other."""
        ...

    async def usage(self, container_id: str) -> Usage | None:
        """Return what a container uses, ``None`` when that is not known."""
        ...

    async def execute(self, container_id: str, argv: tuple[str, ...], environ: dict[str, str]) -> int | None:
        """Run a command inside a container and return its exit code; ``None`` when it could not be run."""
        ...

    async def stop(self) -> None:
        """Let go of everything; containers go on."""
        ...
