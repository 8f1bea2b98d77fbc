"""Compares what we believe with what Mesos knows, now and then. Source: Marathon ``SchedulerActions.reconcileTasks``,
``OverdueInstancesActor``."""

from __future__ import annotations

from marathon.core import kills
from marathon.core.model.instance import Condition
from marathon.core.turn import Turn
from mesos.types import scheduler as api
from mesos.types.ids import AgentID, TaskID

RECONCILE, OVERDUE, SCALE, FORGET, CONFIRM = "reconcile", "overdue", "scale", "forget", "confirm"
"""Timers: ask Mesos about all tasks; look for launches that hang; count instances; forget old delays; ask about
launches that nobody has confirmed."""

CONFIRM_S = 1.0
"""From a new subscription to the question about launches that may have been lost with the one before."""

FORGET_DELAYS_S = 10.0


def start(turn: Turn) -> None:
    """Plan everything that happens now and then; for a new leader."""
    timers, settings = turn.state.timers, turn.settings
    timers.arm((RECONCILE, ""), turn.now_s + settings.reconcile_delay_s)
    timers.arm((SCALE, ""), turn.now_s + settings.scale_delay_s)
    timers.arm((OVERDUE, ""), turn.now_s + settings.overdue_delay_s)
    timers.arm((FORGET, ""), turn.now_s + FORGET_DELAYS_S)


def reconcile(turn: Turn) -> None:
    """Ask for the state of every task that we know, then for all tasks there are."""
    turn.state.timers.arm((RECONCILE, ""), turn.now_s + turn.settings.reconcile_interval_s)
    if not turn.state.connected:
        return
    known = tuple(
        api.ReconcileTask(TaskID(each.task.id), AgentID(each.agent.agent_id) if each.agent else None)
        for each in turn.state.instances.values()
        if each.task is not None and not each.condition.is_terminal
    )
    if known:
        turn.call(api.Call(type=api.CallType.RECONCILE, reconcile=api.Reconcile(known)))
    turn.call(api.Call(type=api.CallType.RECONCILE, reconcile=api.Reconcile()))


def confirm_launches(turn: Turn) -> None:
    """Ask for the state of tasks whose launch may have been lost with a connection."""
    unconfirmed = tuple(
        api.ReconcileTask(TaskID(each.task.id), AgentID(each.agent.agent_id))
        for fleet in turn.state.fleets.values()
        for each in map(turn.state.instances.__getitem__, fleet.staged_ids())
        if each.condition is Condition.PROVISIONED and each.task is not None and each.agent is not None
    )
    if unconfirmed and turn.state.connected:
        turn.call(api.Call(type=api.CallType.RECONCILE, reconcile=api.Reconcile(unconfirmed)))


def end_overdue(turn: Turn) -> None:
    """Kill what was launched long ago and has never been heard of as running."""
    settings = turn.settings
    turn.state.timers.arm((OVERDUE, ""), turn.now_s + settings.overdue_interval_s)
    for fleet in turn.state.fleets.values():
        for instance_id in list(fleet.staged_ids()):
            instance = turn.state.instances[instance_id]
            is_launch = instance.condition is Condition.PROVISIONED
            limit_s = settings.confirm_timeout_s if is_launch else settings.launch_timeout_s
            if turn.now_s - instance.since_s > limit_s:
                turn.note("warning", "launch is overdue", instance=instance_id, condition=instance.condition.value)
                kills.kill(turn, instance)


def forget_delays(turn: Turn) -> None:
    """Drop launch delays that no longer count."""
    turn.state.timers.arm((FORGET, ""), turn.now_s + FORGET_DELAYS_S)
    turn.state.backoff.forget_old(turn.now_s)
