"""The whole of marathon's decisions: an event goes in, effects come out.

``step`` never awaits and reads no clock, so every decision can be replayed from its events. A turn ends only when
every app that was touched has been looked at: by its deployment if it has one, by the counting of instances if not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marathon.core import (
    changes,
    deployment,
    health,
    instances,
    kills,
    offers,
    readiness,
    reconcile,
    rows,
    scale,
    unreachable,
    updates,
)
from marathon.core import effects as fx
from marathon.core import events as ev
from marathon.core.model.instance import Condition, Goal
from marathon.core.settings import Settings
from marathon.core.state import State
from marathon.core.turn import Turn
from mesos.clock import IdSource
from mesos.effects import Effect


class Machine:
    """Owns the state and changes it, one event at a time."""

    def __init__(self, state: State, settings: Settings, ids: IdSource) -> None:
        self.state, self.settings = state, settings
        self._ids = ids
        self._woken_at_s: float | None = None

    def step(self, event: Any, now_s: float) -> list[Effect]:
        """Return what follows from ``event``."""
        turn = Turn(self.state, self.settings, self._ids, now_s)
        _HANDLERS[type(event)](turn, event)
        if type(event) is ev.Tick:
            self._woken_at_s = None
        _settle(turn)
        self._wake(turn)
        return turn.effects()

    def _wake(self, turn: Turn) -> None:
        next_s = self.state.timers.next_s()
        if next_s is not None and next_s != self._woken_at_s:
            turn.add(fx.WakeAt(next_s))
        self._woken_at_s = next_s


def _settle(turn: Turn) -> None:
    """Look at every touched app until nothing is touched any more, then at the demand for offers."""
    while turn.touched:
        app_id = next(iter(turn.touched))
        del turn.touched[app_id]
        if app_id in turn.state.locks:
            deployment.look(turn, app_id)
        else:
            scale.check(turn, app_id)
        turn.state.drop_empty(app_id)
    offers.settle_demand(turn)


def _elected(turn: Turn, _: ev.Elected) -> None:
    reconcile.start(turn)
    for instance in list(turn.state.instances.values()):
        instances.index(turn, instance)
    health.resume(turn)
    deployment.resume(turn)
    kills.resume(turn)
    unreachable.resume(turn)
    readiness.resume(turn)


def _subscribed(turn: Turn, event: ev.Subscribed) -> None:
    state = turn.state
    first = state.framework_id is None
    if state.framework_id != event.framework_id:
        state.framework_id = event.framework_id
        turn.put(rows.FRAMEWORK_ID, event.framework_id.encode())
    state.connected = True
    state.suppressed.clear()
    turn.new_demand.update(state.queue.roles())
    if first:
        turn.publish("scheduler_registered_event", frameworkId=event.framework_id, master=event.master)
    else:
        turn.publish("scheduler_reregistered_event", master=event.master)
    kills.resend(turn)
    state.timers.arm((reconcile.CONFIRM, ""), turn.now_s + reconcile.CONFIRM_S)


def _disconnected(turn: Turn, _: ev.Disconnected) -> None:
    if turn.state.connected:
        turn.state.connected = False
        turn.publish("scheduler_disconnected_event")


def _offers(turn: Turn, event: ev.OffersArrived) -> None:
    offers.arrived(turn, event.offers)


def _status(turn: Turn, event: ev.StatusArrived) -> None:
    updates.update(turn, event.status)


def _error(turn: Turn, event: ev.MasterError) -> None:
    state = turn.state
    turn.note("error", "the master refuses us", reason=event.message)
    if any(each.task is not None for each in state.instances.values()):
        turn.add(fx.FrameworkRefused(event.message))  # a new framework would leave tasks that nobody owns
    elif state.framework_id is not None and "removed" in event.message:
        state.framework_id = None
        turn.delete(rows.FRAMEWORK_ID)
        turn.add(fx.RegisterAnew())


def _message(turn: Turn, event: ev.FrameworkMessage) -> None:
    turn.publish(
        "framework_message_event", executorId=event.executor_id, slaveId=event.agent_id, message=list(event.data)
    )


def _probe(turn: Turn, event: ev.ProbeDone) -> None:
    health.answered(turn, event.token, ok=event.ok, cause=event.cause, ignored=event.ignored)


def _ready(turn: Turn, event: ev.ReadinessDone) -> None:
    readiness.answered(turn, event.token, event.status, event.content_type, event.body)


def _kill(turn: Turn, event: ev.KillInstances) -> None:
    found = [turn.state.instances[each] for each in event.instance_ids if each in turn.state.instances]
    for instance in found:
        if event.wipe:
            kills.stop(turn, instance, Goal.DECOMMISSIONED)
        elif instance.condition is not Condition.SCHEDULED:
            kills.kill(turn, instance)
            if instance.condition in (Condition.UNREACHABLE, Condition.UNREACHABLE_INACTIVE):
                kills.stop(turn, instance)
    turn.reply(event.ask_id, tuple(found))


def _reset_delay(turn: Turn, event: ev.ResetDelay) -> None:
    entry = turn.state.queue.entries.get(event.app_id)
    if entry is not None:
        turn.state.backoff.reset(event.app_id)
        turn.new_demand.add(entry.role)
    turn.reply(event.ask_id, entry is not None)


def _tick(turn: Turn, _: ev.Tick) -> None:
    for kind, whom in turn.state.timers.pop_due(turn.now_s):
        _TIMERS[kind](turn, whom)


def _backoff_over(turn: Turn, app_id: str) -> None:
    entry = turn.state.queue.entries.get(app_id)
    if entry is not None:
        turn.new_demand.add(entry.role)


_HANDLERS: dict[type[Any], Callable[[Turn, Any], None]] = {
    ev.Elected: _elected,
    ev.Subscribed: _subscribed,
    ev.Disconnected: _disconnected,
    ev.OffersArrived: _offers,
    ev.StatusArrived: _status,
    ev.MasterError: _error,
    ev.FrameworkMessage: _message,
    ev.ProbeDone: _probe,
    ev.ReadinessDone: _ready,
    ev.Tick: _tick,
    ev.ChangeRoot: changes.change_root,
    ev.CancelDeployment: changes.cancel,
    ev.KillInstances: _kill,
    ev.ResetDelay: _reset_delay,
}

_TIMERS: dict[str, Callable[[Turn, str], None]] = {
    offers.BACKOFF: _backoff_over,
    offers.REVIVE: offers.revive_due,
    kills.DRAIN: kills.drained,
    kills.RETRY: kills.retry,
    health.PROBE: health.probe_due,
    readiness.READY: readiness.due,
    unreachable.INACTIVE: unreachable.inactive_due,
    unreachable.EXPUNGE: unreachable.expunge_due,
    reconcile.RECONCILE: lambda turn, _: reconcile.reconcile(turn),
    reconcile.CONFIRM: lambda turn, _: reconcile.confirm_launches(turn),
    reconcile.SCALE: lambda turn, _: scale.check_all(turn),
    reconcile.OVERDUE: lambda turn, _: reconcile.end_overdue(turn),
    reconcile.FORGET: lambda turn, _: reconcile.forget_delays(turn),
}
