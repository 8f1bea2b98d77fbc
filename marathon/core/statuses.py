"""What Mesos says about tasks, in marathon's words. Source: Marathon ``TaskCondition``, ``TaskFailure``."""

from __future__ import annotations

from marathon.core.model.instance import Condition, IpAddress
from mesos.types.tasks import Reason, TaskState, TaskStatus

MESSAGE_MAX = 10_000
"""Longer messages are cut, so that a row stays a row."""

_CONDITIONS = {
    TaskState.TASK_STAGING: Condition.STAGING,
    TaskState.TASK_STARTING: Condition.STARTING,
    TaskState.TASK_RUNNING: Condition.RUNNING,
    TaskState.TASK_KILLING: Condition.KILLING,
    TaskState.TASK_FINISHED: Condition.FINISHED,
    TaskState.TASK_FAILED: Condition.FAILED,
    TaskState.TASK_KILLED: Condition.KILLED,
    TaskState.TASK_ERROR: Condition.ERROR,
    TaskState.TASK_DROPPED: Condition.DROPPED,
    TaskState.TASK_UNREACHABLE: Condition.UNREACHABLE,
    TaskState.TASK_GONE: Condition.GONE,
    TaskState.TASK_GONE_BY_OPERATOR: Condition.GONE,
    TaskState.TASK_UNKNOWN: Condition.UNKNOWN,
}

_UNREACHABLE_REASONS = frozenset(
    {Reason.REASON_RECONCILIATION, Reason.REASON_AGENT_DISCONNECTED, Reason.REASON_AGENT_REMOVED}
)

BACKOFF_CONDITIONS = frozenset(
    {Condition.DROPPED, Condition.ERROR, Condition.FAILED, Condition.GONE, Condition.FINISHED}
)
"""Ends after which the app has to wait. Source: Marathon ``RateLimiterActor``."""

FAILURE_STATES = frozenset(
    {
        TaskState.TASK_ERROR,
        TaskState.TASK_FAILED,
        TaskState.TASK_LOST,
        TaskState.TASK_DROPPED,
        TaskState.TASK_GONE,
        TaskState.TASK_GONE_BY_OPERATOR,
        TaskState.TASK_UNKNOWN,
        TaskState.TASK_UNREACHABLE,
    }
)
"""Ends that ``lastTaskFailure`` tells of."""


def condition_of(status: TaskStatus) -> Condition:
    """Return the condition that a status stands for."""
    if status.state is not TaskState.TASK_LOST:
        return _CONDITIONS[status.state]
    unknown = (status.message or "").startswith("Reconciliation: Task is unknown to the")
    if unknown or status.reason is Reason.REASON_TASK_UNKNOWN:
        return Condition.UNKNOWN
    return Condition.UNREACHABLE if status.reason in _UNREACHABLE_REASONS else Condition.GONE


def message_of(status: TaskStatus) -> str:
    """Return the message, not too long."""
    return (status.message or "")[:MESSAGE_MAX]


def addresses_of(status: TaskStatus) -> tuple[IpAddress, ...]:
    """Return the addresses of the task's container, as far as the agent told."""
    if status.container_status is None:
        return ()
    return tuple(
        IpAddress(each.ip_address, each.protocol)
        for network in status.container_status.network_infos
        for each in network.ip_addresses
        if each.ip_address
    )
