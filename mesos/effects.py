"""What a core may ask of its shell.

A core's ``step(event, now_s)`` returns effects; it never acts itself. The loop knows the kinds below; every other
subclass of :class:`Effect` belongs to one program and is handed to that program's ``perform``.

Order is a promise: effects leave in the order in which the steps returned them, and no effect leaves before all
:class:`Persist` writes of its batch (and of earlier batches) are durable.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Effect(msgspec.Struct, frozen=True):
    """Something to be done outside the core. Subclasses say what."""


class Put(msgspec.Struct, frozen=True, tag=True):
    """Write one value under a slash-separated key."""

    key: str
    value: bytes


class Delete(msgspec.Struct, frozen=True, tag=True):
    """Remove one key; a key that is not there is no error."""

    key: str


Write = Put | Delete
"""One change of a store."""


class Persist(Effect, frozen=True):
    """Make ``writes`` durable, all or none, before anything after this leaves."""

    writes: tuple[Write, ...]


class Reply(Effect, frozen=True):
    """Answer the asker ``ask_id``: with ``error`` raised when there is one, else with ``value``."""

    ask_id: int
    value: Any = None
    error: Exception | None = None


class Note(Effect, frozen=True):
    """Write a log line: a constant ``event`` and its fields. Cores do not log, so tests can compare."""

    level: str
    event: str
    fields: dict[str, Any] = {}
    logger: str = ""
