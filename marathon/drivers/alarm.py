"""Wakes the core when it wants to be woken: one timer of the event loop for all of its times."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mesos.clock import Clock


class Alarm:
    """Calls ``ring`` once at the time that was set last."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock, self._ring = clock, ring
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at_s: float) -> None:
        """Ring at ``at_s`` (seconds since the epoch), and not at the time set before."""
        self.cancel()
        delay_s = max(0.0, at_s - self._clock.now_s())
        self._handle = asyncio.get_running_loop().call_later(delay_s, self._ring)

    def cancel(self) -> None:
        """Do not ring."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
