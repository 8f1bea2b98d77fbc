"""``/v2/apps``: definitions of apps and their versions. Source: Marathon ``AppsResource``, ``AppVersionsResource``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import web

from marathon.api.answers import DEPLOYMENT_HEADER, deployed
from marathon.api.labels import parse_selector
from marathon.api.params import embeds, flag, json_body, path_id
from marathon.api.service import Service, service_of
from marathon.core import groups
from marathon.core.events import Announce, Change
from marathon.core.model.app import AppDefinition
from marathon.core.model.group import Group
from marathon.core.paths import ROOT, absolute
from marathon.errors import AppExists, Invalid, UnknownApp, Violation
from marathon.render.app import definition
from marathon.render.embeds import Embed, app_embeds
from marathon.render.info import app_info, counts
from marathon.schema.body import INVALID_JSON, load, load_list
from marathon.schema.definition import Value, complete, rollback_version, updated
from marathon.schema.forms import AppForm
from mesos.http.app import json_response

routes = web.RouteTableDef()

LISTED = frozenset({Embed.COUNTS, Embed.DEPLOYMENTS})
SHOWN = frozenset({Embed.COUNTS, Embed.TASKS, Embed.LAST_TASK_FAILURE, Embed.DEPLOYMENTS})


@routes.get("/v2/apps")
@routes.get("/v2/apps/")
async def list_apps(request: web.Request) -> web.Response:
    """List apps: all, or those whose ``cmd`` or ``id`` contains a text and whose labels match a selector."""
    service = service_of(request)
    cmd, part = request.query.get("cmd", "").lower(), request.query.get("id", "").lower()
    selectors = parse_selector(request.query["label"]) if request.query.get("label") else ()
    parts = LISTED | app_embeds(embeds(request))

    def fits(app: AppDefinition) -> bool:
        if cmd and cmd not in (app.cmd or "").lower():
            return False
        return part in app.id.lower() and all(each.matches(app.labels) for each in selectors)

    return json_response({"apps": _infos(service, (app for app in service.root.all_apps() if fits(app)), parts)})


@routes.post("/v2/apps")
@routes.post("/v2/apps/")
async def create_app(request: web.Request) -> web.Response:
    """Create an app. 201 with the app and its deployment; 409 when it exists; 422 when it is not valid."""
    service = service_of(request)
    value = load(AppForm, await json_body(request))
    app_id = _id_of(value, "/id")

    def create(root: Group, _: str) -> Group:
        if groups.find_app(root, app_id) is not None:
            raise AppExists(app_id)
        app = complete(value, app_id, root, service.context)
        return _put(root, app, service)

    answer = await service.change_root(
        create, touched=app_id, force=flag(request, "force"), announce=_posted(request, app_id)
    )
    app = groups.get_app(service.root, app_id)
    body = definition(app, with_info=False)
    body.update({**dict.fromkeys(counts(service.state, app_id), 0), "deployments": [{"id": answer.deployment_id}]})
    headers = {"Location": f"/v2/apps{app_id}", DEPLOYMENT_HEADER: answer.deployment_id}
    return json_response(body, status=201, headers=headers)


@routes.put("/v2/apps")
@routes.put("/v2/apps/")
async def replace_apps(request: web.Request) -> web.Response:
    """Update or create several apps in one deployment."""
    return await _change_many(request, partial=flag(request, "partialUpdate", True), create=True)


@routes.patch("/v2/apps")
@routes.patch("/v2/apps/")
async def update_apps(request: web.Request) -> web.Response:
    """Update several apps in one deployment; 404 when one of them does not exist."""
    return await _change_many(request, partial=True, create=False)


@routes.get("/v2/apps/{id:.+}/versions")
async def list_versions(request: web.Request) -> web.Response:
    """List an app's stored versions, newest first."""
    service, app_id = service_of(request), path_id(request)
    found = service.state.history.of_app(app_id)
    if not found:
        raise UnknownApp(app_id)
    return json_response({"versions": found})


@routes.get("/v2/apps/{id:.+}/versions/{version}")
async def show_version(request: web.Request) -> web.Response:
    """Show one stored version of an app."""
    app = await service_of(request).app_at(path_id(request), request.match_info["version"])
    return json_response(definition(app))


@routes.post("/v2/apps/{id:.+}/restart")
async def restart_app(request: web.Request) -> web.Response:
    """Replace all instances of an app, as an upgrade would."""
    service, app_id = service_of(request), path_id(request)

    def keep(root: Group, _: str) -> Group:
        groups.get_app(root, app_id)
        return root

    answer = await service.change_root(keep, touched=app_id, force=flag(request, "force"), restart=frozenset({app_id}))
    return deployed(answer)


@routes.get("/v2/apps/{id:.+}")
async def show_app(request: web.Request) -> web.Response:
    """Show one app, or with ``/*`` at the end all apps of a group."""
    service, name = service_of(request), request.match_info["id"]
    if name.rpartition("/")[2] == "*":
        group = groups.find_group(service.root, absolute("/" + name[:-1]))
        if group is None:
            raise UnknownApp(absolute("/" + name))
        parts = LISTED | app_embeds(embeds(request))
        return json_response({"*": _infos(service, group.all_apps(), parts)})
    app = groups.get_app(service.root, path_id(request))
    parts = SHOWN | app_embeds(embeds(request))
    return json_response({"app": app_info(service.state, app, parts, service.now_s())})


@routes.put("/v2/apps/{id:.+}")
async def replace_app(request: web.Request) -> web.Response:
    """Update an app with the fields given, or with ``partialUpdate=false`` replace it; create a missing one."""
    return await _change_one(request, partial=flag(request, "partialUpdate", True), create=True)


@routes.patch("/v2/apps/{id:.+}")
async def update_app(request: web.Request) -> web.Response:
    """Update an app with the fields that are given; 404 when it does not exist."""
    return await _change_one(request, partial=True, create=False)


@routes.delete("/v2/apps/{id:.+}")
async def delete_app(request: web.Request) -> web.Response:
    """Delete an app and stop its instances. Unlike elsewhere, running deployments are cancelled by default."""
    service, app_id = service_of(request), path_id(request)
    answer = await service.change_root(
        lambda root, _: groups.remove_app(root, app_id), touched=app_id, force=flag(request, "force", True)
    )
    return deployed(answer)


async def _change_one(request: web.Request, *, partial: bool, create: bool) -> web.Response:
    service, app_id = service_of(request), path_id(request)
    value = load(AppForm, await json_body(request)) | {"id": app_id}
    change, created = await _change_of(service, app_id, value, partial=partial, create=create), False

    def apply(root: Group, version: str) -> Group:
        nonlocal created
        created = groups.find_app(root, app_id) is None
        return change(root, version)

    answer = await service.change_root(
        apply, touched=app_id, force=flag(request, "force"), announce=_posted(request, app_id)
    )
    return deployed(answer, status=201, location=f"/v2/apps{app_id}") if created else deployed(answer)


async def _change_many(request: web.Request, *, partial: bool, create: bool) -> web.Response:
    service = service_of(request)
    values = load_list(AppForm, await json_body(request))
    changes = []
    for index, value in enumerate(values):
        app_id = _id_of(value, f"({index})/id")
        changes.append(await _change_of(service, app_id, value, partial=partial, create=create))

    def apply(root: Group, version: str) -> Group:
        for change in changes:
            root = change(root, version)
        return root

    answer = await service.change_root(apply, touched=ROOT, force=flag(request, "force"))
    return deployed(answer)


async def _change_of(service: Service, app_id: str, value: Value, *, partial: bool, create: bool) -> Change:
    """Return what brings one app to ``value``; a former version is read from the store right away."""
    wanted = rollback_version(value) if partial else None
    former = await service.app_at(app_id, wanted) if wanted is not None else None

    def apply(root: Group, _: str) -> Group:
        existing = groups.find_app(root, app_id)
        if existing is None and not create:
            raise UnknownApp(app_id)
        if former is not None:
            app = _again(former, existing)
        elif existing is not None and partial:
            app = updated(existing, {**value, "id": app_id}, root, service.context)
        else:
            app = complete(value, app_id, root, service.context, existing=existing)
        return _put(root, app, service)

    return apply


def _again(former: AppDefinition, existing: AppDefinition | None) -> AppDefinition:
    """A former definition, as a change of the present one."""
    if existing is None:
        return former
    return msgspec.structs.replace(former, version=existing.version, version_info=existing.version_info)


def _put(root: Group, app: AppDefinition, service: Service) -> Group:
    return groups.put_app(root, app, enforce_new=service.context.enforce_new_groups)


def _id_of(value: Value, at: str) -> str:
    if "id" not in value:
        raise Invalid([Violation(at, "error.path.missing")], INVALID_JSON)
    return absolute(value["id"])


def _posted(request: web.Request, app_id: str) -> Announce:
    """Return what tells that somebody has posted an app."""
    client, uri = request.remote or "", request.path

    def announce(root: Group) -> Iterable[tuple[str, dict[str, Any]]]:
        app = groups.find_app(root, app_id)
        if app is not None:
            yield "api_post_event", {"clientIp": client, "uri": uri, "appDefinition": definition(app)}

    return announce


def _infos(service: Service, apps: Iterable[AppDefinition], parts: frozenset[Embed]) -> list[dict[str, Any]]:
    now_s = service.now_s()
    return [app_info(service.state, app, parts, now_s) for app in apps]
