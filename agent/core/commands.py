"""Commands as the kernel wants them."""

from __future__ import annotations

from agent.errors import LaunchFailed
from mesos.types.containers import CommandInfo


def argv_of(command: CommandInfo) -> list[str]:
    """Return what to exec. Source: ``CommandInfo`` in Mesos' ``mesos.proto``."""
    if command.shell:
        return ["/bin/sh", "-c", command.value or ""]
    if command.value is None:
        raise LaunchFailed("a command without shell needs a value")
    return [command.value, *command.arguments[1:]]
