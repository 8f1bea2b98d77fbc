"""What is the state of my tasks? Source: Mesos ``Master::_reconcileTasks``."""

from __future__ import annotations

from master.core import tasks
from master.core.context import Context, time_info
from master.core.rows import Framework
from mesos.types.scheduler import ReconcileTask
from mesos.types.tasks import Reason, Source, Task, TaskState, TaskStatus


def reconcile(context: Context, framework: Framework, asked: tuple[ReconcileTask, ...]) -> None:
    """Answer one update for each task asked for (none: for all that are known), where an answer is possible."""
    context.count("master/messages_reconcile_tasks")
    if not asked:
        for row in context.state.tasks.get(framework.id, {}).values():
            tasks.forward(context, framework, _known(context, row.task))
        for task in context.state.unreachable_tasks.get(framework.id, {}).values():
            tasks.forward(context, framework, _known(context, task))
        return
    for each in asked:
        explicit(context, framework, each)


def explicit(context: Context, framework: Framework, asked: ReconcileTask) -> None:
    """Answer for one task; nothing, while its agent may yet come back and tell."""
    state = context.state
    row = state.task(framework.id, asked.task_id.value)
    if row is not None:
        tasks.forward(context, framework, _known(context, row.task))
        return
    agent_id = asked.agent_id.value if asked.agent_id else None
    if (agent_id is None and state.recovered) or agent_id in state.recovered:
        return
    kind, text = TaskState.TASK_UNKNOWN, "Reconciliation: Task is unknown"
    since = None
    if agent_id is not None and agent_id in state.agents:
        kind, text = TaskState.TASK_GONE, "Reconciliation: Task is unknown to the agent"
    elif agent_id is not None and agent_id in state.unreachable_since_s:
        kind, text = TaskState.TASK_UNREACHABLE, "Reconciliation: Task is unreachable"
        since = time_info(state.unreachable_since_s[agent_id])
    elif agent_id is not None and agent_id in state.gone:
        kind, text = TaskState.TASK_GONE_BY_OPERATOR, "Reconciliation: Task is gone"
    reason = Reason.REASON_RECONCILIATION
    status = tasks.from_master(context, framework, asked.task_id, kind, reason, text, asked.agent_id, since)
    tasks.forward(context, framework, status)


def _known(context: Context, task: Task) -> TaskStatus:
    """Return the oldest state that was not acknowledged, else the newest, without anything that asks for an answer."""
    last = task.statuses[-1] if task.statuses else None
    return TaskStatus(
        task_id=task.task_id,
        state=task.status_update_state if task.status_update_uuid and task.status_update_state else task.state,
        message="Reconciliation: Latest task state",
        source=Source.SOURCE_MASTER,
        reason=Reason.REASON_RECONCILIATION,
        agent_id=task.agent_id,
        executor_id=task.executor_id,
        timestamp=context.now_s,
        healthy=last.healthy if last else None,
        check_status=last.check_status if last else None,
        container_status=last.container_status if last else None,
    )
