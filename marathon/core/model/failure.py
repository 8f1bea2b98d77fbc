"""The stored row of an app's last failure."""

from __future__ import annotations

import msgspec


class TaskFailure(msgspec.Struct, frozen=True, kw_only=True):
    """How a task of ``app_id`` ended; ``at_s`` is in seconds since the epoch."""

    app_id: str
    task_id: str
    state: str
    message: str
    host: str
    agent_id: str | None
    version: str
    at_s: float
