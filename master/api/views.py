"""The legacy endpoints: ``/state``, ``/slaves``, ``/frameworks``, ``/tasks`` and the rest, under all their names.

Every path answers with and without ``/master`` in front, with ``.json`` and a slash behind, as tools have called them
through the years.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from master.api import gate
from master.api.legacy import COUNTED, Fragments, agent_row, framework_head, framework_row
from master.api.operator import tear_down
from master.api.v1 import role_resources
from master.drivers.leadership import Leadership, Term
from mesos.http.app import jsonp, text_response
from mesos.metrics import Metrics
from mesos.resources import Resources
from mesos.types.base import Version
from mesos.types.tasks import Task

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DEFAULT_TASKS = 100
"""Tasks of one answer of ``/tasks`` when nothing else is asked."""


class Views:
    """Answers of one master, leading or not."""

    def __init__(
        self, leadership: Leadership, flags: Mapping[str, str], metrics: Metrics, version: Version, cluster: str | None
    ) -> None:
        self._leadership, self._flags, self._metrics, self._version = leadership, flags, metrics, version
        self._cluster = cluster
        self._fragments = Fragments()

    def add_to(self, app: web.Application) -> None:
        """Register all routes."""
        for name, handler in (
            ("state", self._state),
            ("state-summary", self._summary),
            ("slaves", self._slaves),
            ("frameworks", self._frameworks),
            ("tasks", self._tasks),
            ("roles", self._roles),
            ("flags", self._show_flags),
            ("health", self._health),
            ("teardown", self._tear_down),
        ):
            for path in (f"/{name}", f"/master/{name}"):
                for alias in (path, f"{path}/", f"{path}.json"):
                    app.router.add_route("*", alias, handler)
        app.router.add_route("*", "/redirect", self._redirect)
        app.router.add_route("*", "/master/redirect", self._redirect)
        for path, handler in (
            ("/version", self._show_version),
            ("/metrics/snapshot", self._snapshot),
            ("/metrics/prometheus", self._prometheus),
        ):
            app.router.add_route("*", path, handler)
            app.router.add_route("*", f"{path}/", handler)

    def _term(self, request: web.Request) -> Term:
        term = gate.leading(self._leadership, request.path_qs)
        if isinstance(term, gate.Elsewhere):
            raise AskElsewhere(term)
        return term

    async def _state(self, request: web.Request) -> web.Response:
        return jsonp(request, self._state_of(self._term(request)))

    def _state_of(self, term: Term) -> bytes:
        state, info = term.machine.state, term.machine.state.info
        agents = state.agents.values()
        active = sum(agent.active for agent in agents)
        self._fragments.prune(sum(map(len, state.tasks.values())) + sum(map(len, state.completed_tasks.values())))
        document: dict[str, Any] = msgspec.to_builtins(self._version) | {
            "start_time": state.start_s,
            "elected_time": state.elected_s,
            "id": info.id,
            "pid": info.pid,
            "hostname": info.hostname,
            "capabilities": [each.type for each in info.capabilities],
            "activated_slaves": float(active),
            "deactivated_slaves": float(len(agents) - active),
            "unreachable_slaves": float(len(state.unreachable_since_s)),
            "leader": info.pid,
            "leader_info": {"id": info.id, "pid": info.pid, "port": info.port, "hostname": info.hostname},
            "flags": self._flags,
            "slaves": [agent_row(state, agent) for agent in agents],
            "recovered_slaves": [_recovered(each) for each in state.recovered.values()],
            "frameworks": [framework_row(state, each, self._fragments) for each in state.frameworks.values()],
            "completed_frameworks": [
                framework_row(state, each.framework, self._fragments) for each in state.completed.values()
            ],
            "orphan_tasks": [],
            "unregistered_frameworks": [],
        }
        if self._cluster is not None:
            document["cluster"] = self._cluster
        return msgspec.json.encode(document)

    async def _summary(self, request: web.Request) -> web.Response:
        term = self._term(request)
        state = term.machine.state
        by_agent: dict[str, Counter[str]] = {}
        by_framework: dict[str, Counter[str]] = {}
        pairs: set[tuple[str, str]] = set()
        for task in _all_tasks(term):
            agent_id, framework_id = task.agent_id.value, task.framework_id.value
            by_agent.setdefault(agent_id, Counter())[task.state] += 1
            by_framework.setdefault(framework_id, Counter())[task.state] += 1
            pairs.add((agent_id, framework_id))
        slaves = [
            agent_row(state, agent)
            | _counts(by_agent.get(agent.id))
            | {"framework_ids": sorted(f for a, f in pairs if a == agent.id)}
            for agent in state.agents.values()
        ]
        frameworks = [
            framework_head(state, each)
            | _counts(by_framework.get(each.id))
            | {"slave_ids": sorted(a for a, f in pairs if f == each.id)}
            for each in state.frameworks.values()
        ]
        document = {"hostname": state.info.hostname, "slaves": slaves, "frameworks": frameworks}
        if self._cluster is not None:
            document["cluster"] = self._cluster
        return jsonp(request, document)

    async def _slaves(self, request: web.Request) -> web.Response:
        state = self._term(request).machine.state
        wanted = request.query.get("slave_id")
        slaves = [agent_row(state, a, full=True) for a in state.agents.values() if wanted in (None, a.id)]
        recovered = [_recovered(each) for i, each in state.recovered.items() if wanted in (None, i)]
        return jsonp(request, {"slaves": slaves, "recovered_slaves": recovered})

    async def _frameworks(self, request: web.Request) -> web.Response:
        state = self._term(request).machine.state
        wanted = request.query.get("framework_id")
        known = [each for each in state.frameworks.values() if wanted in (None, each.id)]
        ended = [each.framework for each in state.completed.values() if wanted in (None, each.framework.id)]
        document = {
            "frameworks": [framework_row(state, each, self._fragments) for each in known],
            "completed_frameworks": [framework_row(state, each, self._fragments) for each in ended],
            "unregistered_frameworks": [],
        }
        return jsonp(request, document)

    async def _tasks(self, request: web.Request) -> web.Response:
        term = self._term(request)
        query = request.query
        tasks = [
            task
            for task in _all_tasks(term)
            if query.get("framework_id") in (None, task.framework_id.value)
            and query.get("task_id") in (None, task.task_id.value)
        ]
        tasks.sort(key=_began, reverse=query.get("order") != "asc")
        offset, limit = _number(query.get("offset"), 0), _number(query.get("limit"), DEFAULT_TASKS)
        rows = [msgspec.Raw(self._fragments.task(task)) for task in tasks[offset : offset + limit]]
        return jsonp(request, {"tasks": rows})

    async def _roles(self, request: web.Request) -> web.Response:
        term = self._term(request)
        roles = sorted({"*", *term.machine.allocator.active_roles})
        return jsonp(request, {"roles": [_role_row(term, role) for role in roles]})

    async def _tear_down(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            text = f"405 Method Not Allowed. Expecting one of {{ 'POST' }}, but received '{request.method}'"
            return text_response(405, text, {"Allow": "POST"})
        term = self._term(request)
        framework_id = (await request.post()).get("frameworkId")
        if not isinstance(framework_id, str):
            return text_response(400, "Missing 'frameworkId' query parameter in the request body")
        return text_response(*await tear_down(term, framework_id))

    async def _redirect(self, request: web.Request) -> web.Response:
        found = gate.redirect(self._leadership, "")
        return AskElsewhere(found).response()

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


class AskElsewhere(Exception):
    """This master does not lead; the application's error table answers with :meth:`response`."""

    def __init__(self, answer: gate.Elsewhere) -> None:
        self._answer = answer
        super().__init__(answer.text)

    def response(self) -> web.Response:
        """Return the redirect, or the reason why there is none."""
        headers = {"Location": self._answer.location} if self._answer.location else None
        return text_response(self._answer.status, self._answer.text, headers)


def _all_tasks(term: Term) -> list[Task]:
    state = term.machine.state
    tasks = [row.task for row in state.all_tasks()]
    for unreachable in state.unreachable_tasks.values():
        tasks.extend(unreachable.values())
    for completed in state.completed_tasks.values():
        tasks.extend(completed)
    for ended in state.completed.values():
        tasks.extend(ended.tasks)
    return tasks


def _began(task: Task) -> float:
    return task.statuses[0].timestamp or 0.0 if task.statuses else 0.0


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdigit() else default


def _counts(counter: Counter[str] | None) -> dict[str, int]:
    return {name: counter[name] if counter else 0 for name in COUNTED}


def _recovered(info: Any) -> dict[str, Any]:
    return {"id": info.id.value, "hostname": info.hostname, "port": info.port, "attributes": {}}


def _role_row(term: Term, role: str) -> dict[str, Any]:
    frameworks = term.machine.allocator.frameworks_in(role)
    held = role_resources(term.machine, role)
    state = term.machine.state
    offered = Resources()
    for framework_id in frameworks:
        offered += state.offered_to(framework_id).filter(lambda key: key.allocation_role == role)
    return {
        "name": role,
        "weight": term.machine.context.settings.weights.get(role, 1.0),
        "quota": {"role": role, "guarantee": {}, "limit": {}, "consumed": _quantities(held - offered)},
        "resources": _quantities(held),
        "allocated": _quantities(held - offered),
        "offered": _quantities(offered),
        "reserved": {},
        "frameworks": frameworks,
    }


def _quantities(resources: Resources) -> dict[str, float]:
    shown = {name: amount / 1000 for name, amount in resources.scalars().items()}
    ports = sum(end - begin + 1 for begin, end in resources.ranges("ports"))
    return shown | ({"ports": float(ports)} if ports else {})
