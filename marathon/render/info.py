"""Apps and groups with what is going on with them. Source: Marathon ``AppInfo``, ``GroupInfo``."""

from __future__ import annotations

from typing import Any

from marathon.core.model.app import AppDefinition
from marathon.core.model.failure import TaskFailure
from marathon.core.model.group import Group
from marathon.core.paths import ROOT, parent
from marathon.core.state import State
from marathon.core.timestamps import timestamp
from marathon.render.app import definition
from marathon.render.deployment import readiness_results
from marathon.render.embeds import Embed
from marathon.render.statistics import task_stats
from marathon.render.task import instances_of, tasks_of

Json = dict[str, Any]


def app_info(state: State, app: AppDefinition, embeds: frozenset[Embed], now_s: float) -> Json:
    """Return an app with the parts that are asked for."""
    value = definition(app)
    if Embed.COUNTS in embeds:
        value.update(counts(state, app.id))
    if Embed.DEPLOYMENTS in embeds:
        value["deployments"] = deployments_of(state, app.id)
    if Embed.READINESS in embeds:
        value["readinessCheckResults"] = readiness_results(state, app.id)
    if Embed.TASKS in embeds:
        value["tasks"] = list(tasks_of(state, app.id))
    failure = state.failures.get(app.id)
    if Embed.LAST_TASK_FAILURE in embeds and failure is not None:
        value["lastTaskFailure"] = last_failure(failure)
    if Embed.TASK_STATS in embeds:
        value["taskStats"] = task_stats(state, app, instances_of(state, app.id), now_s)
    return value


def group_info(state: State, group: Group, embeds: frozenset[Embed], now_s: float, version: str | None = None) -> Json:
    """Return a group with the parts that are asked for; ``version`` is its root's."""
    version = version or group.version
    value: Json = {
        "id": group.id,
        "apps": [],
        "pods": [],
        "groups": [],
        "dependencies": list(group.dependencies),
        "version": version,
    }
    if Embed.APPS in embeds:
        value["apps"] = [app_info(state, each, embeds, now_s) for each in group.apps.values()]
    if Embed.GROUPS in embeds:
        value["groups"] = [group_info(state, each, embeds, now_s, version) for each in group.groups.values()]
    if group.id != ROOT and parent(group.id) == ROOT:
        value["enforceRole"] = bool(group.enforce_role)
    return value


def counts(state: State, app_id: str) -> Json:
    """Return how many tasks an app has, by what they are."""
    fleet = state.fleets.get(app_id)
    return {
        "tasksStaged": fleet.staged if fleet else 0,
        "tasksRunning": fleet.running if fleet else 0,
        "tasksHealthy": fleet.healthy if fleet else 0,
        "tasksUnhealthy": fleet.unhealthy if fleet else 0,
    }


def deployments_of(state: State, app_id: str) -> list[Json]:
    """Return the deployment that changes an app, if one does."""
    deployment_id = state.locks.get(app_id)
    return [{"id": deployment_id}] if deployment_id else []


def last_failure(failure: TaskFailure) -> Json:
    """Return how an app's task failed last."""
    value: Json = {
        "appId": failure.app_id,
        "host": failure.host,
        "message": failure.message,
        "state": failure.state,
        "taskId": failure.task_id,
        "timestamp": timestamp(failure.at_s),
        "version": failure.version,
    }
    if failure.agent_id is not None:
        value["slaveId"] = failure.agent_id
    return value
