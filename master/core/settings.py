"""The settings that decisions depend on, free of where they came from."""

from __future__ import annotations

import msgspec

from mesos.resources import THOUSAND

HEARTBEAT_S = 15.0
"""Between heartbeats on subscriptions. Source: Mesos ``constants.hpp``."""

DEFAULT_REFUSE_S = 5.0
MAX_REFUSE_S = 365 * 86400.0
"""Bounds of ``refuse_seconds``. Source: Mesos ``mesos.proto`` and hierarchical allocator."""

Quantities = dict[str, int]
"""Thousandths by resource name."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may choose. Times in seconds."""

    allocation_interval_s: float = 1.0
    agent_ping_timeout_s: float = 15.0
    max_agent_ping_timeouts: int = 5
    agent_reregister_timeout_s: float = 600.0
    offer_timeout_s: float | None = None
    min_allocatable: tuple[Quantities, ...] = ({"cpus": 10}, {"mem": 32 * THOUSAND})
    max_completed_frameworks: int = 50
    max_completed_tasks_per_framework: int = 1000
    max_unreachable_tasks_per_framework: int = 1000
    roles: frozenset[str] | None = None
    weights: dict[str, float] = {}
    root_submissions: bool = True
    filter_gpu_resources: bool = True

    @property
    def ping_timeout_total_s(self) -> float:
        """How long an agent may be silent before it is unreachable."""
        return self.agent_ping_timeout_s * self.max_agent_ping_timeouts


def refuse_s(asked_s: float | None, floor_s: float) -> float | None:
    """Return how long refused resources are not offered again, ``None`` for no filter.

    :param asked_s: as the framework sent it; ``None``, negative or NaN means 5 s, more than 365 days means 365 days.
    :param floor_s: a filter outlives one allocation round.
    """
    if asked_s is None or asked_s != asked_s or asked_s < 0:
        asked_s = DEFAULT_REFUSE_S
    if asked_s == 0:
        return None
    return max(floor_s, min(asked_s, MAX_REFUSE_S))
