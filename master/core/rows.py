"""The rows of the master's tables. Frozen: a change is a new row in the old one's place."""

from __future__ import annotations

import msgspec

from mesos.resources import EMPTY, Resources
from mesos.types.agents import AgentInfo, Capability
from mesos.types.base import Wire
from mesos.types.frameworks import FrameworkInfo, OfferConstraints
from mesos.types.offers import Operation, OperationStatus
from mesos.types.tasks import ExecutorInfo, Task

TaskKey = tuple[str, str]
"""``(framework id, task id)``."""

ExecutorKey = tuple[str, str, str]
"""``(framework id, agent id, executor id)``."""


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A registered agent.

    ``link`` is the connection it is reached by, ``None`` while it is disconnected. Times in seconds since the epoch.
    """

    id: str
    info: AgentInfo
    pid: str
    version: str
    capabilities: tuple[Capability, ...]
    total: Resources
    registered_s: float
    reregistered_s: float | None = None
    link: int | None = None
    deactivated: bool = False

    @property
    def active(self) -> bool:
        """Whether its resources may be offered."""
        return self.link is not None and not self.deactivated


class Framework(msgspec.Struct, frozen=True, kw_only=True):
    """A framework that is known.

    ``stream`` is the subscription it is reached by, ``None`` while it is disconnected. ``recovered``: known only from
    what agents told, it has not subscribed to this master yet.
    """

    id: str
    info: FrameworkInfo
    registered_s: float
    reregistered_s: float | None = None
    unregistered_s: float | None = None
    stream: int | None = None
    stream_id: str = ""
    suppressed: frozenset[str] = frozenset()
    offer_constraints: OfferConstraints | None = None
    recovered: bool = False

    @property
    def connected(self) -> bool:
        """Whether it has a subscription."""
        return self.stream is not None

    @property
    def partition_aware(self) -> bool:
        """Whether it knows TASK_UNREACHABLE and its kin."""
        return self.info.has("PARTITION_AWARE")


class OfferRow(msgspec.Struct, frozen=True, kw_only=True):
    """An outstanding offer. ``resources`` carry the allocation role."""

    id: str
    framework_id: str
    agent_id: str
    role: str
    resources: Resources
    made_s: float


class Executor(msgspec.Struct, frozen=True, kw_only=True):
    """A custom executor on an agent; its resources are used as long as it lives."""

    info: ExecutorInfo
    resources: Resources = EMPTY


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """A task that is not completed, with its resources ready for arithmetic.

    ``task.state`` is the newest state known to the agent, ``task.status_update_state`` that of the oldest update which
    the framework has not acknowledged.
    """

    task: Task
    resources: Resources
    role: str

    @property
    def key(self) -> TaskKey:
        """How the row is found."""
        return (self.task.framework_id.value, self.task.task_id.value)

    @property
    def agent_id(self) -> str:
        """Where it runs."""
        return self.task.agent_id.value


class OperationRow(msgspec.Struct, frozen=True, kw_only=True):
    """An operation upon an agent's resources that is not acknowledged. ``framework_id`` is absent for an operator's."""

    uuid: bytes
    framework_id: str | None
    agent_id: str
    info: Operation
    status: OperationStatus
    statuses: tuple[OperationStatus, ...] = ()


class Admitted(Wire, frozen=True, kw_only=True):
    """An agent in the registry: what the next leading master has to know of it."""

    info: AgentInfo
    deactivated: bool = False


class Unreachable(Wire, frozen=True):
    """An agent in the registry that has not been heard of since ``since_s``."""

    since_s: float
