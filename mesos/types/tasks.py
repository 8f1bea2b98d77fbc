"""Tasks: what is to run, what became of it, and the checks upon it."""

from __future__ import annotations

from enum import StrEnum

from mesos.types.base import DurationInfo, Labels, TimeInfo, Wire, emitted
from mesos.types.containers import CommandInfo, ContainerInfo, ContainerStatus, KillPolicy
from mesos.types.ids import AgentID, ExecutorID, FrameworkID, TaskID
from mesos.types.resources import Resource, Scalar


class TaskState(StrEnum):
    """States of a task. Source: Mesos ``mesos.proto``; terminality from ``protobuf_utils.cpp``."""

    TASK_STAGING = "TASK_STAGING"
    TASK_STARTING = "TASK_STARTING"
    TASK_RUNNING = "TASK_RUNNING"
    TASK_KILLING = "TASK_KILLING"
    TASK_FINISHED = "TASK_FINISHED"
    TASK_FAILED = "TASK_FAILED"
    TASK_KILLED = "TASK_KILLED"
    TASK_ERROR = "TASK_ERROR"
    TASK_LOST = "TASK_LOST"
    TASK_DROPPED = "TASK_DROPPED"
    TASK_UNREACHABLE = "TASK_UNREACHABLE"
    TASK_GONE = "TASK_GONE"
    TASK_GONE_BY_OPERATOR = "TASK_GONE_BY_OPERATOR"
    TASK_UNKNOWN = "TASK_UNKNOWN"

    @property
    def is_terminal(self) -> bool:
        """Whether the task will never run again. Unreachable and unknown tasks may come back."""
        return self in TERMINAL_STATES


TERMINAL_STATES = frozenset(
    {
        TaskState.TASK_FINISHED,
        TaskState.TASK_FAILED,
        TaskState.TASK_KILLED,
        TaskState.TASK_ERROR,
        TaskState.TASK_LOST,
        TaskState.TASK_DROPPED,
        TaskState.TASK_GONE,
        TaskState.TASK_GONE_BY_OPERATOR,
    }
)
"""States that a task never leaves."""

PARTITION_AWARE_STATES = frozenset(
    {
        TaskState.TASK_DROPPED,
        TaskState.TASK_UNREACHABLE,
        TaskState.TASK_GONE,
        TaskState.TASK_GONE_BY_OPERATOR,
        TaskState.TASK_UNKNOWN,
    }
)
"""States that a framework without PARTITION_AWARE sees as TASK_LOST."""


class Source(StrEnum):
    """Who says so."""

    SOURCE_MASTER = "SOURCE_MASTER"
    SOURCE_AGENT = "SOURCE_AGENT"
    SOURCE_EXECUTOR = "SOURCE_EXECUTOR"


class Reason(StrEnum):
    """Why a task is in its state. Source: Mesos v1 ``mesos.proto``."""

    REASON_COMMAND_EXECUTOR_FAILED = "REASON_COMMAND_EXECUTOR_FAILED"
    REASON_CONTAINER_LAUNCH_FAILED = "REASON_CONTAINER_LAUNCH_FAILED"
    REASON_CONTAINER_LIMITATION = "REASON_CONTAINER_LIMITATION"
    REASON_CONTAINER_LIMITATION_DISK = "REASON_CONTAINER_LIMITATION_DISK"
    REASON_CONTAINER_LIMITATION_MEMORY = "REASON_CONTAINER_LIMITATION_MEMORY"
    REASON_CONTAINER_PREEMPTED = "REASON_CONTAINER_PREEMPTED"
    REASON_CONTAINER_UPDATE_FAILED = "REASON_CONTAINER_UPDATE_FAILED"
    REASON_MAX_COMPLETION_TIME_REACHED = "REASON_MAX_COMPLETION_TIME_REACHED"
    REASON_EXECUTOR_REGISTRATION_TIMEOUT = "REASON_EXECUTOR_REGISTRATION_TIMEOUT"
    REASON_EXECUTOR_REREGISTRATION_TIMEOUT = "REASON_EXECUTOR_REREGISTRATION_TIMEOUT"
    REASON_EXECUTOR_TERMINATED = "REASON_EXECUTOR_TERMINATED"
    REASON_EXECUTOR_UNREGISTERED = "REASON_EXECUTOR_UNREGISTERED"
    REASON_FRAMEWORK_REMOVED = "REASON_FRAMEWORK_REMOVED"
    REASON_GC_ERROR = "REASON_GC_ERROR"
    REASON_INVALID_FRAMEWORKID = "REASON_INVALID_FRAMEWORKID"
    REASON_INVALID_OFFERS = "REASON_INVALID_OFFERS"
    REASON_IO_SWITCHBOARD_EXITED = "REASON_IO_SWITCHBOARD_EXITED"
    REASON_MASTER_DISCONNECTED = "REASON_MASTER_DISCONNECTED"
    REASON_RECONCILIATION = "REASON_RECONCILIATION"
    REASON_RESOURCES_UNKNOWN = "REASON_RESOURCES_UNKNOWN"
    REASON_AGENT_DISCONNECTED = "REASON_AGENT_DISCONNECTED"
    REASON_AGENT_DRAINING = "REASON_AGENT_DRAINING"
    REASON_AGENT_REMOVED = "REASON_AGENT_REMOVED"
    REASON_AGENT_REMOVED_BY_OPERATOR = "REASON_AGENT_REMOVED_BY_OPERATOR"
    REASON_AGENT_REREGISTERED = "REASON_AGENT_REREGISTERED"
    REASON_AGENT_RESTARTED = "REASON_AGENT_RESTARTED"
    REASON_AGENT_UNKNOWN = "REASON_AGENT_UNKNOWN"
    REASON_TASK_KILLED_DURING_LAUNCH = "REASON_TASK_KILLED_DURING_LAUNCH"
    REASON_TASK_CHECK_STATUS_UPDATED = "REASON_TASK_CHECK_STATUS_UPDATED"
    REASON_TASK_HEALTH_CHECK_STATUS_UPDATED = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED"
    REASON_TASK_GROUP_INVALID = "REASON_TASK_GROUP_INVALID"
    REASON_TASK_GROUP_UNAUTHORIZED = "REASON_TASK_GROUP_UNAUTHORIZED"
    REASON_TASK_INVALID = "REASON_TASK_INVALID"
    REASON_TASK_UNAUTHORIZED = "REASON_TASK_UNAUTHORIZED"
    REASON_TASK_UNKNOWN = "REASON_TASK_UNKNOWN"


class HTTPCheck(Wire, frozen=True, kw_only=True):
    """A GET that has to answer 200 to 399."""

    port: int
    path: str | None = None
    scheme: str | None = None
    protocol: str = emitted("IPv4")


class TCPCheck(Wire, frozen=True, kw_only=True):
    """A connection that has to be accepted."""

    port: int
    protocol: str = emitted("IPv4")


class CommandCheck(Wire, frozen=True):
    """A command whose exit status is reported."""

    command: CommandInfo


class HealthCheckType(StrEnum):
    """How health (or a check's result) is asked for."""

    COMMAND = "COMMAND"
    HTTP = "HTTP"
    TCP = "TCP"


class HealthCheck(Wire, frozen=True, kw_only=True):
    """Kills the task after ``consecutive_failures``. Times in seconds."""

    type: HealthCheckType | None = None
    command: CommandInfo | None = None
    http: HTTPCheck | None = None
    tcp: TCPCheck | None = None
    delay_seconds: float = emitted(15.0)
    interval_seconds: float = emitted(10.0)
    timeout_seconds: float = emitted(20.0)
    consecutive_failures: int = emitted(3)
    grace_period_seconds: float = emitted(10.0)


class CheckInfo(Wire, frozen=True, kw_only=True):
    """Reports its result and kills nothing. Times in seconds."""

    type: HealthCheckType | None = None
    command: CommandCheck | None = None
    http: HTTPCheck | None = None
    tcp: TCPCheck | None = None
    delay_seconds: float = emitted(15.0)
    interval_seconds: float = emitted(10.0)
    timeout_seconds: float = emitted(20.0)


class CommandCheckResult(Wire, frozen=True):
    """Absent exit code: the check gave no result."""

    exit_code: int | None = None


class HTTPCheckResult(Wire, frozen=True):
    """Absent status code: the check gave no result."""

    status_code: int | None = None


class TCPCheckResult(Wire, frozen=True):
    """Absent: the check gave no result."""

    succeeded: bool | None = None


class CheckStatusInfo(Wire, frozen=True, kw_only=True):
    """The last result of a check."""

    type: HealthCheckType | None = None
    command: CommandCheckResult | None = None
    http: HTTPCheckResult | None = None
    tcp: TCPCheckResult | None = None


class Port(Wire, frozen=True, kw_only=True):
    """A port that others may find the task at."""

    number: int
    name: str | None = None
    protocol: str | None = None
    visibility: str | None = None
    labels: Labels | None = None


class Ports(Wire, frozen=True):
    """A list of ports."""

    ports: tuple[Port, ...] = ()


class DiscoveryInfo(Wire, frozen=True, kw_only=True):
    """How a task wants to be found; ``visibility`` is FRAMEWORK, CLUSTER or EXTERNAL."""

    visibility: str
    name: str | None = None
    environment: str | None = None
    location: str | None = None
    version: str | None = None
    ports: Ports | None = None
    labels: Labels | None = None


class ExecutorInfo(Wire, frozen=True, kw_only=True):
    """A program of a framework that runs its tasks on an agent."""

    executor_id: ExecutorID
    type: str | None = None
    framework_id: FrameworkID | None = None
    command: CommandInfo | None = None
    container: ContainerInfo | None = None
    resources: tuple[Resource, ...] = ()
    name: str | None = None
    source: str | None = None
    data: bytes | None = None
    discovery: DiscoveryInfo | None = None
    shutdown_grace_period: DurationInfo | None = None
    labels: Labels | None = None


class TaskInfo(Wire, frozen=True, kw_only=True):
    """What a framework asks to be run."""

    name: str
    task_id: TaskID
    agent_id: AgentID
    resources: tuple[Resource, ...] = ()
    executor: ExecutorInfo | None = None
    command: CommandInfo | None = None
    container: ContainerInfo | None = None
    health_check: HealthCheck | None = None
    check: CheckInfo | None = None
    kill_policy: KillPolicy | None = None
    data: bytes | None = None
    labels: Labels | None = None
    discovery: DiscoveryInfo | None = None
    max_completion_time: DurationInfo | None = None
    limits: dict[str, Scalar] = {}


class TaskGroupInfo(Wire, frozen=True):
    """Tasks that live and die together."""

    tasks: tuple[TaskInfo, ...] = ()


class TaskResourceLimitation(Wire, frozen=True):
    """Which resources a task used more of than it may."""

    resources: tuple[Resource, ...] = ()


class TaskStatus(Wire, frozen=True, kw_only=True):
    """What became of a task. Only a status with ``uuid`` is to be acknowledged."""

    task_id: TaskID
    state: TaskState
    message: str | None = None
    source: Source | None = None
    reason: Reason | None = None
    data: bytes | None = None
    agent_id: AgentID | None = None
    executor_id: ExecutorID | None = None
    timestamp: float | None = None
    uuid: bytes | None = None
    healthy: bool | None = None
    check_status: CheckStatusInfo | None = None
    labels: Labels | None = None
    container_status: ContainerStatus | None = None
    unreachable_time: TimeInfo | None = None
    limitation: TaskResourceLimitation | None = None


class Task(Wire, frozen=True, kw_only=True):
    """A task as operators see it."""

    name: str
    task_id: TaskID
    framework_id: FrameworkID
    executor_id: ExecutorID | None = None
    agent_id: AgentID
    state: TaskState
    resources: tuple[Resource, ...] = ()
    statuses: tuple[TaskStatus, ...] = ()
    status_update_state: TaskState | None = None
    status_update_uuid: bytes | None = None
    labels: Labels | None = None
    discovery: DiscoveryInfo | None = None
    container: ContainerInfo | None = None
    health_check: HealthCheck | None = None
    kill_policy: KillPolicy | None = None
    user: str | None = None
    limits: dict[str, Scalar] = {}
