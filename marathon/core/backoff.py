"""How long an app that keeps failing has to wait before its next launch.

Keyed by app id and configuration: scaling keeps a delay, a changed configuration starts without one. The delay grows
by the app's factor up to its limit and is forgotten when there was neither a failure nor a launch for as long as that
limit. Source: Marathon ``RateLimiter``. Unlike there, a launch that goes well does not hold up those that wait.
"""

from __future__ import annotations

import msgspec


class Delay(msgspec.Struct, frozen=True):
    """``delay_s`` counts from ``failed_s``; ``seen_s`` is the last failure or sign of life."""

    config: str
    delay_s: float
    failed_s: float
    seen_s: float
    limit_s: float

    @property
    def until_s(self) -> float:
        """The time of the next launch."""
        return self.failed_s + self.delay_s

    def is_over(self, now_s: float) -> bool:
        """Tell whether it no longer counts, not even for the next failure."""
        return now_s > max(self.until_s, self.seen_s + self.limit_s)


class Policy(msgspec.Struct, frozen=True):
    """An app's own numbers: the first delay, what each further failure multiplies it with, and its limit."""

    first_s: float = 1.0
    factor: float = 1.15
    limit_s: float = 300.0


class Backoff:
    """The delays of all apps that have one."""

    def __init__(self) -> None:
        self._delays: dict[str, Delay] = {}

    def until_s(self, app_id: str, config: str, now_s: float) -> float:
        """Return when the app may be launched next; ``now_s`` when it may be at once."""
        delay = self._get(app_id, config, now_s)
        return now_s if delay is None else max(now_s, delay.until_s)

    def failed(self, app_id: str, config: str, policy: Policy, now_s: float) -> float:
        """Note a failure and return when the next launch may be."""
        known = self._get(app_id, config, now_s)
        longer_s = policy.first_s if known is None else known.delay_s * policy.factor
        delay = Delay(config, min(longer_s, policy.limit_s), now_s, now_s, policy.limit_s)
        self._delays[app_id] = delay
        return delay.until_s

    def alive(self, app_id: str, config: str, now_s: float) -> None:
        """Note a sign of life: what failed before is remembered for longer."""
        known = self._get(app_id, config, now_s)
        if known is not None:
            self._delays[app_id] = msgspec.structs.replace(known, seen_s=now_s)

    def reset(self, app_id: str) -> bool:
        """Forget the app's delay. Return whether there was one."""
        return self._delays.pop(app_id, None) is not None

    def forget_old(self, now_s: float) -> None:
        """Drop the delays that no longer count."""
        for app_id in [key for key, each in self._delays.items() if each.is_over(now_s)]:
            del self._delays[app_id]

    def _get(self, app_id: str, config: str, now_s: float) -> Delay | None:
        known = self._delays.get(app_id)
        if known is None:
            return None
        if known.config != config or known.is_over(now_s):
            del self._delays[app_id]
            return None
        return known
