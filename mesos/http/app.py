"""What every program's aiohttp application shares: errors as answers, JSON, JSONP, gzip."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import hdrs, web

from mesos.http.bridge import unreadable
from mesos.http.exchange import GZIP_AT_ONCE_BYTES, GZIP_FROM_BYTES, MAX_BODY_BYTES, TEXT, gzipped, wants_gzip

log = logging.getLogger(__name__)

ErrorTable = Mapping[type[Exception], Callable[[Any], web.Response]]
"""Exception type -> what is answered for it; the nearest base class counts."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CALLBACK = re.compile(r"[A-Za-z_$][\w$.\[\]]*\Z")


def make_app(
    errors: ErrorTable,
    *,
    not_found: Callable[[web.Request], web.Response] | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> web.Application:
    """Return an application whose handlers may raise the exceptions of ``errors``.

    :param not_found: answers unknown paths; by default as libprocess does.
    :param max_body_bytes: longer bodies are refused with 413.
    """
    middlewares = [_packing, _error_answers(errors, not_found or _not_found)]
    return web.Application(middlewares=middlewares, client_max_size=max_body_bytes)


def json_response(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer JSON; ``bytes`` are taken for JSON already."""
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def jsonp(request: web.Request, value: Any) -> web.Response:
    """Answer JSON, or a call of the function that ``?jsonp=`` names. Source: libprocess ``http.hpp``."""
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    callback = request.query.get("jsonp")
    if callback is None or not _CALLBACK.match(callback):
        return json_response(body)
    return web.Response(body=callback.encode() + b"(" + body + b");", content_type="text/javascript")


def text_response(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer plain text, as the Mesos programs answer errors."""
    return web.Response(body=text.encode(), status=status, headers={hdrs.CONTENT_TYPE: TEXT, **(headers or {})})


def _not_found(_: web.Request) -> web.Response:
    return text_response(404, "404 Not Found.")


def _error_answers(errors: ErrorTable, not_found: Callable[[web.Request], web.Response]) -> Any:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound as error:
            return not_found(request) if request.match_info.http_exception is error else _plain(error)
        except web.HTTPException as error:
            table = errors.get(web.HTTPException)
            return table(error) if table else _plain(error)
        except web.RequestPayloadError as error:
            return text_response(*unreadable(error))
        except Exception as error:
            for kind in type(error).__mro__:
                if kind in errors:
                    return errors[kind](error)
            log.exception("request failed", extra={"method": request.method, "path": request.path})
            table = errors.get(Exception)
            return table(error) if table else text_response(500, f"500 Internal Server Error.\n{error}")

    return answer


def _plain(error: web.HTTPException) -> web.Response:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(f"'{method}'" for method in sorted(error.allowed_methods))
        text = f"405 Method Not Allowed. Expecting one of {{ {allowed} }}, but received '{error.method}'"
        return text_response(405, text, {"Allow": error.headers["Allow"]})
    kept = {name: error.headers[name] for name in ("Location", "WWW-Authenticate") if name in error.headers}
    return text_response(error.status, f"{error.status} {error.reason}." if error.status >= 400 else "", kept)


@web.middleware
async def _packing(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return response
    body = response.body
    wants = wants_gzip(request.headers.get(hdrs.ACCEPT_ENCODING))
    if wants and len(body) >= GZIP_FROM_BYTES and hdrs.CONTENT_ENCODING not in response.headers:
        long = len(body) > GZIP_AT_ONCE_BYTES
        response.body = await asyncio.to_thread(gzipped, body) if long else gzipped(body)
        response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    return response
