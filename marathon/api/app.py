"""The application: all routes, what goes around them, and the hot path of the event stream."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from marathon.api import apps, deployments, groups, info, queue, system, tasks
from marathon.api.answers import ERRORS, add_headers, message, not_found
from marathon.api.events import PATH as EVENTS
from marathon.api.events import EventStreams
from marathon.api.params import accepts
from marathon.api.proxy import LeaderProxy
from marathon.api.service import SERVICE, Node, Service
from mesos.http.app import make_app
from mesos.http.server import HotHandler

RESOURCES = (tasks, apps, groups, deployments, queue, info, system)
"""In the order in which paths are tried: ``/v2/apps/{id}`` would take everything below it."""

_TEXT_TOO = ("/v2/tasks", "/tasks")


def make_api(node: Node) -> tuple[web.Application, Mapping[str, HotHandler]]:
    """Return the application of this program and its hot paths, for ``Server.start``."""
    app = make_app(ERRORS, not_found=not_found)
    app[SERVICE] = Service(node)
    proxy = LeaderProxy(node)
    streams = EventStreams(node)
    app.middlewares.insert(0, proxy.middleware())
    limit = node.config.http_max_concurrent_requests
    if limit is not None:
        app.middlewares.insert(1, _limiter(limit))
    app.middlewares.append(_negotiation)
    for resource in RESOURCES:
        app.router.add_routes(resource.routes)
    app.on_response_prepare.append(add_headers)

    async def close(_: web.Application) -> None:
        streams.close()
        await proxy.close()

    app.on_shutdown.append(close)
    return app, {EVENTS: streams.handle}


def _limiter(limit: int) -> Middleware:
    under_way = 0

    @web.middleware
    async def limiter(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal under_way
        if under_way >= limit:
            return message(503, f"Too many concurrent requests! Allowed: {limit}.")
        under_way += 1
        try:
            return await handler(request)
        finally:
            under_way -= 1

    return limiter


@web.middleware
async def _negotiation(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse who wants something else than JSON from ``/v2``."""
    path = request.path.rstrip("/")
    if path.startswith("/v2/") and path != EVENTS and not accepts(request, "application/json"):
        wants_text = path.endswith(_TEXT_TOO) and accepts(request, "text/plain")
        if not wants_text and request.match_info.http_exception is None:
            raise web.HTTPNotAcceptable
    return await handler(request)
