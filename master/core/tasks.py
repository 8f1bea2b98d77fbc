"""What becomes of tasks: updates from agents, acknowledgements, and what the master itself has to say.

A task's resources are freed when its terminal state is first seen; the task itself goes to the framework's history when
the terminal update is acknowledged. Source: Mesos ``Master::statusUpdate``, ``Master::acknowledge``.
"""

from __future__ import annotations

from collections import deque

import msgspec

from master.core.context import Context
from master.core.rows import Framework, TaskRow
from mesos.link import AcknowledgeUpdate, StatusUpdate
from mesos.types.base import TimeInfo
from mesos.types.ids import AgentID, FrameworkID, TaskID
from mesos.types.scheduler import Acknowledge, Event, EventType, Update
from mesos.types.tasks import (
    PARTITION_AWARE_STATES,
    Reason,
    Source,
    Task,
    TaskState,
    TaskStatus,
)

CHECK_REASONS = frozenset({Reason.REASON_TASK_CHECK_STATUS_UPDATED, Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED})
"""Updates that operators are told of though the state is the same."""

MAX_STATUSES = 32
"""Statuses kept of one task; a task that flaps for ever does not grow for ever."""


class TaskUpdated(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the operator event TASK_UPDATED."""

    framework_id: FrameworkID
    status: TaskStatus
    state: TaskState


class TaskAdded(msgspec.Struct, frozen=True):
    """Payload of the operator event TASK_ADDED."""

    task: Task


def visible_state(framework: Framework, state: TaskState) -> TaskState:
    """Return the state as a framework knows it: without PARTITION_AWARE there is only TASK_LOST."""
    if state in PARTITION_AWARE_STATES and not framework.partition_aware:
        return TaskState.TASK_LOST
    return state


def from_master(
    context: Context,
    framework: Framework,
    task_id: TaskID,
    state: TaskState,
    reason: Reason,
    message: str,
    agent_id: AgentID | None = None,
    unreachable_time: TimeInfo | None = None,
) -> TaskStatus:
    """Make a status of the master's own: without uuid, so never acknowledged."""
    return TaskStatus(
        task_id=task_id,
        state=visible_state(framework, state),
        message=message,
        source=Source.SOURCE_MASTER,
        reason=reason,
        agent_id=agent_id,
        timestamp=context.now_s,
        unreachable_time=unreachable_time,
    )


def forward(context: Context, framework: Framework, status: TaskStatus) -> None:
    """Send a framework an update; it is not kept for one that is away."""
    state = visible_state(framework, status.state)
    if state is not status.state:
        status = msgspec.structs.replace(status, state=state)
    context.tell(framework, Event(type=EventType.UPDATE, update=Update(status)))


def on_update(context: Context, agent_id: str, update: StatusUpdate) -> None:
    """Take an update from an agent: forward it, then fold it into the task."""
    context.count("master/messages_status_update")
    framework = context.state.frameworks.get(update.framework_id)
    if framework is None:
        context.count("master/invalid_status_updates")
        context.note("update of unknown framework", "warning", framework_id=update.framework_id, agent_id=agent_id)
        return
    context.count("master/valid_status_updates")
    forward(context, framework, update.status)
    row = context.state.task(update.framework_id, update.status.task_id.value)
    if row is not None:
        fold(context, row, update.status, update.latest_state)


def fold(context: Context, row: TaskRow, status: TaskStatus, latest: TaskState) -> TaskRow:
    """Change a task by a status; free its resources when it is over."""
    old = row.task
    # a terminal state is for good, whatever arrives late
    state = old.state if old.state.is_terminal else latest
    task = msgspec.structs.replace(
        old,
        state=state,
        statuses=_with(old.statuses, status),
        status_update_state=status.state if status.uuid else old.status_update_state,
        status_update_uuid=status.uuid or old.status_update_uuid,
    )
    row = msgspec.structs.replace(row, task=task)
    context.state.put_task(row)
    if state.is_terminal and not old.state.is_terminal:
        free(context, row)
        context.count(f"master/{state.lower().replace('task_', 'tasks_', 1)}")
    if state is not old.state or status.reason in CHECK_REASONS:
        kept = msgspec.structs.replace(status, data=None)
        context.publish("TASK_UPDATED", TaskUpdated(task.framework_id, kept, state))
    return row


def free(context: Context, row: TaskRow) -> None:
    """Give the resources of a task that is over to the allocator."""
    framework_id = row.key[0]
    context.state.unuse(row.agent_id, framework_id, row.resources)
    context.allocator.uncharge(framework_id, row.agent_id, row.role, row.resources, later=False)


def acknowledge(context: Context, framework: Framework, call: Acknowledge) -> None:
    """Pass an acknowledgement on; that of a terminal update ends the task. Anything that does not fit is dropped."""
    context.count("master/messages_status_update_acknowledgement")
    agent = context.state.agents.get(call.agent_id.value)
    message = AcknowledgeUpdate(framework.id, call.task_id.value, call.uuid)
    if not context.order(agent, message):
        context.count("master/invalid_status_update_acknowledgements")
        return
    context.count("master/valid_status_update_acknowledgements")
    row = context.state.task(framework.id, call.task_id.value)
    if row is None or row.task.status_update_uuid != call.uuid:
        return
    task = msgspec.structs.replace(row.task, status_update_uuid=None)
    if task.status_update_state is not None and task.status_update_state.is_terminal:
        complete(context, msgspec.structs.replace(row, task=task))
    else:
        context.state.put_task(msgspec.structs.replace(row, task=task))


def complete(context: Context, row: TaskRow) -> None:
    """Move a task that is over into its framework's history."""
    if not row.task.state.is_terminal:
        raise ValueError(f"{row.key} is {row.task.state}, not over")
    context.state.drop_task(row)
    remember(context, row.key[0], row.task)


def remember(context: Context, framework_id: str, task: Task) -> None:
    """Keep a task in its framework's history; the oldest one makes room."""
    limit = context.settings.max_completed_tasks_per_framework
    context.state.completed_tasks.setdefault(framework_id, deque(maxlen=limit)).append(task)


def end(context: Context, row: TaskRow, state: TaskState, reason: Reason, message: str, *, source: Framework) -> None:
    """End a task by the master's own knowledge: tell the framework, free the resources, keep it in the history."""
    status = from_master(context, source, row.task.task_id, state, reason, message, row.task.agent_id)
    forward(context, source, status)
    row = fold(context, row, status, status.state)
    complete(context, row)


def _with(statuses: tuple[TaskStatus, ...], status: TaskStatus) -> tuple[TaskStatus, ...]:
    """Add a status; one of the same state takes the last one's place. ``data`` is not kept."""
    kept = msgspec.structs.replace(status, data=None) if status.data is not None else status
    if statuses and statuses[-1].state is kept.state:
        return (*statuses[:-1], kept)
    return (*statuses[-MAX_STATUSES + 1 :], kept)
