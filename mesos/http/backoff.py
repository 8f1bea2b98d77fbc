"""How long to wait before the next try: twice as long each time, with jitter, up to a bound."""

from __future__ import annotations

from mesos.clock import IdSource


class Backoff:
    """Delays in seconds.

    :param first_s: the longest first delay; each is drawn from its upper half.
    """

    def __init__(self, ids: IdSource, *, first_s: float = 0.1, max_s: float = 10.0) -> None:
        self._ids, self._first_s, self._max_s = ids, first_s, max_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Return the next delay."""
        delay_s = self._ids.uniform(self._next_s / 2, self._next_s)
        self._next_s = min(self._max_s, self._next_s * 2)
        return delay_s

    def reset(self) -> None:
        """Begin anew: something worked."""
        self._next_s = self._first_s
