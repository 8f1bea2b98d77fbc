"""``/v2/groups``: groups of apps, updated as a whole. Source: Marathon ``GroupsResource``."""

from __future__ import annotations

import msgspec
from aiohttp import web

from marathon.api.answers import deployed
from marathon.api.params import embeds, flag, json_body
from marathon.api.service import Service, service_of
from marathon.core import groups
from marathon.core.deployment import step_of
from marathon.core.events import Change
from marathon.core.model.group import Group
from marathon.core.paths import ROOT, absolute, ancestors
from marathon.core.preview import preview
from marathon.core.root_change import finish
from marathon.errors import BadArgument, Conflict, Invalid, UnknownGroup, Violation
from marathon.render.embeds import Embed, app_embeds, group_embeds
from marathon.render.info import app_info, group_info
from marathon.schema.definition import Value
from marathon.schema.group import NOT_ALONE, load_group, update_group
from mesos.http.app import json_response

routes = web.RouteTableDef()

MEMBERS = frozenset({Embed.GROUPS, Embed.APPS, Embed.PODS})
SHOWN = frozenset({Embed.COUNTS, Embed.DEPLOYMENTS})


@routes.get("/v2/groups/{id:(.*/)?}versions")
async def list_versions(request: web.Request) -> web.Response:
    """List the versions of the root in which a group exists, newest first."""
    service, group_id = service_of(request), _id(request)
    history = service.state.history
    if group_id == ROOT:
        return json_response(list(reversed(history.roots)))
    found = [each for each in reversed(history.roots) if group_id in history.groups_at(each)]
    if not found:
        raise UnknownGroup(group_id)
    return json_response(found)


@routes.get("/v2/groups/{id:(.*/)?}versions/{version}")
async def show_version(request: web.Request) -> web.Response:
    """Show a group as it was in a version of the root."""
    service, group_id, version = service_of(request), _id(request), request.match_info["version"]
    root = await _root_at(service, group_id, version)
    return _show(request, groups.get_group(root, group_id), version)


@routes.put("/v2/groups/{id:(.*/)?}versions/{version}")
async def restore_version(request: web.Request) -> web.Response:
    """Bring a group back to a version. Source: releases before 1.0, and clients that still ask so."""
    return await _put(request, _id(request), {"version": request.match_info["version"]})


@routes.get("/v2/groups/{id:(.*/)?}apps")
async def list_apps(request: web.Request) -> web.Response:
    """List all apps of a group and of the groups in it."""
    service = service_of(request)
    group = groups.get_group(service.root, _id(request))
    parts, now_s = SHOWN | app_embeds(embeds(request)), service.now_s()
    return json_response([app_info(service.state, app, parts, now_s) for app in group.all_apps()])


@routes.get("/v2/groups")
@routes.get("/v2/groups/{id:.*}")
async def show_group(request: web.Request) -> web.Response:
    """Show a group with its members."""
    service = service_of(request)
    return _show(request, groups.get_group(service.root, _id(request)), service.root.version)


@routes.post("/v2/groups")
@routes.post("/v2/groups/{id:.*}")
async def create_group(request: web.Request) -> web.Response:
    """Create a group. 201 with its deployment; 409 when it exists."""
    service = service_of(request)
    value = load_group(await json_body(request))
    group_id = absolute(value.pop("id", ""), _id(request))

    def create(root: Group, _: str) -> Group:
        if groups.find_group(root, group_id) is not None:
            raise Conflict(f"Group {group_id} is already created. Use PUT to change this group.")
        if groups.find_app(root, group_id) is not None:
            raise Conflict(f"An app with the path {group_id} already exists.")
        return update_group(root, group_id, value, service.context)

    answer = await service.change_root(create, touched=group_id, force=flag(request, "force"))
    return deployed(answer, status=201, location=f"/v2/groups{group_id}")


@routes.put("/v2/groups")
@routes.put("/v2/groups/{id:.*}")
async def replace_group(request: web.Request) -> web.Response:
    """Update a group, creating it when it is missing; with ``dryRun`` only say what would happen."""
    value = load_group(await json_body(request))
    base = _id(request)
    if value.keys() & {"version", "scaleBy"} and len(value) > 1:
        key = "version" if "version" in value else "scaleBy"
        raise Invalid([Violation(f"/{key}", NOT_ALONE)])
    own = value.pop("id", None)
    group_id = absolute(own, base) if own is not None and base == ROOT else base
    return await _put(request, group_id, value)


@routes.patch("/v2/groups/{id:.+}")
async def patch_group(request: web.Request) -> web.Response:
    """Say whether the apps of a top group have to have its role. Nothing restarts."""
    service, group_id = service_of(request), _id(request)
    value = load_group(await json_body(request))
    if len(ancestors(group_id)) != 2:
        raise BadArgument("Path needs to be top-level")
    if "enforceRole" not in value:
        raise Invalid([Violation("/enforceRole", "error.path.missing")])
    enforced = value["enforceRole"]

    def patch(root: Group, _: str) -> Group:
        groups.get_group(root, group_id)
        return groups.edit(root, group_id, lambda group: msgspec.structs.replace(group, enforce_role=enforced))

    await service.change_root(patch, touched=group_id, force=False)
    return web.Response()


@routes.delete("/v2/groups")
@routes.delete("/v2/groups/{id:.*}")
async def delete_group(request: web.Request) -> web.Response:
    """Delete a group with all that is in it; without an id, everything."""
    service, group_id = service_of(request), _id(request)
    answer = await service.change_root(
        lambda root, _: groups.remove_group(root, group_id), touched=group_id, force=flag(request, "force")
    )
    return deployed(answer)


async def _put(request: web.Request, group_id: str, value: Value) -> web.Response:
    service = service_of(request)
    change = await _change_of(service, group_id, value)
    if flag(request, "dryRun"):
        settings = service.settings
        before = service.root
        draft = change(before, before.version)
        low, high = settings.local_port_min, settings.local_port_max
        steps = preview(before, finish(before, draft, f"{before.version}+", low=low, high=high), settings)
        return json_response({"steps": [step_of(step) for step in steps]})
    return deployed(await service.change_root(change, touched=group_id, force=flag(request, "force")))


async def _change_of(service: Service, group_id: str, value: Value) -> Change:
    if "version" not in value:
        return lambda root, _: update_group(root, group_id, value, service.context)
    version = value["version"]
    try:
        former = groups.find_group(await service.root_at(version), group_id)
    except UnknownGroup:
        former = None
    if former is None:
        raise BadArgument(f"Group {group_id} not available in version {version}")
    return lambda root, _: _restored(root, former)


def _restored(root: Group, former: Group) -> Group:
    """Put a former group in place of the present one; the versions of its apps are settled later."""
    return groups.edit(root, former.id, lambda present: _with_present_stamps(root, former, present))


def _with_present_stamps(root: Group, former: Group, present: Group) -> Group:
    apps = {}
    for app_id, app in former.apps.items():
        existing = groups.find_app(root, app_id)
        if existing is not None and app.version == existing.version:
            app = existing
        elif existing is not None:
            app = msgspec.structs.replace(app, version=existing.version, version_info=existing.version_info)
        apps[app_id] = app
    children = {
        key: _with_present_stamps(root, each, present.groups.get(key, each)) for key, each in former.groups.items()
    }
    return msgspec.structs.replace(former, apps=apps, groups=children, version=present.version)


async def _root_at(service: Service, group_id: str, version: str) -> Group:
    try:
        return await service.root_at(version)
    except UnknownGroup:
        raise UnknownGroup(group_id, version) from None


def _show(request: web.Request, group: Group, version: str) -> web.Response:
    service, asked = service_of(request), embeds(request)
    parts = (group_embeds(asked) or MEMBERS) | SHOWN | app_embeds(asked)
    return json_response(group_info(service.state, group, parts, service.now_s(), version))


def _id(request: web.Request) -> str:
    return absolute("/" + request.match_info.get("id", ""))
