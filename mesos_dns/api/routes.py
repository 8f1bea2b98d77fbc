"""The routes. GET only; names that do not exist are a 200 with one empty element, as clients expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import hdrs, web

from mesos.http.app import make_app
from mesos.metrics import Metrics
from mesos_dns.api import views
from mesos_dns.api.render import plain, pretty
from mesos_dns.config import Config
from mesos_dns.core.cluster import Cluster

SERVICE = "Mesos-DNS"
VERSION = "v0.9.1"
"""The version of Mesos-DNS whose behaviour is kept."""

URL = "https://github.com/mesosphere/mesos-dns"

Serial = Callable[[], int]


def make_api(cluster: Cluster, config: Config, serial: Serial, metrics: Metrics) -> web.Application:
    """Return the application."""
    app = make_app({web.HTTPException: _error}, not_found=lambda _: plain(404, "404: Page Not Found"))
    app.middlewares.append(_acceptable)

    def get(path: str, view: Callable[[web.Request], Any]) -> None:
        async def handle(request: web.Request) -> web.Response:
            return pretty(view(request))

        app.router.add_get(path, handle, allow_head=False)

    get("/v1/version", lambda _: {"Service": SERVICE, "URL": URL, "Version": VERSION})
    get("/v1/config", lambda _: views.config_view(config, serial()))
    get("/v1/hosts/{host}", lambda request: views.hosts_view(cluster, request.match_info["host"]))
    get("/v1/services/{service}", lambda request: views.services_view(cluster, request.match_info["service"]))
    if config.EnumerationOn:
        get("/v1/enumerate", lambda _: views.enumerate_view(cluster))
        get("/v1/axfr", lambda _: views.axfr_view(cluster, config, serial()))
    app.router.add_get("/v1/hosts/{host}/ports", _ports, allow_head=False)

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(text=metrics.prometheus(), content_type="text/plain")

    app.router.add_get("/metrics", show_metrics)
    return app


async def _ports(_: web.Request) -> web.Response:
    return plain(501, "To be implemented...")  # the original's answer; clients may compare it


@web.middleware
async def _acceptable(request: web.Request, handler: Any) -> web.StreamResponse:
    accepted = [part.partition(";")[0].strip() for part in request.headers.get(hdrs.ACCEPT, "*/*").split(",")]
    if request.path.startswith("/v1/") and not {"*/*", "application/*", "application/json"} & set(accepted):
        raise web.HTTPNotAcceptable
    response: web.StreamResponse = await handler(request)
    return response


def _error(error: web.HTTPException) -> web.Response:
    texts = {405: "405: Method Not Allowed", 406: "406: Not Acceptable", 404: "404: Page Not Found"}
    response = plain(error.status, texts.get(error.status, f"{error.status}: {error.reason}"))
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
