"""Tasks: of one app, of a group, of all; and their end. Source: Marathon ``AppTasksResource``, ``TasksResource``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec
from aiohttp import web

from marathon.api.answers import deployed
from marathon.api.params import accepts, flag, json_body, path_id
from marathon.api.service import Service, service_of
from marathon.core import groups
from marathon.core.instances import instance_id_of
from marathon.core.model.app import AppDefinition
from marathon.core.model.group import Group
from marathon.core.model.instance import Instance
from marathon.core.paths import ROOT, absolute
from marathon.errors import BadRequest, UnknownApp, UnknownTask
from marathon.render.endpoints import endpoints_text
from marathon.render.task import instances_of, task, tasks_of
from marathon.schema.body import ids_of
from mesos.http.app import json_response

routes = web.RouteTableDef()

_TASK_ID = re.compile(r".+[._](instance-|marathon-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_STATUSES = {"running": "TASK_RUNNING", "staging": "TASK_STAGING"}


@routes.get("/v2/tasks")
async def list_tasks(request: web.Request) -> web.Response:
    """List the tasks of all apps, with the service ports of their apps; as text for scripts that ask for text."""
    service = service_of(request)
    if not accepts(request, "application/json") and accepts(request, "text/plain"):
        return _text(service, service.root.all_apps())
    given = [*request.query.getall("status", []), *request.query.getall("status[]", [])]
    wanted = {_STATUSES[each.lower()] for each in given if each.lower() in _STATUSES}
    found = [
        each
        for app in service.root.all_apps()
        for each in tasks_of(service.state, app.id, with_service_ports=True)
        if not wanted or each["state"] in wanted
    ]
    return json_response({"tasks": found})


@routes.post("/v2/tasks/delete")
async def delete_tasks(request: web.Request) -> web.Response:
    """End tasks by id; unknown ids are skipped."""
    service = service_of(request)
    ids = ids_of(await json_body(request))
    for each in ids:
        if not _TASK_ID.fullmatch(each.partition("._app")[0]) and not _TASK_ID.match(each):
            raise BadRequest(f"Invalid task id '{each}'. [The id names no instance]")
    found = [service.state.instances.get(instance_id_of(each)) for each in ids]
    return await _end(request, service, [each for each in found if each is not None and each.task is not None])


@routes.get("/v2/apps/{id:.+}/tasks")
async def list_app_tasks(request: web.Request) -> web.Response:
    """List the tasks of an app, or with ``/*`` at the end of its id those of all apps in a group."""
    service = service_of(request)
    apps = _apps(service.root, request.match_info["id"])
    if not accepts(request, "application/json") and accepts(request, "text/plain"):
        return _text(service, apps)
    return json_response({"tasks": [each for app in apps for each in tasks_of(service.state, app.id)]})


@routes.delete("/v2/apps/{id:.+}/tasks")
async def delete_app_tasks(request: web.Request) -> web.Response:
    """End the tasks of an app: all, or those on one host."""
    service, app_id = service_of(request), path_id(request)
    groups.get_app(service.root, app_id)
    host = request.query.get("host", "*")
    found = [
        each
        for each in instances_of(service.state, app_id)
        if each.agent is not None and each.task is not None and host in ("*", each.agent.host)
    ]
    return await _end(request, service, found, app_id=app_id)


@routes.delete("/v2/apps/{id:.+}/tasks/{task}")
async def delete_app_task(request: web.Request) -> web.Response:
    """End one task of an app."""
    service, app_id, task_id = service_of(request), path_id(request), request.match_info["task"]
    groups.get_app(service.root, app_id)
    instance = service.state.instances.get(instance_id_of(task_id))
    if instance is None or instance.app_id != app_id or instance.agent is None or instance.task is None:
        raise UnknownTask(task_id)
    return await _end(request, service, [instance], single=True, app_id=app_id)


async def _end(
    request: web.Request,
    service: Service,
    victims: Sequence[Instance],
    *,
    single: bool = False,
    app_id: str | None = None,
) -> web.Response:
    scale, wipe = flag(request, "scale"), flag(request, "wipe")
    if scale and wipe:
        raise BadRequest("You cannot use scale and wipe at the same time.")
    if scale:
        return await _scale_down(service, victims, touched=app_id or ROOT, force=flag(request, "force"))
    shown = [task(service.state, each) for each in victims if each.agent is not None]
    await service.kill(tuple(each.id for each in victims), wipe=wipe)
    return json_response({"task": shown[0]} if single else {"tasks": shown})


async def _scale_down(service: Service, victims: Iterable[Instance], *, touched: str, force: bool) -> web.Response:
    """End these instances for good: the apps are scaled down by as many."""
    kill: dict[str, tuple[str, ...]] = {}
    for each in victims:
        kill[each.app_id] = (*kill.get(each.app_id, ()), each.id)

    def scale(root: Group, _: str) -> Group:
        for app_id, ids in kill.items():
            app = groups.get_app(root, app_id)
            root = groups.put_app(root, msgspec.structs.replace(app, instances=max(0, app.instances - len(ids))))
        return root

    return deployed(await service.change_root(scale, touched=touched, force=force, kill=kill))


def _apps(root: Group, name: str) -> list[AppDefinition]:
    if name.rpartition("/")[2] == "*":
        group = groups.find_group(root, absolute("/" + name[:-1]))
        if group is None:
            raise UnknownApp(absolute("/" + name))
        return list(group.all_apps())
    return [groups.get_app(root, absolute("/" + name))]


def _text(service: Service, apps: Iterable[AppDefinition]) -> web.Response:
    text = "".join(endpoints_text(service.state, app) for app in apps)
    return web.Response(text=text, content_type="text/plain")
