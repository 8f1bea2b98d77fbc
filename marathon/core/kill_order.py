"""Which instances of an app die first. Source: Marathon ``KillingPriority``/``ScalingProposition``, ``Constraints``."""

from __future__ import annotations

from collections.abc import Iterable

from marathon.core.model.app import Operator
from marathon.core.model.instance import Condition, Instance
from marathon.core.run_spec import RunSpec

_WEIGHT = {
    Condition.UNREACHABLE: 1,
    Condition.UNREACHABLE_INACTIVE: 1,
    Condition.STAGING: 2,
    Condition.STARTING: 3,
    Condition.RUNNING: 4,
}


def ordered(instances: Iterable[Instance], *, youngest_first: bool) -> list[Instance]:
    """Sort ``instances``: what is worth least first, and among equals by the app's kill selection."""
    sign = -1.0 if youngest_first else 1.0
    return sorted(instances, key=lambda each: (_WEIGHT.get(each.condition, 5), sign * _age_stamp(each), each.id))


def victims(instances: Iterable[Instance], count: int, spec: RunSpec, sentenced: Iterable[str] = ()) -> list[Instance]:
    """Choose ``count`` instances to end: the sentenced, then those that keep GROUP_BY even, then by order.

    Waiting instances go before all but the sentenced, since nothing is lost with them.
    """
    named = dict.fromkeys(sentenced)
    pool = ordered(instances, youngest_first=spec.youngest_first)
    chosen = [each for each in pool if each.id in named][:count]
    rest = [each for each in pool if each.id not in named]
    chosen += [each for each in rest if each.condition is Condition.SCHEDULED][: count - len(chosen)]
    rest = [each for each in rest if each.condition is not Condition.SCHEDULED]
    for constraint in spec.constraints:
        if constraint.operator is Operator.GROUP_BY:
            return chosen + _evening_out(rest, constraint.field, count - len(chosen))
    return chosen + rest[: count - len(chosen)]


def _evening_out(pool: list[Instance], field: str, count: int) -> list[Instance]:
    """Take one after the other from whichever value has most; ``pool`` is in kill order."""
    groups: dict[str, list[Instance]] = {}
    for each in reversed(pool):
        groups.setdefault(_value(each, field), []).append(each)
    chosen: list[Instance] = []
    while len(chosen) < count and groups:
        fullest = max(groups, key=lambda value: len(groups[value]))
        chosen.append(groups[fullest].pop())
        if not groups[fullest]:
            del groups[fullest]
    return chosen


def _value(instance: Instance, field: str) -> str:
    agent = instance.agent
    if agent is None:
        return ""
    match field:
        case "hostname" | "@hostname":
            return agent.host
        case "@region":
            return agent.region or ""
        case "@zone":
            return agent.zone or ""
    return agent.attributes.get(field, "")


def _age_stamp(instance: Instance) -> float:
    if instance.condition is Condition.STAGING and instance.task is not None:
        return instance.task.staged_at_s
    if instance.condition is Condition.RUNNING and instance.active_since_s is not None:
        return instance.active_since_s
    return instance.since_s
