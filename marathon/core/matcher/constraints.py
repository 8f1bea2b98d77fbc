"""Do an app's constraints let an instance onto an agent? Source: Marathon ``Constraints``; its documentation where
the code divides by zero (GROUP_BY without a number)."""

from __future__ import annotations

from collections.abc import Mapping

from marathon.core.matcher.placement import Placement, ValueCounts
from marathon.core.model.app import Operator
from marathon.core.run_spec import Constraint, RunSpec
from mesos.attributes import scalar_text


def allowed(spec: RunSpec, fields: Mapping[str, str], placement: Placement) -> bool:
    """Tell whether every constraint of ``spec`` accepts an agent with ``fields``."""
    return all(accepts(each, fields, placement, spec.instances) for each in spec.constraints)


def accepts(constraint: Constraint, fields: Mapping[str, str], placement: Placement, instances: int) -> bool:
    """Tell whether one constraint accepts the agent. An agent without the field satisfies UNLIKE only."""
    value = fields.get(constraint.field)
    if value is None:
        return constraint.operator is Operator.UNLIKE
    if constraint.counts:
        return _accepts_count(constraint, value, placement.counts(constraint.field), instances)
    match constraint.operator:
        case Operator.LIKE:
            return constraint.pattern is not None and constraint.pattern.fullmatch(value) is not None
        case Operator.UNLIKE:
            return constraint.pattern is None or constraint.pattern.fullmatch(value) is None
        case _:
            return value == _plain(constraint.value or "")


def _accepts_count(constraint: Constraint, value: str, counts: ValueCounts, instances: int) -> bool:
    here = counts.by_value.get(value, 0)
    match constraint.operator:
        case Operator.UNIQUE:
            return here == 0
        case Operator.MAX_PER:
            return here < (constraint.number or 0)
        case Operator.CLUSTER:
            if constraint.value:
                return value == constraint.value
            return counts.placed == 0 or here > 0
        case _:
            return _evens_out(here, counts, instances, constraint.number)


def _evens_out(here: int, counts: ValueCounts, instances: int, groups: int | None) -> bool:
    """GROUP_BY: with a number, fill that many values evenly; without, keep those seen so far even."""
    if not groups:
        return here == 0 or here == counts.least()
    if here == 0:
        return len(counts.by_value) < groups
    share, remainder = divmod(instances, groups)
    return here < share or (here == share and remainder - counts.above(share) > 0)


def _plain(value: str) -> str:
    """Write a number as attributes are written, so that 0.8 and 0.80 are the same."""
    try:
        return scalar_text(float(value))
    except (ValueError, ArithmeticError):
        return value
