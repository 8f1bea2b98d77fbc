"""What a change of the root group would do, without doing it. Service ports are not given out."""

from __future__ import annotations

from marathon.core import graph, planner
from marathon.core.compile import compile_app
from marathon.core.groups import app_differences
from marathon.core.model.deployment import Step
from marathon.core.model.group import Group
from marathon.core.run_spec import RunSpec
from marathon.core.settings import Settings


def preview(before: Group, after: Group, settings: Settings) -> tuple[Step, ...]:
    """Return the steps that lead from one root to the other.

    :raises Invalid: when dependencies go in a circle.
    """
    old: dict[str, RunSpec] = {}
    new: dict[str, RunSpec] = {}
    for was, now in app_differences(before, after):
        if was is not None:
            old[was.id] = compile_app(was, settings)
        if now is not None:
            new[now.id] = compile_app(now, settings)
    return planner.plan(old, new, graph.levels(after, new))
