"""Ends tasks: tells first where a balancer has to know, kills few at once, asks again until they are gone.

Nothing but this module sends KILL. A kill stays in flight until the task's terminal update, or until its instance is
forgotten. Source: Marathon ``KillServiceActor``.
"""

from __future__ import annotations

import msgspec

from marathon.core import instances
from marathon.core.kill_requests import KillRequest
from marathon.core.model.instance import Condition, Goal, Instance
from marathon.core.turn import Turn
from mesos.types import scheduler as api
from mesos.types.base import DurationInfo
from mesos.types.containers import KillPolicy
from mesos.types.ids import AgentID, TaskID

NANOSECONDS = 1_000_000_000

DRAIN, RETRY = "drain", "kill"
"""Timers: a told instance is to be killed now; a kill is to be sent again."""

_UNKILLABLE = frozenset(
    {
        Condition.UNREACHABLE,
        Condition.UNREACHABLE_INACTIVE,
        Condition.UNKNOWN,
        Condition.DROPPED,
        Condition.GONE,
    }
)
"""Nobody would answer a kill of these."""


def stop(turn: Turn, instance: Instance, goal: Goal = Goal.DECOMMISSIONED) -> None:
    """Let an instance end for good. One without a task, or whose task cannot be killed, is forgotten at once."""
    instance = instances.set_goal(turn, instance, goal)
    if instance.condition is Condition.SCHEDULED or instance.condition in _UNKILLABLE or instance.condition.is_terminal:
        if instance.task is not None:
            forget(turn, instance.task.id)
        instances.expunge(turn, instance)
        return
    kill(turn, instance)


def kill(turn: Turn, instance: Instance, *, drain: bool = True) -> None:
    """End an instance's task, whatever its goal: one that is wanted gets another task."""
    task = instance.task
    if task is None or instance.condition in _UNKILLABLE:
        return
    known = turn.state.known(instance)
    drain_s = known.spec.drain_s if known is not None and drain else 0.0
    if instance.condition is Condition.RUNNING and drain_s > 0:
        _tell_first(turn, instance, drain_s)
    elif not turn.state.timers.is_armed((DRAIN, instance.id)):
        _request(turn, instance)


def drained(turn: Turn, instance_id: str) -> None:
    """The time to drain is over: kill."""
    instance = turn.state.instances.get(instance_id)
    if instance is not None:
        _request(turn, instance)


def kill_unknown(turn: Turn, task_id: str, agent_id: str | None) -> None:
    """End a task that no instance has."""
    _enqueue(turn, KillRequest(task_id, agent_id))


def retry(turn: Turn, task_id: str) -> None:
    """A kill was not answered: send it again."""
    request = turn.state.kills.in_flight.get(task_id)
    if request is not None:
        _send(turn, request)


def forget(turn: Turn, task_id: str) -> None:
    """A task is gone, so there is room for the next kill."""
    kills = turn.state.kills
    kills.waiting.pop(task_id, None)
    turn.state.timers.disarm((RETRY, task_id))
    turn.state.timers.disarm((DRAIN, instances.instance_id_of(task_id)))
    if kills.in_flight.pop(task_id, None) is not None:
        _send_waiting(turn)


def resume(turn: Turn) -> None:
    """After a restart: go on with everything that was told to end."""
    for instance in list(turn.state.instances.values()):
        if instance.goal is not Goal.RUNNING:
            stop(turn, instance, instance.goal)
        elif instance.condition is Condition.KILLING:
            _request(turn, instance)


def resend(turn: Turn) -> None:
    """A master has taken us on: what was sent to the last one may be lost."""
    for request in tuple(turn.state.kills.in_flight.values()):
        _send(turn, request)


def _tell_first(turn: Turn, instance: Instance, drain_s: float) -> None:
    """Balancers follow this event: they take the instance out, and only then it dies."""
    assert instance.task is not None
    task = msgspec.structs.replace(instance.task, state="TASK_KILLING")
    instances.change(turn, instance, Condition.KILLING, task=task)
    turn.state.timers.arm((DRAIN, instance.id), turn.now_s + drain_s)


def _request(turn: Turn, instance: Instance) -> None:
    if instance.task is None:
        return
    known = turn.state.known(instance)
    agent_id = instance.agent.agent_id if instance.agent else None
    _enqueue(turn, KillRequest(instance.task.id, agent_id, known.spec.grace_s if known else None))


def _enqueue(turn: Turn, request: KillRequest) -> None:
    kills = turn.state.kills
    if request.task_id not in kills.in_flight:
        kills.waiting[request.task_id] = request
        _send_waiting(turn)


def _send_waiting(turn: Turn) -> None:
    kills = turn.state.kills
    while kills.waiting and len(kills.in_flight) < turn.settings.kill_chunk:
        task_id = next(iter(kills.waiting))
        request = kills.in_flight[task_id] = kills.waiting.pop(task_id)
        _send(turn, request)


def _send(turn: Turn, request: KillRequest) -> None:
    policy = None
    if request.grace_s is not None:
        policy = KillPolicy(DurationInfo(int(request.grace_s * NANOSECONDS)))
    call = api.Kill(TaskID(request.task_id), AgentID(request.agent_id) if request.agent_id else None, policy)
    turn.call(api.Call(type=api.CallType.KILL, kill=call))
    turn.state.timers.arm((RETRY, request.task_id), turn.now_s + turn.settings.kill_retry_s)
