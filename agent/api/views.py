"""The agent's legacy endpoints: ``/state``, ``/containers``, ``/monitor/statistics`` and the rest, by all their names.

Source: Mesos ``slave/http.cpp``, and answers of a real 1.11.0 agent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from agent.core.machine import Machine, task_view
from agent.core.rows import FrameworkRow, TaskRow
from agent.core.running import Usage
from mesos import attributes
from mesos.http.app import jsonp
from mesos.metrics import Metrics
from mesos.resources import EMPTY, Resources, scalar
from mesos.types.agents import AGENT_CAPABILITIES
from mesos.types.base import Labels, Version
from mesos.types.tasks import TaskStatus

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

EXECUTOR_RESOURCES = Resources.from_wire([scalar("cpus", 0.1), scalar("mem", 32.0)])
"""What a command executor is shown to have on top of its task. Source: Mesos ``Slave::getExecutorInfo``."""

PREFIXES = ("", "/slave(1)", "/slave%281%29")


class Views:
    """What one agent shows."""

    def __init__(
        self,
        machine: Machine,
        *,
        pid: str,
        flags: Mapping[str, str],
        metrics: Metrics,
        version: Version,
        start_s: float,
        usage: Callable[[TaskRow], Awaitable[Usage | None]],
        master_hostname: Callable[[], str | None],
    ) -> None:
        self._machine, self._pid, self._flags, self._metrics = machine, pid, flags, metrics
        self._version, self._start_s = version, start_s
        self._usage, self._master_hostname = usage, master_hostname

    def add_to(self, app: web.Application) -> None:
        """Register all routes."""
        for name, handler in (
            ("state", self._state),
            ("flags", self._show_flags),
            ("health", self._health),
            ("containers", self._containers),
            ("monitor/statistics", self._statistics),
        ):
            for prefix in PREFIXES[:2]:
                for path in (f"{prefix}/{name}", f"{prefix}/{name}/", f"{prefix}/{name}.json"):
                    app.router.add_route("*", path, handler)
        app.router.add_route("*", "/version", self._show_version)
        app.router.add_route("*", "/metrics/snapshot", self._snapshot)
        app.router.add_route("*", "/metrics/prometheus", self._prometheus)

    async def _state(self, request: web.Request) -> web.Response:
        return jsonp(request, self.state())

    def state(self) -> dict[str, Any]:
        """Return ``/state``."""
        state, info = self._machine.state, self._machine.state.identity.info
        total = self._machine.state.total
        used = EMPTY
        for row in state.tasks.values():
            if not row.ended:
                used += Resources.from_wire(row.task.resources).allocated_to(None)
        reserved = total.reservations()
        document: dict[str, Any] = msgspec.to_builtins(self._version) | {
            "start_time": self._start_s,
            "id": state.agent_id or "",
            "pid": self._pid,
            "hostname": info.hostname,
            "capabilities": [each.type for each in AGENT_CAPABILITIES],
            "resources": total.as_dict(),
            "reserved_resources": {role: each.as_dict() for role, each in reserved.items()},
            "unreserved_resources": total.unreserved().as_dict(),
            "reserved_resources_full": {role: each.to_wire(endpoint=True) for role, each in reserved.items()},
            "unreserved_resources_full": total.unreserved().to_wire(endpoint=True),
            "reserved_resources_allocated": {role: each.as_dict() for role, each in used.reservations().items()},
            "unreserved_resources_allocated": used.unreserved().as_dict(),
            "resource_providers": [],
            "attributes": _attributes(info.attributes),
            "flags": self._flags,
            "frameworks": [self._framework(each) for each in state.frameworks.values()],
            "completed_frameworks": [self._framework(each) for each in state.completed_frameworks.values()],
        }
        if (master := self._master_hostname()) is not None:
            document["master_hostname"] = master
        return document

    def _framework(self, row: FrameworkRow) -> dict[str, Any]:
        info = row.info
        framework_id = info.id.value if info.id else ""
        shown: dict[str, Any] = {
            "id": framework_id,
            "name": info.name,
            "user": info.user,
            "failover_timeout": info.failover_timeout,
            "checkpoint": info.checkpoint,
            "hostname": info.hostname or "",
        }
        if info.principal is not None:
            shown["principal"] = info.principal
        if info.has("MULTI_ROLE"):
            shown["roles"] = info.roles
        else:
            shown["role"] = info.role or "*"
        state = self._machine.state
        shown["executors"] = [_executor(each) for each in state.tasks_of(framework_id)]
        ended = [each for each in state.completed if each.framework_id == framework_id]
        shown["completed_executors"] = [_executor(each) for each in ended]
        return shown

    async def _containers(self, request: web.Request) -> web.Response:
        wanted = request.query.get("container_id")
        rows = [row for row in self.running() if wanted in (None, row.container_id)]
        usages = await asyncio.gather(*map(self._usage, rows))
        return jsonp(request, [container_view(row, usage) for row, usage in zip(rows, usages, strict=True)])

    async def _statistics(self, request: web.Request) -> web.Response:
        rows = self.running()
        usages = await asyncio.gather(*map(self._usage, rows))
        shown = [container_view(row, usage) for row, usage in zip(rows, usages, strict=True)]
        keys = ("framework_id", "executor_id", "executor_name", "source", "statistics")
        return jsonp(request, [{key: each[key] for key in keys if key in each} for each in shown])

    def running(self) -> list[TaskRow]:
        """Return the tasks that have a container now."""
        return [row for row in self._machine.state.tasks.values() if row.running is not None and not row.ended]

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _show_version(self, request: web.Request) -> web.Response:
        return jsonp(request, self._version)

    async def _show_flags(self, request: web.Request) -> web.Response:
        return jsonp(request, {"flags": self._flags})

    async def _snapshot(self, request: web.Request) -> web.Response:
        return jsonp(request, self._metrics.snapshot())

    async def _prometheus(self, request: web.Request) -> web.Response:
        return web.Response(text=self._metrics.prometheus())


def container_view(row: TaskRow, usage: Usage | None) -> dict[str, Any]:
    """Return a container as ``/containers`` shows it."""
    shown: dict[str, Any] = {
        "framework_id": row.framework_id,
        "executor_id": row.task.task_id.value,
        "executor_name": executor_name(row),
        "source": row.task.task_id.value,
        "container_id": row.container_id,
        "status": row.last.container_status if row.last and row.last.container_status else {},
    }
    if usage is not None:
        cpus = Resources.from_wire(row.task.resources) + EXECUTOR_RESOURCES
        shown["statistics"] = msgspec.structs.replace(usage, cpus_limit=cpus.scalar("cpus"))
    return shown


def executor_name(row: TaskRow) -> str:
    """Return the name of the command executor that upstream would run."""
    command = row.task.command
    text = command.value or "" if command else ""
    short = text if len(text) <= 15 else f"{text[:12]}..."
    return f"Command Executor (Task: {row.task.task_id.value}) (Command: sh -c '{short}')"


def _executor(row: TaskRow) -> dict[str, Any]:
    resources = Resources.from_wire(row.task.resources)
    role = next((key.allocation_role for key, _ in resources if key.allocation_role), "*")
    shown: dict[str, Any] = {
        "id": row.task.task_id.value,
        "name": executor_name(row),
        "source": row.task.task_id.value,
        "container": row.container_id,
        "directory": row.sandbox,
        "resources": (resources.allocated_to(None) + EXECUTOR_RESOURCES).as_dict(),
        "role": role,
        "tasks": [],
        "queued_tasks": [],
        "completed_tasks": [],
    }
    if row.task.labels is not None:
        shown["labels"] = _labels(row.task.labels)
    shown["completed_tasks" if row.ended else "tasks"] = [_task(row, resources, role)]
    return shown


def _task(row: TaskRow, resources: Resources, role: str) -> dict[str, Any]:
    task = task_view(row)
    shown: dict[str, Any] = {
        "id": task.task_id.value,
        "name": task.name,
        "framework_id": row.framework_id,
        "executor_id": "",
        "slave_id": task.agent_id.value,
        "state": task.state,
        "resources": resources.as_dict(),
        "role": role,
        "statuses": [_status(each) for each in task.statuses],
    }
    if task.labels is not None:
        shown["labels"] = _labels(task.labels)
    for name in ("discovery", "container", "health_check"):
        if (value := getattr(task, name)) is not None:
            shown[name] = value
    return shown


def _status(status: TaskStatus) -> dict[str, Any]:
    shown: dict[str, Any] = {"state": status.state, "timestamp": status.timestamp or 0.0}
    if status.container_status is not None:
        shown["container_status"] = status.container_status
    if status.healthy is not None:
        shown["healthy"] = status.healthy
    return shown


def _labels(labels: Labels) -> list[Any]:
    return list(labels.labels)


def _attributes(listed: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for each in listed:
        shown.setdefault(each.name, attributes.as_legacy(each))
    return shown
