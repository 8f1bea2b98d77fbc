"""How a container that was started is found again."""

from __future__ import annotations

import msgspec


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A container that was started: enough to find it after a restart of the agent.

    ``kind`` names the containerizer. ``start`` (clock ticks since boot) tells a process from a later one with the same
    id. ``ip_addresses`` are the container's own; none means the agent's. ``inspected`` is what the engine says of it.
    """

    kind: str
    pid: int = 0
    start: int = 0
    monitor: int = 0
    ip_addresses: tuple[str, ...] = ()
    inspected: bytes | None = None


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """How a container ended.

    ``status`` is the raw wait status, ``None`` when nobody saw it. ``memory`` tells of an exceeded limit, in words.
    ``noun`` is what messages call it.
    """

    status: int | None
    memory: str | None = None
    noun: str = "Command"
