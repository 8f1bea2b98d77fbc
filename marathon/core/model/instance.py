"""One instance of an app: what we want of it, what it is, where it is. The stored row, and what answers are made of.

Conditions and goals are Marathon's (``Condition.scala``, ``Goal.scala``); ids are
``<app path with _>.instance-<uuid1>`` and ``<instance id>._app.<incarnation>``.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from mesos.types.tasks import CheckStatusInfo


class Goal(StrEnum):
    """What an instance should come to."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    DECOMMISSIONED = "Decommissioned"


class Condition(StrEnum):
    """What an instance is."""

    SCHEDULED = "Scheduled"
    PROVISIONED = "Provisioned"
    STAGING = "Staging"
    STARTING = "Starting"
    RUNNING = "Running"
    KILLING = "Killing"
    UNREACHABLE = "Unreachable"
    UNREACHABLE_INACTIVE = "UnreachableInactive"
    ERROR = "Error"
    FAILED = "Failed"
    FINISHED = "Finished"
    KILLED = "Killed"
    GONE = "Gone"
    DROPPED = "Dropped"
    UNKNOWN = "Unknown"

    @property
    def is_terminal(self) -> bool:
        """Whether the task will never run again."""
        return self in TERMINAL

    @property
    def is_active(self) -> bool:
        """Whether a task exists, or may exist, that holds resources."""
        return self in ACTIVE


TERMINAL = frozenset(
    {
        Condition.ERROR,
        Condition.FAILED,
        Condition.FINISHED,
        Condition.KILLED,
        Condition.GONE,
        Condition.DROPPED,
        Condition.UNKNOWN,
    }
)
ACTIVE = frozenset(
    {
        Condition.PROVISIONED,
        Condition.STAGING,
        Condition.STARTING,
        Condition.RUNNING,
        Condition.KILLING,
        Condition.UNREACHABLE,
    }
)


class IpAddress(msgspec.Struct, frozen=True, omit_defaults=True):
    """An address of a task's container; ``protocol`` is IPv4 or IPv6."""

    address: str
    protocol: str = "IPv4"


class AgentRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """The agent an instance was placed on; ``attributes`` are the texts that constraints compare."""

    host: str
    agent_id: str
    region: str | None = None
    zone: str | None = None
    attributes: dict[str, str] = {}


class TaskRow(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An instance's present or last task. Times are seconds since the epoch.

    ``state`` is the Mesos state (TASK_RUNNING ...), ``None`` before the first update; ``healthy`` what Mesos' own
    checks last said.
    """

    id: str
    staged_at_s: float
    started_at_s: float | None = None
    state: str | None = None
    healthy: bool | None = None
    message: str = ""
    host_ports: tuple[int, ...] = ()
    ip_addresses: tuple[IpAddress, ...] = ()
    check_status: CheckStatusInfo | None = None


class Instance(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One instance. ``incarnation`` counts its tasks from 1; 0 means that it never had one.

    ``since_s`` is when it came to its condition, ``goal_since_s`` when its goal last changed.
    """

    id: str
    app_id: str
    version: str
    role: str = "*"
    goal: Goal = Goal.RUNNING
    condition: Condition = Condition.SCHEDULED
    since_s: float = 0.0
    goal_since_s: float = 0.0
    incarnation: int = 0
    agent: AgentRef | None = None
    task: TaskRow | None = None
    active_since_s: float | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether it should be running."""
        return self.goal is Goal.RUNNING
