"""What is known of containers: how they are found again, how they ended, what they use."""

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


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a container uses, by the names of Mesos' ResourceStatistics."""

    timestamp: float
    cpus_limit: float | None = None
    cpus_user_time_secs: float | None = None
    cpus_system_time_secs: float | None = None
    mem_limit_bytes: int | None = None
    mem_rss_bytes: int | None = None
    mem_total_bytes: int | None = None
    processes: int | None = None
