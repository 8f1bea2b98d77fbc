"""Instances whose agents cannot be reached: replaced after a while, forgotten after another.

Source: Marathon ``UnreachableStrategy``, ``InstanceUpdater``, ``ExpungeOverdueLostInstancesActor``.
"""

from __future__ import annotations

from marathon.core import instances, kills
from marathon.core.model.instance import Condition, Goal, Instance
from marathon.core.turn import Turn

INACTIVE, EXPUNGE = "inactive", "expunge"
"""Timers: an unreachable instance is to be replaced; is to be forgotten."""


def lost(turn: Turn, instance: Instance) -> None:
    """An agent cannot be reached: act on the app's strategy, at once where it says 0 seconds."""
    known = turn.state.known(instance)
    spec = known.spec if known is not None else None
    if instance.goal is not Goal.RUNNING or spec is None:
        _forget(turn, instance)
        return
    if spec.inactive_after_s is None or spec.expunge_after_s is None:
        return
    if spec.expunge_after_s <= 0:
        _forget(turn, instance)
        return
    timers = turn.state.timers
    timers.arm((EXPUNGE, instance.id), instance.since_s + spec.expunge_after_s)
    if instance.condition is Condition.UNREACHABLE_INACTIVE:
        return
    if spec.inactive_after_s <= 0:
        instances.change(turn, instance, Condition.UNREACHABLE_INACTIVE)
    else:
        timers.arm((INACTIVE, instance.id), instance.since_s + spec.inactive_after_s)


def resume(turn: Turn) -> None:
    """After a restart: the times of unreachable instances run on."""
    for instance in list(turn.state.instances.values()):
        if instance.condition in (Condition.UNREACHABLE, Condition.UNREACHABLE_INACTIVE):
            lost(turn, instance)


def inactive_due(turn: Turn, instance_id: str) -> None:
    """An instance has been unreachable for long enough to be replaced."""
    instance = turn.state.instances.get(instance_id)
    if instance is not None and instance.condition is Condition.UNREACHABLE:
        instances.change(turn, instance, Condition.UNREACHABLE_INACTIVE)


def expunge_due(turn: Turn, instance_id: str) -> None:
    """An instance has been unreachable for long enough to be forgotten; should it return, it is killed."""
    instance = turn.state.instances.get(instance_id)
    if instance is not None and instance.condition in (Condition.UNREACHABLE, Condition.UNREACHABLE_INACTIVE):
        _forget(turn, instance)


def _forget(turn: Turn, instance: Instance) -> None:
    if instance.task is not None:
        kills.forget(turn, instance.task.id)
    instances.expunge(turn, instance)
