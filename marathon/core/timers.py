"""Times at which the core wants to look again, kept in one heap.

A timer is a name and a time. Arming a name again replaces its time; the old entry in the heap is recognised as stale
when it comes up.
"""

from __future__ import annotations

import heapq

Name = tuple[str, str]
"""What is due: a kind (``backoff``, ``kill``, ``probe`` ...) and whom it concerns."""


class Timers:
    """A heap of names by time."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, Name]] = []
        self._due: dict[Name, float] = {}

    def arm(self, name: Name, at_s: float) -> None:
        """Let ``name`` be due at ``at_s`` and at no other time."""
        if self._due.get(name) != at_s:
            self._due[name] = at_s
            heapq.heappush(self._heap, (at_s, name))

    def arm_earlier(self, name: Name, at_s: float) -> None:
        """Let ``name`` be due at ``at_s`` unless it is due before that anyway."""
        known = self._due.get(name)
        if known is None or at_s < known:
            self.arm(name, at_s)

    def disarm(self, name: Name) -> None:
        """Forget ``name``; one that is not armed is no error."""
        self._due.pop(name, None)

    def is_armed(self, name: Name) -> bool:
        """Tell whether ``name`` is due some time."""
        return name in self._due

    def pop_due(self, now_s: float) -> list[Name]:
        """Take every name that is due at ``now_s``, in the order of their times."""
        due: list[Name] = []
        while self._heap and self._heap[0][0] <= now_s:
            at_s, name = heapq.heappop(self._heap)
            if self._due.get(name) == at_s:
                del self._due[name]
                due.append(name)
        return due

    def next_s(self) -> float | None:
        """Return the earliest time at which anything is due."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
