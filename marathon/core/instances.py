"""Instances come, change and go: the one place that changes their table, their row in the store and their counts."""

from __future__ import annotations

import msgspec

from marathon.core import rows
from marathon.core.fleet import Worth
from marathon.core.matcher.offers import fields_of
from marathon.core.matcher.placement import Placement
from marathon.core.model.instance import Condition, Goal, Instance
from marathon.core.state import Known
from marathon.core.turn import Turn


def task_id(instance: Instance) -> str:
    """Return the id of the instance's present task. Source: Marathon ``Task.EphemeralTaskId``."""
    return f"{instance.id}._app.{instance.incarnation}"


def instance_id_of(task: str) -> str:
    """Return the instance that a task id belongs to; what is no task id of ours stays as it is."""
    return task.partition("._app")[0]


def create(turn: Turn, known: Known, count: int, *, unready: bool = False) -> list[str]:
    """Let ``count`` new instances wait for their launch. Return their ids.

    :param unready: they count as good only after their readiness check has passed.
    """
    created = []
    for _ in range(count):
        instance = Instance(
            id=f"{rows.safe(known.spec.id)}.instance-{turn.ids.uuid1_text()}",
            app_id=known.spec.id,
            version=known.spec.version,
            role=known.spec.role,
            since_s=turn.now_s,
            goal_since_s=turn.now_s,
        )
        if unready and known.spec.readiness:
            turn.state.unready[instance.id] = None
        save(turn, instance)
        announce(turn, instance)
        created.append(instance.id)
    return created


def save(turn: Turn, instance: Instance) -> None:
    """Take a changed instance over: table, store, counts, queue."""
    state = turn.state
    state.instances[instance.id] = instance
    turn.put(rows.instance_key(instance), rows.encode(instance))
    index(turn, instance)


def index(turn: Turn, instance: Instance) -> None:
    """Sort an instance into counts and queue after it, or what is known of it, has changed."""
    state = turn.state
    fleet = state.fleet(instance.app_id)
    before = fleet.put(instance, state.standing(instance))
    if fleet.worth(instance.id) is Worth.WAITING:
        if before is not Worth.WAITING:
            turn.new_demand.add(instance.role)
        state.queue.add(instance.app_id, instance.role, instance.id, turn.now_s)
    else:
        state.queue.remove(instance.app_id, instance.id)
    if fleet.placement is not None:
        _place(fleet.placement, instance)
    turn.touch(instance.app_id)


def change(turn: Turn, instance: Instance, condition: Condition, **fields: object) -> Instance:
    """Bring an instance to ``condition``, store it and tell everybody. Return the new row."""
    changed = msgspec.structs.replace(instance, condition=condition, since_s=turn.now_s, **fields)
    save(turn, changed)
    announce(turn, changed)
    return changed


def set_goal(turn: Turn, instance: Instance, goal: Goal) -> Instance:
    """Say what an instance should come to. Return the new row."""
    if instance.goal is goal:
        return instance
    changed = msgspec.structs.replace(instance, goal=goal, goal_since_s=turn.now_s)
    save(turn, changed)
    return changed


def expunge(turn: Turn, instance: Instance) -> None:
    """Forget an instance for good."""
    state = turn.state
    state.instances.pop(instance.id, None)
    state.queue.remove(instance.app_id, instance.id)
    state.results.pop(instance.id, None)
    state.healthy.pop(instance.id, None)
    state.unready.pop(instance.id, None)
    state.readiness.pop(instance.id, None)
    fleet = state.fleet(instance.app_id)
    fleet.remove(instance.id)
    turn.delete(rows.instance_key(instance))
    turn.touch(instance.app_id)
    state.forget_version(instance.app_id, instance.version)


def announce(turn: Turn, instance: Instance, condition: str | None = None) -> None:
    """Publish what an instance is, or what it is about to be."""
    turn.publish(
        "instance_changed_event",
        instanceId=instance.id,
        condition=condition or instance.condition.value,
        runSpecId=instance.app_id,
        agentId=instance.agent.agent_id if instance.agent else None,
        host=instance.agent.host if instance.agent else None,
        runSpecVersion=instance.version,
    )


def placement_of(turn: Turn, known: Known) -> Placement:
    """Return where the app's current instances are, counted anew only when its configuration has changed."""
    fleet = turn.state.fleet(known.spec.id)
    if fleet.placement is None or not fleet.placement.serves(known.spec):
        fleet.placement = Placement(known.spec)
        for instance_id in fleet.ids:
            _place(fleet.placement, turn.state.instances[instance_id])
    return fleet.placement


def _place(placement: Placement, instance: Instance) -> None:
    agent = instance.agent
    if agent is None or instance.condition is Condition.SCHEDULED or instance.condition.is_terminal:
        placement.remove(instance.id)
    else:
        fields = fields_of(agent.host, agent.region, agent.zone, agent.attributes)
        placement.put(instance.id, instance.version, fields)
