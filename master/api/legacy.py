"""Rows of the legacy JSON endpoints: agents are slaves, resources are dicts, ports are text.

A task's row is encoded once and kept until the task changes. Source: Mesos ``common/http.cpp``, ``master/http.cpp``,
and answers of a real 1.11.0 master.
"""

from __future__ import annotations

from typing import Any

import msgspec

from master.core.rows import Agent, Framework
from master.core.state import State
from mesos import attributes
from mesos.resources import EMPTY, Resources
from mesos.types.base import Labels
from mesos.types.tasks import Task, TaskStatus

COUNTED = tuple(
    f"TASK_{name}"
    for name in [
        "STAGING",
        "STARTING",
        "RUNNING",
        "KILLING",
        "FINISHED",
        "KILLED",
        "FAILED",
        "LOST",
        "ERROR",
        "UNREACHABLE",
    ]
)
"""States that ``/state-summary`` counts."""


class Fragments:
    """Encoded rows, kept as long as their row is the same object."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[Task, bytes]] = {}

    def task(self, task: Task) -> bytes:
        """Return a task's JSON."""
        key = (task.framework_id.value, task.task_id.value)
        kept = self._kept.get(key)
        if kept is None or kept[0] is not task:
            kept = (task, msgspec.json.encode(task_row(task)))
            self._kept[key] = kept
        return kept[1]

    def prune(self, alive: int) -> None:
        """Drop rows of tasks that are gone, when they have become more than those that are shown."""
        if len(self._kept) > 2 * alive + 1000:
            self._kept.clear()


def task_row(task: Task) -> dict[str, Any]:
    """Return a task as ``/state`` and ``/tasks`` show it."""
    resources = Resources.from_wire(task.resources)
    role = next((key.allocation_role for key, _ in resources if key.allocation_role), "*")
    row: dict[str, Any] = {
        "id": task.task_id.value,
        "name": task.name,
        "framework_id": task.framework_id.value,
        "executor_id": task.executor_id.value if task.executor_id else "",
        "slave_id": task.agent_id.value,
        "state": task.state,
        "resources": resources.as_dict(),
        "role": role,
        "statuses": [_status_row(status) for status in task.statuses],
    }
    if task.limits:
        row["limits"] = {name: limit.value for name, limit in task.limits.items()}
    if task.user is not None:
        row["user"] = task.user
    if task.labels is not None:
        row["labels"] = _labels(task.labels)
    for name in ("discovery", "container", "health_check"):
        if (value := getattr(task, name)) is not None:
            row[name] = value
    return row


def _status_row(status: TaskStatus) -> dict[str, Any]:
    row: dict[str, Any] = {"state": status.state, "timestamp": status.timestamp or 0.0}
    if status.labels is not None:
        row["labels"] = _labels(status.labels)
    if status.container_status is not None:
        row["container_status"] = msgspec.structs.replace(status.container_status, executor_pid=None)
    if status.healthy is not None:
        row["healthy"] = status.healthy
    return row


def _labels(labels: Labels) -> list[Any]:
    return list(labels.labels)


def agent_row(state: State, agent: Agent, *, full: bool = False) -> dict[str, Any]:
    """Return an agent as ``/state`` shows it; ``full`` adds what ``/slaves`` shows besides."""
    used, offered = state.used_on(agent.id), state.offered.get(agent.id, EMPTY)
    reserved = agent.total.reservations()
    row: dict[str, Any] = {
        "id": agent.id,
        "hostname": agent.info.hostname,
        "port": agent.info.port,
        "attributes": _attributes(agent),
        "pid": agent.pid,
        "registered_time": agent.registered_s,
        "resources": agent.total.as_dict(),
        "used_resources": used.as_dict(),
        "offered_resources": offered.as_dict(),
        "reserved_resources": {role: resources.as_dict() for role, resources in reserved.items()},
        "unreserved_resources": agent.total.unreserved().as_dict(),
        "active": agent.active,
        "deactivated": agent.deactivated,
        "version": agent.version,
        "capabilities": [each.type for each in agent.capabilities],
    }
    if agent.info.domain is not None:
        row["domain"] = agent.info.domain
    if agent.reregistered_s is not None:
        row["reregistered_time"] = agent.reregistered_s
    if full:
        row["reserved_resources_full"] = {role: each.to_wire(endpoint=True) for role, each in reserved.items()}
        row["unreserved_resources_full"] = agent.total.unreserved().to_wire(endpoint=True)
        row["used_resources_full"] = used.to_wire(endpoint=True)
        row["offered_resources_full"] = offered.to_wire(endpoint=True)
    return row


def _attributes(agent: Agent) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for each in agent.info.attributes:
        shown.setdefault(each.name, attributes.as_legacy(each))
    return shown


def framework_head(state: State, framework: Framework) -> dict[str, Any]:
    """Return a framework without its tasks, as ``/state-summary`` shows it."""
    info = framework.info
    return {
        "id": framework.id,
        "name": info.name,
        "used_resources": state.used_by(framework.id).as_dict(),
        "offered_resources": state.offered_to(framework.id).as_dict(),
        "capabilities": [each.type or "" for each in info.capabilities],
        "hostname": info.hostname or "",
        "webui_url": info.webui_url or "",
        "active": framework.connected,
        "connected": framework.connected,
        "recovered": framework.recovered,
    }


def framework_row(state: State, framework: Framework, fragments: Fragments) -> dict[str, Any]:
    """Return a framework with everything, as ``/state`` and ``/frameworks`` show it."""
    info = framework.info
    row = framework_head(state, framework) | {
        "user": info.user,
        "failover_timeout": info.failover_timeout,
        "checkpoint": info.checkpoint,
        "registered_time": framework.registered_s,
        "unregistered_time": framework.unregistered_s or 0.0,
        "resources": (state.used_by(framework.id) + state.offered_to(framework.id)).as_dict(),
    }
    if framework.reregistered_s is not None:
        row["reregistered_time"] = framework.reregistered_s
    if info.principal is not None:
        row["principal"] = info.principal
    if info.has("MULTI_ROLE"):
        row["roles"] = info.roles
    else:
        row["role"] = info.role or "*"
    if info.labels is not None:
        row["labels"] = _labels(info.labels)
    ended = state.completed.get(framework.id)
    completed = list(ended.tasks) if ended else list(state.completed_tasks.get(framework.id, ()))
    tasks = [each.task for each in state.tasks.get(framework.id, {}).values()]
    row["tasks"] = [msgspec.Raw(fragments.task(task)) for task in tasks]
    row["unreachable_tasks"] = [
        msgspec.Raw(fragments.task(task)) for task in state.unreachable_tasks.get(framework.id, {}).values()
    ]
    row["completed_tasks"] = [msgspec.Raw(fragments.task(task)) for task in completed]
    row["offers"] = [offer_row(state, offer_id) for offer_id in state.offers_of_framework.get(framework.id, ())]
    row["executors"] = [
        _executor_row(key, executor.info, executor.resources)
        for key, executor in state.executors.items()
        if key[0] == framework.id
    ]
    row["offer_constraints"] = framework.offer_constraints or {}
    return row


def offer_row(state: State, offer_id: str) -> dict[str, Any]:
    """Return an offer as ``/state`` shows it."""
    offer = state.offers[offer_id]
    return {
        "id": offer.id,
        "framework_id": offer.framework_id,
        "allocation_info": {"role": offer.role},
        "slave_id": offer.agent_id,
        "resources": offer.resources.as_dict(),
    }


def _executor_row(key: tuple[str, str, str], info: Any, resources: Resources) -> dict[str, Any]:
    command = info.command
    argv = {"argv": command.arguments, "uris": command.uris, "shell": command.shell} if command else {}
    return {
        "executor_id": key[2],
        "name": info.name or "",
        "framework_id": key[0],
        "command": argv,
        "resources": resources.as_dict(),
        "slave_id": key[1],
    }
