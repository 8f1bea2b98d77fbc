"""``POST /api/v1`` of the agent: what operators ask. Source: Mesos v1 ``agent.proto``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from agent.api.files import Files, read
from agent.api.views import Views, container_view
from agent.core.machine import Machine, task_view
from agent.errors import NoSuchPath
from mesos.http.app import json_response, text_response
from mesos.metrics import Metrics
from mesos.types.base import Version

CALL_NAMES = """
    GET_HEALTH GET_FLAGS GET_VERSION GET_METRICS GET_LOGGING_LEVEL SET_LOGGING_LEVEL LIST_FILES READ_FILE GET_STATE
    GET_CONTAINERS GET_FRAMEWORKS GET_EXECUTORS GET_OPERATIONS GET_TASKS GET_AGENT GET_RESOURCE_PROVIDERS
    LAUNCH_NESTED_CONTAINER WAIT_NESTED_CONTAINER KILL_NESTED_CONTAINER REMOVE_NESTED_CONTAINER LAUNCH_CONTAINER
    WAIT_CONTAINER KILL_CONTAINER REMOVE_CONTAINER LAUNCH_NESTED_CONTAINER_SESSION ATTACH_CONTAINER_INPUT
    ATTACH_CONTAINER_OUTPUT PRUNE_IMAGES
    """
KNOWN_CALLS = frozenset(CALL_NAMES.split())
"""Types that the proto has; any other name is as good as none."""


class OperatorApi:
    """The operator endpoint of one agent."""

    def __init__(
        self,
        machine: Machine,
        views: Views,
        files: Files,
        flags: Mapping[str, str],
        metrics: Metrics,
        version: Version,
    ) -> None:
        self._machine, self._views, self._files = machine, views, files
        self._flags, self._metrics, self._version = flags, metrics, version
        self._answers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "GET_HEALTH": lambda call: {"healthy": True},
            "GET_VERSION": lambda call: {"version_info": self._version},
            "GET_FLAGS": lambda call: {"flags": _entries(self._flags)},
            "GET_METRICS": lambda call: {"metrics": _entries(self._metrics.snapshot())},
            "GET_TASKS": lambda call: self._tasks(),
            "GET_FRAMEWORKS": lambda call: self._frameworks(),
            "GET_EXECUTORS": lambda call: {"executors": [], "completed_executors": []},
            "GET_STATE": lambda call: self._state(),
            "GET_AGENT": lambda call: {"agent_info": self._machine.state.identity.info},
            "GET_CONTAINERS": lambda call: self._containers(),
            "LIST_FILES": self._list_files,
            "READ_FILE": self._read_file,
        }

    def add_to(self, app: web.Application) -> None:
        """Register the endpoint."""
        for path in ("/api/v1", "/api/v1/", "/slave(1)/api/v1", "/slave(1)/api/v1/"):
            app.router.add_route("*", path, self._serve)

    async def _serve(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            text = f"405 Method Not Allowed. Expecting one of {{ 'POST' }}, but received '{request.method}'"
            return text_response(405, text, {"Allow": "POST"})
        if "Content-Type" not in request.headers:
            return text_response(400, "Expecting 'Content-Type' to be present")
        if request.content_type != "application/json":
            return text_response(415, "Expecting 'Content-Type' of application/json or application/x-protobuf")
        body = await request.read()
        try:
            call = msgspec.json.decode(body)
        except msgspec.DecodeError:
            text = body[:64].decode(errors="replace")
            return text_response(400, f"Failed to parse body into JSON: syntax error at line 1 near: {text}")
        return self._answer(call)

    def _answer(self, call: Any) -> web.Response:
        if not isinstance(call, dict):
            return text_response(400, "Failed to convert JSON into Call protobuf: Expecting a JSON object")
        kind = call.get("type")
        if kind not in KNOWN_CALLS:
            return text_response(400, "Failed to validate agent::Call: Expecting 'type' to be present")
        if kind not in self._answers:
            return text_response(501, "501 Not Implemented.")
        payload = str(kind).lower()
        if kind in ("GET_METRICS", "LIST_FILES", "READ_FILE") and not isinstance(call.get(payload), dict):
            return text_response(400, f"Failed to validate agent::Call: Expecting '{payload}' to be present")
        try:
            return json_response({"type": kind, payload: self._answers[str(kind)](call)})
        except NoSuchPath:
            return text_response(404, "404 Not Found.")
        except (KeyError, TypeError, ValueError) as error:
            return text_response(400, f"Failed to validate agent::Call: {error}")

    def _tasks(self) -> dict[str, Any]:
        state = self._machine.state
        rows = list(state.tasks.values())
        return {
            "pending_tasks": [],
            "queued_tasks": [],
            "launched_tasks": [task_view(row) for row in rows if not row.ended],
            "terminated_tasks": [task_view(row) for row in rows if row.ended],
            "completed_tasks": [task_view(row) for row in state.completed],
        }

    def _frameworks(self) -> dict[str, Any]:
        state = self._machine.state
        return {
            "frameworks": [{"framework_info": row.info} for row in state.frameworks.values()],
            "completed_frameworks": [{"framework_info": row.info} for row in state.completed_frameworks.values()],
        }

    def _state(self) -> dict[str, Any]:
        executors: dict[str, Any] = {"executors": [], "completed_executors": []}
        return {"get_tasks": self._tasks(), "get_executors": executors, "get_frameworks": self._frameworks()}

    def _containers(self) -> dict[str, Any]:
        shown = []
        for row in self._views.running():
            view = container_view(row, None)
            shown.append(
                {
                    "framework_id": {"value": row.framework_id},
                    "executor_id": {"value": row.task.task_id.value},
                    "executor_name": view["executor_name"],
                    "container_id": {"value": row.container_id},
                    "container_status": view["status"],
                }
            )
        return {"containers": shown}

    def _list_files(self, call: dict[str, Any]) -> dict[str, Any]:
        path = call["list_files"]["path"]
        return {"file_infos": [_file_info(path.rstrip("/"), entry) for entry in self._files.list(path)]}

    def _read_file(self, call: dict[str, Any]) -> dict[str, Any]:
        wanted = call["read_file"]
        found = self._files.resolve(wanted["path"])
        data = read(found, int(wanted.get("offset", 0)), int(wanted.get("length", 1 << 16)))
        return {"size": found.stat().st_size, "data": data}


def _file_info(parent: str, entry: os.DirEntry[str]) -> dict[str, Any]:
    found = entry.stat(follow_symlinks=False)
    return {
        "path": f"{parent}/{entry.name}",
        "nlink": found.st_nlink,
        "size": found.st_size,
        "mtime": {"nanoseconds": found.st_mtime_ns},
        "mode": found.st_mode,
        "uid": str(found.st_uid),
        "gid": str(found.st_gid),
    }


def _entries(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in values.items()]
