"""Statistics of an app's tasks. Source: Marathon ``TaskStatsByVersion``."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean, median
from typing import Any

from marathon.core.fleet import tally_of
from marathon.core.model.app import AppDefinition
from marathon.core.model.instance import Instance
from marathon.core.state import State
from marathon.core.timestamps import seconds

Json = dict[str, Any]


def task_stats(state: State, app: AppDefinition, instances: Iterable[Instance], now_s: float) -> Json:
    """Return counts and ages of the tasks started after the last scaling, of those of either configuration, and of all.

    What has no task is left out.
    """
    with_tasks = [each for each in instances if each.task is not None and each.agent is not None]
    scaled_s = seconds(app.version_info.last_scaling_at) if app.version_info else 0.0
    groups = {
        "startedAfterLastScaling": [each for each in with_tasks if _started_s(each) > scaled_s],
        "withLatestConfig": [each for each in with_tasks if each.version >= app.config_version],
        "withOutdatedConfig": [each for each in with_tasks if each.version < app.config_version],
        "totalSummary": with_tasks,
    }
    return {name: {"stats": _summary(state, each, now_s)} for name, each in groups.items() if each}


def _summary(state: State, instances: list[Instance], now_s: float) -> Json:
    tallies = [tally_of(each, state.standing(each)) for each in instances]
    counts = {
        name: sum(getattr(each, name) for each in tallies) for name in ("staged", "running", "healthy", "unhealthy")
    }
    ages = [now_s - _started_s(each) for each in instances if _started_s(each) > 0]
    value: Json = {"counts": counts}
    if ages:
        value["lifeTime"] = {"averageSeconds": mean(ages), "medianSeconds": median(ages)}
    return value


def _started_s(instance: Instance) -> float:
    return (instance.task.started_at_s if instance.task else None) or 0.0
