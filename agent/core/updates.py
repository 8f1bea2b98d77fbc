"""Delivers the status updates of each task to the master: in order, at least once.

One stream per task, kept in its row. Its head is made durable, sent, and sent again after 10 s, 20 s, ... at most
600 s, until it is acknowledged with the same uuid; only then does the next update move up. At each registration all
heads are sent at once. Source: Mesos ``task_status_update_manager.cpp``.
"""

from __future__ import annotations

import msgspec

from agent.core.context import Context
from agent.core.rows import TaskRow
from agent.core.settings import FIRST_RETRY_S, MAX_RETRY_S
from mesos.link import StatusUpdate
from mesos.types.containers import ContainerStatus, IPAddress, NetworkInfo
from mesos.types.ids import ContainerID, ExecutorID
from mesos.types.tasks import Reason, Source, TaskState, TaskStatus

MAX_STATUSES = 16
"""Statuses of a task that are still shown."""


def say(
    context: Context,
    row: TaskRow,
    state: TaskState,
    *,
    source: Source = Source.SOURCE_EXECUTOR,
    reason: Reason | None = None,
    message: str | None = None,
    data: bytes | None = None,
    healthy: bool | None = None,
) -> TaskRow:
    """Add an update to a task's stream and return the new row."""
    status = TaskStatus(
        task_id=row.task.task_id,
        state=state,
        message=message,
        source=source,
        reason=reason,
        data=data,
        agent_id=row.task.agent_id,
        executor_id=ExecutorID(row.task.task_id.value),
        timestamp=context.now_s,
        uuid=context.ids.uuid_bytes(),
        healthy=healthy if healthy is not None else (row.last.healthy if row.last else None),
        container_status=_container_status(context, row),
    )
    context.count(f"slave/{state.lower().replace('task_', 'tasks_', 1)}")
    shown = msgspec.structs.replace(status, data=None)
    kept = row.statuses[:-1] if row.statuses and row.statuses[-1].state is state else row.statuses
    row = msgspec.structs.replace(
        row,
        state=state,
        last=shown,
        statuses=(*kept[-MAX_STATUSES + 1 :], shown),
        pending=() if row.silent else (*row.pending, status),
    )
    context.keep(row)
    if len(row.pending) == 1:
        send_head(context, row, first=True)
    return row


def send_head(context: Context, row: TaskRow, *, first: bool) -> None:
    """Send the oldest update of a task, and have it sent again if nobody acknowledges it."""
    if not row.pending:
        return
    pause_s = FIRST_RETRY_S if first else min(MAX_RETRY_S, 2 * context.state.retries_s.get(row.key, FIRST_RETRY_S))
    context.state.retries_s[row.key] = pause_s
    context.timers.set(("retry", *row.key), context.now_s + pause_s)
    context.tell(StatusUpdate(row.framework_id, row.pending[0], row.state))


def acknowledged(context: Context, row: TaskRow, uuid: bytes) -> None:
    """Let the next update move up; after the last one of a task that is over, the task is forgotten."""
    if not row.pending or row.pending[0].uuid != uuid:
        return  # late, or twice
    row = msgspec.structs.replace(row, pending=row.pending[1:])
    context.timers.cancel(("retry", *row.key))
    if row.pending or not row.ended:
        context.keep(row)
        send_head(context, row, first=True)
    else:
        context.forget(row)


def _container_status(context: Context, row: TaskRow) -> ContainerStatus:
    addresses = row.running.ip_addresses if row.running and row.running.ip_addresses else (context.settings.ip,)
    networks = tuple(IPAddress(ip_address=each) for each in addresses)
    return ContainerStatus(
        container_id=ContainerID(row.container_id),
        network_infos=(NetworkInfo(ip_addresses=networks),),
        executor_pid=row.running.pid or None if row.running else None,
    )
