"""Numbers that a program keeps about itself, by upstream's names.

Counters are added to, gauges are asked when somebody looks, timers keep their last values for percentiles. Names have
slashes, as ``/metrics/snapshot`` shows them; Prometheus gets the same with underscores.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator

_UNFIT = re.compile(r"[^a-zA-Z0-9_:]")

PERCENTILES = (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999))
TIMER_WINDOW = 1000
"""How many last values of a timer its percentiles are made of."""


class Counter:
    """A number that only grows. Add to ``value`` directly where it is hot."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, amount: int = 1) -> None:
        """Count ``amount`` more."""
        self.value += amount


class Timer:
    """Durations, in milliseconds."""

    __slots__ = ("_values", "count")

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=TIMER_WINDOW)
        self.count = 0

    def record(self, milliseconds: float) -> None:
        """Note one duration."""
        self._values.append(milliseconds)
        self.count += 1

    def items(self) -> Iterator[tuple[str, float]]:
        """Give (suffix, value): the last value, count, minimum, maximum and percentiles."""
        if not self._values:
            return
        ordered = sorted(self._values)
        yield "", self._values[-1]
        yield "/count", self.count
        yield "/min", ordered[0]
        yield "/max", ordered[-1]
        for name, share in PERCENTILES:
            yield f"/{name}", ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Metrics:
    """All numbers of one program."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._timers: dict[str, Timer] = {}
        self._gauges: dict[str, Callable[[], float]] = {}

    def counter(self, name: str) -> Counter:
        """Return the counter of that name, made at the first call."""
        return self._counters.setdefault(name, Counter())

    def timer(self, name: str) -> Timer:
        """Return the timer of that name, made at the first call."""
        return self._timers.setdefault(name, Timer())

    def gauge(self, name: str, ask: Callable[[], float]) -> None:
        """Have ``ask`` called whenever somebody looks at ``name``."""
        self._gauges[name] = ask

    def snapshot(self) -> dict[str, float]:
        """Return everything, sorted by name."""
        values: dict[str, float] = {name: float(each.value) for name, each in self._counters.items()}
        values.update((name, float(ask())) for name, ask in self._gauges.items())
        for name, timer in self._timers.items():
            values.update((name + suffix, float(value)) for suffix, value in timer.items())
        return dict(sorted(values.items()))

    def prometheus(self) -> str:
        """Return everything in Prometheus' text format."""
        lines = []
        for name, value in self.snapshot().items():
            fit = _UNFIT.sub("_", name)
            lines += [f"# TYPE {fit} {'counter' if name in self._counters else 'gauge'}", f"{fit} {value!r}"]
        return "\n".join(lines) + "\n"
