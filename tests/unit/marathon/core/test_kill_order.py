"""Which instances die first."""

from __future__ import annotations

from marathon.core.kill_order import victims
from marathon.core.model.app import Operator
from marathon.core.model.instance import AgentRef, Condition, Instance
from marathon.core.run_spec import Constraint, RunSpec


def instance(name: str, condition: Condition = Condition.RUNNING, age: float = 0.0, rack: str = "r1") -> Instance:
    return Instance(
        id=name,
        app_id="/a",
        version="v1",
        condition=condition,
        since_s=-age,
        active_since_s=-age if condition is Condition.RUNNING else None,
        agent=AgentRef(host="h", agent_id="s", attributes={"rack": rack}),
    )


def names(pool: list[Instance], count: int, *, youngest: bool = True, group: bool = False, **more: object) -> list[str]:
    constraints = (Constraint("rack", Operator.GROUP_BY),) if group else ()
    spec = RunSpec(id="/a", version="v1", config="v1", youngest_first=youngest, constraints=constraints)
    return [each.id for each in victims(pool, count, spec, **more)]  # type: ignore[arg-type]


def test_what_is_worth_least_goes_first() -> None:
    pool = [
        instance("running"),
        instance("staging", Condition.STAGING),
        instance("starting", Condition.STARTING),
        instance("unreachable", Condition.UNREACHABLE),
        instance("waiting", Condition.SCHEDULED),
    ]
    assert names(pool, 5) == ["waiting", "unreachable", "staging", "starting", "running"]


def test_the_youngest_or_the_oldest_goes_first() -> None:
    pool = [instance("old", age=100), instance("new", age=1), instance("middle", age=50)]
    assert names(pool, 2) == ["new", "middle"]
    assert names(pool, 2, youngest=False) == ["old", "middle"]


def test_the_sentenced_go_before_all_others() -> None:
    pool = [instance("a", age=1), instance("b", age=2), instance("c", Condition.SCHEDULED)]
    assert names(pool, 2, sentenced=("b",)) == ["b", "c"]


def test_group_by_keeps_the_rest_even() -> None:
    pool = [instance(f"{rack}{n}", age=n, rack=rack) for rack, count in (("x", 4), ("y", 2)) for n in range(count)]
    assert names(pool, 2, group=True) == ["x0", "x1"]
    left = set(names(pool, 4, group=True))
    assert len([each for each in left if each.startswith("x")]) == 3
