"""Compares two sets of apps and says which steps lead from one to the other.

What is gone is stopped first, what is new is started, then every change follows the dependencies: apps without any
first, those that depend on them after. Source: Marathon ``DeploymentPlan.apply``, ``dependencyOrderedSteps``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from marathon.core.model.deployment import Action, ActionKind, Step
from marathon.core.run_spec import RunSpec


def plan(
    before: Mapping[str, RunSpec],
    after: Mapping[str, RunSpec],
    levels: Sequence[Sequence[str]],
    *,
    restart: frozenset[str] = frozenset(),
    kill: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Step, ...]:
    """Return the steps; none when nothing differs.

    :param before: the apps that change or go, as they are.
    :param after: the apps that change or come, as they shall be.
    :param levels: the ids of ``after`` by the length of the longest way through their dependencies, shortest first.
    :param restart: ids that are to be restarted though their definition is the same.
    :param kill: by app: instances that a scaling has to end.
    """
    gone = tuple(Action(ActionKind.STOP, each) for each in sorted(before) if each not in after)
    new = tuple(Action(ActionKind.START, each) for each in sorted(after) if each not in before)
    steps = [Step(gone), Step(new)]
    for level in levels:
        actions = []
        for app_id in sorted(level):
            action = _action(app_id, before.get(app_id), after[app_id], restart, kill or {})
            if action is not None:
                actions.append(action)
        steps.append(Step(tuple(actions)))
    return tuple(step for step in steps if step.actions)


def _action(
    app_id: str,
    before: RunSpec | None,
    after: RunSpec,
    restart: frozenset[str],
    kill: Mapping[str, tuple[str, ...]],
) -> Action | None:
    if before is None or (after.instances == 0 and before != after):
        return Action(ActionKind.SCALE, app_id)
    if app_id in restart or after.config != before.config:
        return Action(ActionKind.RESTART, app_id) if after.instances else Action(ActionKind.SCALE, app_id)
    if after.instances != before.instances or app_id in kill:
        return Action(ActionKind.SCALE, app_id, kill.get(app_id, ()))
    return None
