"""Deadlines inside a core. The shell is told only the next one and says when it has come."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Timers(Generic[K]):
    """A heap of (time, key); setting a key again moves it, a key has one deadline at the most."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._at_s: dict[K, float] = {}
        self._order = 0

    def set(self, key: K, at_s: float) -> None:
        """Let ``key`` be due at ``at_s``, instead of any earlier or later time set before."""
        self._at_s[key] = at_s
        self._order += 1
        heapq.heappush(self._heap, (at_s, self._order, key))

    def cancel(self, key: K) -> None:
        """Forget ``key``; one that is not set is no error."""
        self._at_s.pop(key, None)

    def __contains__(self, key: K) -> bool:
        return key in self._at_s

    def due(self, now_s: float) -> list[K]:
        """Take and return the keys whose time has come, the earliest first."""
        found = []
        while self._heap and self._heap[0][0] <= now_s:
            at_s, _, key = heapq.heappop(self._heap)
            if self._at_s.get(key) == at_s:
                del self._at_s[key]
                found.append(key)
        return found

    def next_s(self) -> float | None:
        """Return the next deadline, ``None`` when there is none."""
        while self._heap and self._at_s.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
