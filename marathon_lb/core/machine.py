"""Folds documents and bus events into services: ``step(event, now_s) -> effects``.

Bad news is taken from the event itself (an instance that will be killed, an unhealthy one, a task that ended), because
every request sent there meanwhile may be lost. Good news makes the one app be fetched, whose document tells ports and
addresses. Events that name no app make everything be fetched.

Invariant: a task that was announced as ended never comes back from an older document, and one announced as being killed
gets nothing new until Marathon, newly connected, tells otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from marathon_lb.core.build import AppProblem, Around, Rules, services
from marathon_lb.core.documents import App
from marathon_lb.core.effects import Balance, FetchAll, FetchApp, Synced
from marathon_lb.core.events import AllFetched, AppFetched, BusEvent
from marathon_lb.core.model import Service
from marathon_lb.core.names import instance_of
from marathon_lb.core.ports import PortRange
from marathon_lb.core.table import Table
from mesos.effects import Effect, Note

TERMINAL = frozenset(
    f"TASK_{state}" for state in ["FINISHED", "FAILED", "KILLED", "ERROR", "DROPPED", "GONE", "GONE_BY_OPERATOR"]
)
LOGGER = "marathon_lb.core"


class Machine:
    """The core.

    :param skipped: id of an app that is never balanced: the balancer itself.
    """

    def __init__(self, rules: Rules, assigned: PortRange, skipped: str | None = None) -> None:
        self.table = Table()
        self._rules, self._assigned, self._skipped = rules, assigned, skipped
        self._handlers: dict[str, Callable[[Mapping[str, Any]], Iterable[Effect]]] = {
            "status_update_event": self._status_update,
            "instance_changed_event": self._instance_changed,
            "instance_health_changed_event": self._instance_health,
            "health_status_changed_event": self._task_health,
            "unhealthy_instance_kill_event": self._unhealthy_kill,
            "unhealthy_task_kill_event": self._unhealthy_kill,
            "unknown_instance_terminated_event": self._terminated,
            "api_post_event": self._app_posted,
            "app_terminated_event": self._app_named,
            "deployment_info": self._deployment,
            "deployment_success": self._deployment,
            "deployment_failed": self._deployment,
            "deployment_step_success": self._deployment,
            "group_change_success": self._everything,
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """The bus events that matter."""
        return tuple(self._handlers)

    def step(self, event: Any, now_s: float) -> Iterable[Effect]:
        """Fold one event."""
        match event:
            case AllFetched():
                return list(self._all(event))
            case AppFetched():
                self.table.addresses.update(event.addresses)
                return list(self._drop(event.app_id) if event.app is None else self._put(event.app))
            case BusEvent():
                handler = self._handlers.get(event.kind)
                return list(handler(event.data)) if handler else ()
        raise TypeError(f"{type(event).__name__} is no event of the balancer")

    def _all(self, event: AllFetched) -> Iterator[Effect]:
        self.table.addresses = dict(event.addresses)
        if event.connected:
            self.table.killing.clear()
        listed = {app.id for app in event.apps}
        for app_id in [app_id for app_id in self.table.apps if app_id not in listed]:
            if app_id not in event.unreadable:  # that one stays as it was when it could last be read
                yield from self._drop(app_id)
        for app_id, reason in event.unreadable.items():
            yield from self._problem(app_id, reason)
        for app in event.apps:
            yield from self._put(app)
        yield Synced()

    def _put(self, app: App) -> Iterator[Effect]:
        if app.id == self._skipped:
            return
        self.table.put(app)
        yield from self._rebuild(app.id)

    def _drop(self, app_id: str) -> Iterator[Effect]:
        self.table.drop(app_id)
        self._assigned.forget(app_id)
        if self.table.services.pop(app_id, ()):
            yield Balance(app_id, ())

    def _rebuild(self, app_id: str | None) -> Iterator[Effect]:
        """Derive the app's services again and tell if they changed."""
        app = self.table.apps.get(app_id or "")
        if app is None:
            return
        around = Around(self.table.addresses, self.table.killing, self.table.gone, self.table.alive)
        try:
            found = self._with_servers(app, services(app, self._rules, around, self._assigned))
            self.table.problems.pop(app.id, None)
        except AppProblem as problem:
            yield from self._problem(app.id, str(problem))
            found = ()
        if found != self.table.services.get(app.id, ()):
            self.table.services[app.id] = found
            yield Balance(app.id, found)

    def _with_servers(self, app: App, found: Iterable[Service]) -> tuple[Service, ...]:
        """Leave out services that never had a server: their port stays closed until they can answer.

        One that had servers keeps its port while the app asks for instances, so that a moment without any does not
        reload HAProxy twice.
        """
        had = {service.name for service in self.table.services.get(app.id, ())} if app.instances != 0 else ()
        return tuple(service for service in found if service.servers or service.name in had)

    def _problem(self, app_id: str, reason: str) -> Iterator[Effect]:
        if self.table.problems.get(app_id) != reason:
            self.table.problems[app_id] = reason
            yield Note("warning", "app left out", {"app_id": app_id, "reason": reason}, LOGGER)

    def _status_update(self, data: Mapping[str, Any]) -> Iterator[Effect]:
        task_id, state, app_id = _text(data, "taskId"), _text(data, "taskStatus"), _text(data, "appId")
        if state in TERMINAL:
            self.table.mark_gone(task_id)
            yield from self._rebuild(app_id)
        elif state == "TASK_KILLING":
            yield from self._leaves(task_id, app_id)
        elif state not in ("TASK_STAGING", "TASK_STARTING"):
            yield from self._fetch(app_id)

    def _instance_changed(self, data: Mapping[str, Any]) -> Iterator[Effect]:
        instance, app_id = _text(data, "instanceId"), _text(data, "runSpecId")
        if _text(data, "condition") == "Killing":
            yield from self._leaves(instance, app_id)
        elif _text(data, "condition") in ("Running", "Unreachable"):
            yield from self._fetch(app_id)

    def _leaves(self, task_or_instance: str, app_id: str) -> Iterator[Effect]:
        self.table.mark_killing(instance_of(task_or_instance))
        yield from self._rebuild(app_id or self.table.app_of.get(task_or_instance))

    def _terminated(self, data: Mapping[str, Any]) -> Iterator[Effect]:
        app_id = _text(data, "runSpecId")
        for task_id in self.table.tasks_of(app_id, _text(data, "instanceId")):
            self.table.mark_gone(task_id)
        yield from self._rebuild(app_id)

    def _instance_health(self, data: Mapping[str, Any]) -> Iterator[Effect]:
        yield from self._health(_text(data, "runSpecId"), _text(data, "instanceId"), data.get("healthy"))

    def _task_health(self, data: Mapping[str, Any]) -> Iterator[Effect]:
        instance = _text(data, "instanceId") or _text(data, "taskId")
        yield from self._health(_text(data, "appId"), instance, data.get("alive"))

    def _health(self, app_id: str, instance: str, healthy: object) -> Iterator[Effect]:
        tasks = self.table.tasks_of(app_id, instance_of(instance))
        for task_id in tasks:
            if isinstance(healthy, bool):
                self.table.alive[task_id] = healthy
        if tasks:
            yield from self._rebuild(app_id)
        elif healthy:
            yield from self._fetch(app_id)

    def _unhealthy_kill(self, data: Mapping[str, Any]) -> Iterator[Effect]:
        yield from self._leaves(_text(data, "instanceId") or _text(data, "taskId"), _text(data, "appId"))

    def _app_posted(self, data: Mapping[str, Any]) -> Iterator[Effect]:
        definition = data.get("appDefinition")
        yield from self._fetch(_text(definition, "id") if isinstance(definition, Mapping) else "")

    def _app_named(self, data: Mapping[str, Any]) -> Iterator[Effect]:
        yield from self._fetch(_text(data, "appId"))

    def _deployment(self, data: Mapping[str, Any]) -> Iterator[Effect]:
        """Fetch what a deployment touches: labels and ports may have changed without any task changing."""
        plan = data.get("plan")
        steps = plan.get("steps") if isinstance(plan, Mapping) else None
        if not isinstance(steps, list):
            yield FetchAll()
            return
        actions = [action for step in steps for action in step.get("actions", ())]
        for app_id in sorted({_text(action, "app") for action in actions} - {""}):
            yield FetchApp(app_id)

    def _everything(self, data: Mapping[str, Any]) -> Iterator[Effect]:
        yield FetchAll()

    def _fetch(self, app_id: str) -> Iterator[Effect]:
        yield FetchApp(app_id) if app_id else FetchAll()


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""
