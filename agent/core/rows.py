"""The rows of the agent's tables, which are also what it remembers over a restart."""

from __future__ import annotations

import msgspec

from agent.core.running import Running
from mesos.types.agents import AgentInfo
from mesos.types.frameworks import FrameworkInfo
from mesos.types.offers import Operation, OperationStatus
from mesos.types.tasks import Reason, TaskInfo, TaskState, TaskStatus

TaskKey = tuple[str, str]
"""``(framework id, task id)``."""


class Identity(msgspec.Struct, frozen=True):
    """Who this agent is; kept so that it comes back as the same one."""

    info: AgentInfo
    boot_id: str


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """Why a task is being ended, when it is not by itself.

    ``state`` is what its end is to be called; ``reason`` and ``message`` say why. ``kill_at_s``: when SIGKILL follows.
    """

    state: TaskState = TaskState.TASK_KILLED
    reason: Reason | None = None
    message: str | None = None
    kill_at_s: float | None = None
    healthy: bool | None = None


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """A task from its arrival until its last update is acknowledged.

    :ivar running: how the container is found again; ``None`` until it has started.
    :ivar state: the newest one.
    :ivar pending: updates that are not acknowledged, the oldest first; only that one is sent.
    :ivar silent: the framework is gone: nothing is told any more.
    """

    framework_id: str
    task: TaskInfo
    container_id: str
    sandbox: str
    received_s: float
    state: TaskState = TaskState.TASK_STAGING
    running: Running | None = None
    last: TaskStatus | None = None
    pending: tuple[TaskStatus, ...] = ()
    statuses: tuple[TaskStatus, ...] = ()
    ending: Ending | None = None
    ended: bool = False
    silent: bool = False

    @property
    def key(self) -> TaskKey:
        """How the row is found."""
        return (self.framework_id, self.task.task_id.value)


class FrameworkRow(msgspec.Struct, frozen=True):
    """A framework that has, or had, tasks here."""

    info: FrameworkInfo


class OperationRow(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that was applied, or could not be, until its update is acknowledged."""

    uuid: bytes
    framework_id: str | None
    info: Operation
    status: OperationStatus
