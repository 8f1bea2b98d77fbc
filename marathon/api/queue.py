"""``/v2/queue``: what waits to be launched, and why. Source: Marathon ``LaunchQueueResource``."""

from __future__ import annotations

from aiohttp import web

from marathon.api.params import embeds, path_id
from marathon.api.service import service_of
from marathon.errors import NotQueued
from marathon.render.queue import queue
from mesos.http.app import json_response

routes = web.RouteTableDef()


@routes.get("/v2/queue")
async def show_queue(request: web.Request) -> web.Response:
    """List what waits, with ``embed=lastUnusedOffers`` also the offers that were refused."""
    service = service_of(request)
    with_offers = "lastUnusedOffers" in embeds(request)
    return json_response({"queue": queue(service.state, service.now_s(), with_offers=with_offers)})


@routes.delete("/v2/queue/{id:.+}/delay")
async def reset_delay(request: web.Request) -> web.Response:
    """Launch an app's waiting instances without further delay."""
    app_id = path_id(request)
    if not await service_of(request).reset_delay(app_id):
        raise NotQueued(app_id)
    return web.Response(status=204)
