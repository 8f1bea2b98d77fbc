"""What requests say besides their bodies: ids in paths, flags in queries, media types in headers."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from marathon.core.paths import absolute
from marathon.schema.body import parse


def path_id(request: web.Request, name: str = "id") -> str:
    """Return an id from the path; slashes at its ends, and double ones, do not matter."""
    return absolute("/" + request.match_info.get(name, ""))


def flag(request: web.Request, name: str, default: bool = False) -> bool:
    """Return a query's yes or no; clients write ``true`` and ``True``, and anything else means no."""
    text = request.query.get(name)
    return default if text is None else text.lower() == "true"


def embeds(request: web.Request) -> list[str]:
    """Return what the query wants embedded; it may be repeated."""
    return list(request.query.getall("embed", []))


async def json_body(request: web.Request) -> Any:
    """Return the body's value.

    :raises NotJson: when it is none.
    :raises web.HTTPUnsupportedMediaType: when it says that it is something else.
    """
    kind = request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
    if kind and not kind.endswith(("/json", "+json")):
        raise web.HTTPUnsupportedMediaType
    return parse(await request.read())


def accepts(request: web.Request, kind: str) -> bool:
    """Tell whether an answer of this media type is welcome; who does not say takes everything."""
    header = request.headers.get("Accept", "*/*").strip() or "*/*"
    family = kind.partition("/")[0]
    ranges = (each.partition(";")[0].strip().lower() for each in header.split(","))
    return any(each in (kind, f"{family}/*", "*/*", "*") for each in ranges)
