"""JSON as the original writes it: indented by one space, all lines but the first by one more."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


def pretty(value: Any) -> web.Response:
    """Answer JSON."""
    text = json.dumps(value, indent=1, ensure_ascii=False).replace("\n", "\n ")
    return web.Response(body=text.encode(), content_type="application/json")


def plain(status: int, text: str) -> web.Response:
    """Answer a line of text."""
    return web.Response(status=status, text=text)
