"""The event bus: each event is written once and handed to everybody who listens.

A listener is a function that must not block; what it cannot take it drops, or ends its stream. Events carry their type
and the time at which the core decided on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from marathon.core.timestamps import timestamp

Listener = Callable[[str, bytes], None]
"""``listener(event_type, json)``."""

_encoder = msgspec.json.Encoder()


class EventBus:
    """Knows the listeners, in the order in which they came."""

    def __init__(self) -> None:
        self._listeners: dict[int, Listener] = {}
        self._next = 0

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Let ``listener`` hear of every event from now on. Return what ends that."""
        self._next += 1
        key = self._next
        self._listeners[key] = listener

        def end() -> None:
            self._listeners.pop(key, None)

        return end

    def publish(self, kind: str, fields: dict[str, Any], at_s: float) -> None:
        """Tell everybody. Fields without a value are left out, as Marathon leaves them out."""
        if not self._listeners:
            return
        data = encode_event(kind, fields, at_s)
        for listener in tuple(self._listeners.values()):
            listener(kind, data)


def encode_event(kind: str, fields: dict[str, Any], at_s: float) -> bytes:
    """Return an event as it travels: one line of JSON."""
    shown = {name: value for name, value in fields.items() if value is not None}
    return _encoder.encode({**shown, "eventType": kind, "timestamp": timestamp(at_s)})
