"""Plans: what happens, and in which order."""

from __future__ import annotations

import pytest

from marathon.core.planner import plan
from marathon.core.run_spec import RunSpec

Plan = list[list[tuple[str, str]]]


def spec(app_id: str, config: str = "v1", instances: int = 1) -> RunSpec:
    return RunSpec(id=app_id, version=config, config=config, instances=instances)


def specs(*items: RunSpec) -> dict[str, RunSpec]:
    return {each.id: each for each in items}


def shown(*args: object, **kwargs: object) -> Plan:
    steps = plan(*args, **kwargs)  # type: ignore[arg-type]
    return [[(action.kind.value, action.app_id) for action in step.actions] for step in steps]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((), (spec("/a"),), [[("StartApplication", "/a")], [("ScaleApplication", "/a")]]),
        ((spec("/a"),), (), [[("StopApplication", "/a")]]),
        ((spec("/a"),), (spec("/a", "v2"),), [[("RestartApplication", "/a")]]),
        ((spec("/a"),), (spec("/a", instances=3),), [[("ScaleApplication", "/a")]]),
        ((spec("/a"),), (spec("/a", "v2", 0),), [[("ScaleApplication", "/a")]]),
        ((spec("/a"),), (spec("/a"),), []),
        (
            (spec("/old"),),
            (spec("/a"), spec("/b")),
            [
                [("StopApplication", "/old")],
                [("StartApplication", "/a"), ("StartApplication", "/b")],
                [("ScaleApplication", "/a"), ("ScaleApplication", "/b")],
            ],
        ),
    ],
)
def test_one_level(before: tuple[RunSpec, ...], after: tuple[RunSpec, ...], expected: Plan) -> None:
    assert shown(specs(*before), specs(*after), [[each.id for each in after]]) == expected


def test_dependents_come_in_later_steps() -> None:
    both = specs(spec("/a", "v2"), spec("/b", "v2"), spec("/c", "v2"))
    steps = shown(specs(spec("/a"), spec("/b"), spec("/c")), both, [["/b", "/c"], ["/a"]])
    assert steps == [[("RestartApplication", "/b"), ("RestartApplication", "/c")], [("RestartApplication", "/a")]]


def test_a_restart_without_change_and_a_sentence() -> None:
    same = specs(spec("/a"))
    assert shown(same, same, [["/a"]], restart=frozenset({"/a"})) == [[("RestartApplication", "/a")]]
    (step,) = plan(specs(spec("/a", instances=2)), same, [["/a"]], kill={"/a": ("i1",)})
    assert step.actions[0].kill == ("i1",)
