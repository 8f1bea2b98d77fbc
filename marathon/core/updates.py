"""Folds status updates into instances: store, tell, acknowledge, and decide what comes of an end.

A terminal task of a wanted instance makes the instance wait for its next task; one of an unwanted instance ends it.
Source: Marathon ``InstanceUpdater``, ``TaskStatusUpdateProcessorImpl``.
"""

from __future__ import annotations

import msgspec

from marathon.core import failures, health, instances, kills, readiness, unreachable
from marathon.core.model.instance import Condition, Goal, Instance, TaskRow
from marathon.core.statuses import BACKOFF_CONDITIONS, FAILURE_STATES, addresses_of, condition_of, message_of
from marathon.core.turn import Turn
from mesos.types import scheduler as api
from mesos.types.tasks import Reason, TaskState, TaskStatus


def update(turn: Turn, status: TaskStatus) -> None:
    """Fold one status update and acknowledge it."""
    task_id = status.task_id.value
    instance = turn.state.instances.get(instances.instance_id_of(task_id))
    if instance is None or instance.task is None or instance.task.id != task_id:
        _unknown(turn, status, instance)
    else:
        _known(turn, status, instance, instance.task)
    if status.uuid is not None and status.agent_id is not None:
        acknowledge = api.Acknowledge(status.agent_id, status.task_id, status.uuid)
        turn.call(api.Call(type=api.CallType.ACKNOWLEDGE, acknowledge=acknowledge))


def _unknown(turn: Turn, status: TaskStatus, instance: Instance | None) -> None:
    """A task that no instance has: when it may still run, it is to end."""
    condition = condition_of(status)
    if not condition.is_terminal and condition is not Condition.UNREACHABLE:
        kills.kill_unknown(turn, status.task_id.value, status.agent_id.value if status.agent_id else None)
        return
    kills.forget(turn, status.task_id.value)
    if instance is None:
        instance_id = instances.instance_id_of(status.task_id.value)
        turn.publish(
            "unknown_instance_terminated_event",
            instanceId=instance_id,
            runSpecId="/" + instance_id.partition(".")[0].replace("_", "/"),
            condition=condition.value,
        )


def _known(turn: Turn, status: TaskStatus, instance: Instance, task: TaskRow) -> None:
    condition = condition_of(status)
    changed_task = _folded(turn, task, status)
    if condition is Condition.UNREACHABLE and instance.condition is Condition.UNREACHABLE_INACTIVE:
        condition = Condition.UNREACHABLE_INACTIVE
    if instance.condition is Condition.KILLING and condition in (Condition.RUNNING, Condition.STARTING):
        condition = Condition.KILLING  # it was told to end, whatever a late update says
        changed_task = msgspec.structs.replace(changed_task, state="TASK_KILLING")
    news = condition is not instance.condition
    if not news and changed_task == task:
        return
    changed = msgspec.structs.replace(
        instance,
        condition=condition,
        since_s=turn.now_s if news else instance.since_s,
        task=changed_task,
        active_since_s=_active_since(turn, instance, condition),
    )
    if condition.is_terminal:
        _ended(turn, changed, status)
        return
    instances.save(turn, changed)
    if news:
        _tell(turn, changed, status)
    if condition is Condition.UNREACHABLE:
        failures.record(turn, changed, status.state.value, message_of(status))
        unreachable.lost(turn, changed)
        return
    if condition is Condition.RUNNING:
        health.task_runs(turn, changed, status.healthy)
        if news:
            readiness.task_runs(turn, changed)
    if news:
        _alive(turn, changed)


def _folded(turn: Turn, task: TaskRow, status: TaskStatus) -> TaskRow:
    runs = status.state is TaskState.TASK_RUNNING
    return msgspec.structs.replace(
        task,
        state=status.state.value,
        started_at_s=(status.timestamp or turn.now_s) if runs and task.started_at_s is None else task.started_at_s,
        healthy=task.healthy if status.healthy is None else status.healthy,
        message=task.message if status.state.value == task.state else message_of(status),
        ip_addresses=addresses_of(status) or task.ip_addresses,
        check_status=status.check_status or task.check_status,
    )


def _active_since(turn: Turn, instance: Instance, condition: Condition) -> float | None:
    if condition is Condition.RUNNING and instance.active_since_s is None:
        return turn.now_s
    return instance.active_since_s


def _alive(turn: Turn, instance: Instance) -> None:
    known = turn.state.known(instance)
    if known is not None:
        turn.state.backoff.alive(instance.app_id, known.spec.config, turn.now_s)


def _ended(turn: Turn, instance: Instance, status: TaskStatus) -> None:
    """A task is over: note why, then either wait for the next one or forget the instance."""
    _tell(turn, instance, status)
    kills.forget(turn, status.task_id.value)
    health.forget(turn, instance.id)
    if status.state in FAILURE_STATES:
        failures.record(turn, instance, status.state.value, message_of(status))
    _back_off(turn, instance, status)
    if instance.goal is Goal.RUNNING and not _is_outdated(turn, instance):
        reschedule(turn, instance)
    else:
        instances.expunge(turn, instance)


def reschedule(turn: Turn, instance: Instance) -> None:
    """Let an instance wait for its next task, of the app's present version."""
    known = turn.state.current[instance.app_id]
    if known.spec.readiness and instance.app_id in turn.state.locks:
        turn.state.unready[instance.id] = None
    fresh = msgspec.structs.replace(
        instance, version=known.spec.version, role=known.spec.role, agent=None, task=None, active_since_s=None
    )
    instances.change(turn, fresh, Condition.SCHEDULED)


def _is_outdated(turn: Turn, instance: Instance) -> bool:
    """An instance of another configuration is replaced, not restarted; so is one whose app is gone."""
    known = turn.state.current.get(instance.app_id)
    return known is None or not known.spec.is_current(instance.version)


def _back_off(turn: Turn, instance: Instance, status: TaskStatus) -> None:
    known = turn.state.known(instance)
    if known is None:
        return
    if status.reason is Reason.REASON_AGENT_DRAINING:
        turn.state.backoff.reset(instance.app_id)
    elif instance.condition in BACKOFF_CONDITIONS and instance.goal is Goal.RUNNING:
        spec = known.spec
        until_s = turn.state.backoff.failed(spec.id, spec.config, spec.backoff, turn.now_s)
        turn.state.timers.arm(("backoff", spec.id), until_s)


def _tell(turn: Turn, instance: Instance, status: TaskStatus) -> None:
    instances.announce(turn, instance)
    task = instance.task
    assert task is not None
    turn.publish(
        "status_update_event",
        slaveId=instance.agent.agent_id if instance.agent else "",
        taskId=task.id,
        taskStatus=status.state.value,
        message=message_of(status),
        appId=instance.app_id,
        host=instance.agent.host if instance.agent else "",
        ipAddresses=[{"ipAddress": each.address, "protocol": each.protocol} for each in task.ip_addresses],
        ports=list(task.host_ports),
        version=instance.version,
    )
