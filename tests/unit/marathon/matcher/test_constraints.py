"""What each constraint operator accepts."""

from __future__ import annotations

import re

import pytest

from marathon.core.matcher.constraints import allowed
from marathon.core.matcher.placement import Placement
from marathon.core.run_spec import Constraint, Operator, RunSpec

AGENT = {"hostname": "h1", "@hostname": "h1", "rack": "r1", "level": "0.8"}


def constraint(field: str, operator: str, value: str | None = None) -> Constraint:
    kind = Operator(operator)
    is_pattern = kind in (Operator.LIKE, Operator.UNLIKE)
    is_number = kind in (Operator.GROUP_BY, Operator.MAX_PER)
    return Constraint(
        field,
        kind,
        value,
        int(value) if is_number and value else None,
        re.compile(value) if is_pattern and value else None,
    )


def spec(*constraints: Constraint, instances: int = 10) -> RunSpec:
    return RunSpec(id="/a", version="v2", config="v2", constraints=constraints, instances=instances)


def placed(app: RunSpec, *values: str, config: str = "v2") -> Placement:
    placement = Placement(app)
    for number, value in enumerate(values):
        placement.put(f"i{number}", config, {"hostname": value, "rack": value})
    return placement


@pytest.mark.parametrize(
    ("rule", "where", "accepted"),
    [
        (("hostname", "UNIQUE"), (), True),
        (("hostname", "UNIQUE"), ("h2",), True),
        (("hostname", "UNIQUE"), ("h1",), False),
        (("rack", "CLUSTER"), (), True),
        (("rack", "CLUSTER"), ("r1",), True),
        (("rack", "CLUSTER"), ("r2",), False),
        (("rack", "CLUSTER", "r1"), ("r2",), True),
        (("rack", "CLUSTER", "r2"), (), False),
        (("rack", "LIKE", "r[0-9]"), (), True),
        (("rack", "LIKE", "r"), (), False),
        (("rack", "UNLIKE", "r[0-9]"), (), False),
        (("rack", "UNLIKE", "x.*"), (), True),
        (("rack", "MAX_PER", "2"), ("r1",), True),
        (("rack", "MAX_PER", "2"), ("r1", "r1"), False),
        (("rack", "IS", "r1"), (), True),
        (("rack", "IS", "r2"), (), False),
        (("level", "IS", "0.80"), (), True),
        (("level", "IS", "0.8001"), (), True),
        (("level", "IS", "0.9"), (), False),
        (("rack", "GROUP_BY"), ("r2", "r2"), True),
        (("rack", "GROUP_BY"), ("r1", "r2"), True),
        (("rack", "GROUP_BY"), ("r1", "r1", "r2"), False),
        (("rack", "GROUP_BY", "3"), ("r2", "r3"), True),
        (("rack", "GROUP_BY", "2"), ("r2", "r3"), False),
    ],
)
def test_operators(rule: tuple[str, ...], where: tuple[str, ...], accepted: bool) -> None:
    app = spec(constraint(*rule))
    assert allowed(app, AGENT, placed(app, *where)) is accepted


@pytest.mark.parametrize("operator", [each.value for each in Operator])
def test_an_agent_without_the_field_satisfies_unlike_only(operator: str) -> None:
    app = spec(constraint("zone", operator, "1"))
    assert allowed(app, AGENT, Placement(app)) is (operator == "UNLIKE")


@pytest.mark.parametrize(("instances", "groups", "most"), [(10, 3, [4, 3, 3]), (6, 3, [2, 2, 2]), (5, 2, [3, 2])])
def test_group_by_with_a_number_fills_evenly(instances: int, groups: int, most: list[int]) -> None:
    app = spec(constraint("rack", "GROUP_BY", str(groups)), instances=instances)
    placement, counts = Placement(app), [0] * groups
    for number in range(instances):
        rack = next(each for each in range(groups) if allowed(app, {"rack": f"r{each}", "hostname": "h"}, placement))
        placement.put(f"i{number}", "v2", {"rack": f"r{rack}"})
        counts[rack] += 1
    assert sorted(counts, reverse=True) == most
    assert not any(allowed(app, {"rack": f"r{each}"}, placement) for each in range(groups + 1))


def test_instances_of_an_older_configuration_do_not_count() -> None:
    app = spec(constraint("hostname", "UNIQUE"))
    assert allowed(app, AGENT, placed(app, "h1", config="v1"))


def test_an_instance_that_left_does_not_count() -> None:
    app = spec(constraint("hostname", "UNIQUE"))
    placement = placed(app, "h1")
    placement.remove("i0")
    assert allowed(app, AGENT, placement)


def test_all_constraints_must_hold() -> None:
    app = spec(constraint("hostname", "UNIQUE"), constraint("rack", "LIKE", "r9"))
    assert not allowed(app, AGENT, Placement(app))
