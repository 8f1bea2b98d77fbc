"""Answers: JSON, the headers that all of them carry, and what is answered for each error.

Source: Marathon ``RestResource``, ``MarathonExceptionMapper``, ``CacheDisablingFilter``, ``LeaderProxyFilter``.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from marathon.api.service import SERVICE, NotLeading
from marathon.core.events import Deployed
from marathon.errors import (
    BadArgument,
    BadRequest,
    Conflict,
    Invalid,
    Locked,
    MarathonError,
    NotFound,
    NotJson,
    PortsExhausted,
    TooManyDeployments,
)
from mesos.http.app import ErrorTable, json_response
from mesos.loop import LoopFailed

DEPLOYMENT_HEADER = "Marathon-Deployment-Id"

_CACHE = {
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Expires": "0",
}
_LEADER = {"X-Frame-Options": "DENY", "X-XSS-Protection": "1; mode=block"}


def deployed(answer: Deployed, *, status: int = 200, location: str | None = None) -> web.Response:
    """Answer with the deployment that a change has begun."""
    headers = {DEPLOYMENT_HEADER: answer.deployment_id}
    if location is not None:
        headers["Location"] = location
    body = {"version": answer.version, "deploymentId": answer.deployment_id}
    return json_response(body, status=status, headers=headers)


def message(status: int, text: str) -> web.Response:
    """Answer an error with one text."""
    return json_response({"message": text}, status=status)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put on what every answer carries. What a leader has answered through us keeps its own."""
    response.headers.update(_CACHE)
    response.headers.pop("Server", None)
    node = request.app[SERVICE].node
    if node.term is not None:
        response.headers["X-Marathon-Leader"] = f"http://{node.host_port}"
        response.headers.update(_LEADER)


def not_found(_: web.Request) -> web.Response:
    """Answer an unknown path."""
    return message(404, "URI not found")


def _invalid(error: Invalid) -> web.Response:
    texts: dict[str, list[str]] = {}
    for each in error.violations:
        texts.setdefault(each.path, []).append(each.text)
    details = [{"path": path, "errors": list(dict.fromkeys(found))} for path, found in texts.items()]
    return json_response({"message": error.message, "details": details}, status=422)


def _not_json(error: NotJson) -> web.Response:
    return json_response({"message": error.message, "details": error.details}, status=400)


def _locked(error: Locked) -> web.Response:
    body: dict[str, Any] = {"message": str(error), "deployments": [{"id": each} for each in error.deployment_ids]}
    return json_response(body, status=409)


def _http(error: web.HTTPException) -> web.Response:
    if error.status < 400:
        return web.Response(status=error.status, headers=error.headers)
    answer = message(error.status, HTTPStatus(error.status).phrase)
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer


def _text(status: int) -> Callable[[Exception], web.Response]:
    return lambda error: message(status, str(error))


ERRORS: ErrorTable = {
    Invalid: _invalid,
    NotJson: _not_json,
    Locked: _locked,
    BadRequest: _text(400),
    BadArgument: _text(422),
    NotFound: _text(404),
    Conflict: _text(409),
    TooManyDeployments: _text(403),
    PortsExhausted: _text(500),
    NotLeading: _text(503),
    LoopFailed: _text(503),
    MarathonError: _text(500),
    web.HTTPException: _http,
    Exception: _text(500),
}
"""What is answered for each kind of error; the nearest base class counts."""
