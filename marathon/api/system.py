"""``/ping``, ``/metrics`` and ``/``. Source: Marathon ``SystemResource``."""

from __future__ import annotations

from aiohttp import web

from marathon.api.params import accepts
from marathon.api.service import Service, service_of
from marathon.core.model.instance import Condition
from mesos.http.app import json_response
from mesos.metrics import Metrics

routes = web.RouteTableDef()


@routes.get("/")
async def front(_: web.Request) -> web.Response:
    """Lead browsers to the user interface."""
    raise web.HTTPFound("/ui/")


@routes.get("/ping")
async def ping(request: web.Request) -> web.Response:
    """Say that we live, in the form that is asked for."""
    header = request.headers.get("Accept", "")
    if not header or accepts(request, "text/plain"):
        return web.Response(text="pong", content_type="text/plain")
    if accepts(request, "text/html"):
        return web.Response(text="pong", content_type="text/html")
    if accepts(request, "application/json"):
        return json_response("pong")
    return web.Response(status=204)


@routes.get("/metrics")
async def show_metrics(request: web.Request) -> web.Response:
    """Show all numbers in the shape of Dropwizard's reporter."""
    numbers = metrics_of(service_of(request)).snapshot()
    return json_response(
        {
            "version": "4.0.0",
            "gauges": {name: {"value": value} for name, value in numbers.items()},
            "counters": {},
            "histograms": {},
            "meters": {},
            "timers": {},
        }
    )


@routes.get("/metrics/prometheus")
async def show_prometheus(request: web.Request) -> web.Response:
    """Show all numbers as Prometheus reads them."""
    text = metrics_of(service_of(request)).prometheus().replace("_gauge", "")
    return web.Response(text=text, content_type="text/plain")


def metrics_of(service: Service) -> Metrics:
    """Return the gauges of what the leader knows now. Names are Marathon's."""
    metrics, state = Metrics(), service.state
    fleets = state.fleets
    waiting = sum(len(each.waiting) for each in state.queue.entries.values())
    unreachable = sum(each.condition is Condition.UNREACHABLE for each in state.instances.values())
    for name, value in (
        ("marathon.apps.active.gauge", len(state.current)),
        ("marathon.deployments.active.gauge", len(state.deployments)),
        ("marathon.groups.active.gauge", sum(1 for _ in state.root.all_groups())),
        ("marathon.instances.running.gauge", sum(each.running for each in fleets.values())),
        ("marathon.instances.staged.gauge", sum(each.staged for each in fleets.values())),
        ("marathon.instances.unreachable.gauge", unreachable),
        ("marathon.instances.waiting.gauge", waiting),
        ("marathon.pods.active.gauge", 0),
    ):
        metrics.gauge(name, float(value).__float__)
    return metrics
