"""``/v2/deployments``: what is running, and its end. Source: Marathon ``DeploymentsResource``."""

from __future__ import annotations

import msgspec
from aiohttp import web

from marathon.api.answers import deployed
from marathon.api.params import flag
from marathon.api.service import service_of
from marathon.core.explain import waiting
from marathon.errors import UnknownDeployment
from marathon.render.deployment import deployment
from mesos.http.app import json_response

routes = web.RouteTableDef()


@routes.get("/v2/deployments")
async def list_deployments(request: web.Request) -> web.Response:
    """List the running deployments."""
    state = service_of(request).state
    return json_response([deployment(state, each) for each in state.deployments.values()])


@routes.get("/v2/deployments/{id}")
async def show_deployment(request: web.Request) -> web.Response:
    """Show a running deployment with what each of its actions waits for; upstream has no such route."""
    service = service_of(request)
    running = service.state.deployments.get(request.match_info["id"])
    if running is None:
        raise UnknownDeployment(request.match_info["id"])
    waits = [msgspec.to_builtins(each) for each in waiting(service.state, running, service.now_s())]
    return json_response({**deployment(service.state, running), "waiting": waits})


@routes.delete("/v2/deployments/{id}")
async def cancel_deployment(request: web.Request) -> web.Response:
    """Undo a deployment by another one; with ``force`` leave everything as it stands."""
    answer = await service_of(request).cancel(request.match_info["id"], force=flag(request, "force"))
    return web.Response(status=202) if answer is None else deployed(answer)
