"""Tasks that are to end. See :mod:`marathon.core.kills` for what is done about them."""

from __future__ import annotations

import msgspec


class KillRequest(msgspec.Struct, frozen=True):
    """A task that is to end."""

    task_id: str
    agent_id: str | None
    grace_s: float | None = None


class Kills:
    """Tasks whose kill was sent, and those that wait for their turn."""

    def __init__(self) -> None:
        self.in_flight: dict[str, KillRequest] = {}
        self.waiting: dict[str, KillRequest] = {}
