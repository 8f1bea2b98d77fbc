"""Server-sent events: frames for marathon's bus, and a parser for those who follow it."""

from __future__ import annotations

import re

import msgspec

CRLF = b"\r\n"

HEARTBEAT = CRLF
"""What keeps an idle stream alive. Source: Jetty's EventSourceServlet, which marathon's bus is."""

_LINE = re.compile(rb"\r\n|\n|\r(?!\Z)")


class SseEvent(msgspec.Struct, frozen=True):
    """One event as it was sent."""

    event: str
    data: str
    id: str | None = None


def frame(event: str, data: bytes, event_id: str | None = None) -> bytes:
    """Return one event; ``data`` must be one line."""
    lines = [b"event: " + event.encode(), b"data: " + data]
    if event_id is not None:
        lines.append(b"id: " + event_id.encode())
    return CRLF.join(lines) + CRLF + CRLF


class SseDecoder:
    """Takes bytes as they come and gives whole events; comments and empty events are skipped.

    Source: WHATWG HTML 9.2.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._event = ""
        self._id: str | None = None
        self._data: list[str] = []

    def feed(self, data: bytes) -> list[SseEvent]:
        """Add ``data`` and return the events that are now complete, in order."""
        *lines, self._buffer = _LINE.split(self._buffer + data)
        events = []
        for line in lines:
            if line:
                self._field(line.decode(errors="replace"))
            else:
                if self._data:
                    events.append(SseEvent(self._event or "message", "\n".join(self._data), self._id))
                self._event, self._data = "", []
        return events

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._event = value
            case "data":
                self._data.append(value)
            case "id":
                self._id = value
