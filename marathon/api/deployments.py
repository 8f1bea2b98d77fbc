"""``/v2/deployments``: what is running, and its end. Source: Marathon ``DeploymentsResource``."""

from __future__ import annotations

from aiohttp import web

from marathon.api.answers import deployed
from marathon.api.params import flag
from marathon.api.service import service_of
from marathon.render.deployment import deployment
from mesos.http.app import json_response

routes = web.RouteTableDef()


@routes.get("/v2/deployments")
async def list_deployments(request: web.Request) -> web.Response:
    """List the running deployments."""
    state = service_of(request).state
    return json_response([deployment(state, each) for each in state.deployments.values()])


@routes.delete("/v2/deployments/{id}")
async def cancel_deployment(request: web.Request) -> web.Response:
    """Undo a deployment by another one; with ``force`` leave everything as it stands."""
    answer = await service_of(request).cancel(request.match_info["id"], force=flag(request, "force"))
    return web.Response(status=202) if answer is None else deployed(answer)
