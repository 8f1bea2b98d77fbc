"""Times as Marathon writes them: UTC with exactly three decimals. Versions of apps and groups are such texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def timestamp(at_s: float) -> str:
    """Write seconds since the epoch as ``2026-11-23T08:30:00.000Z``; texts order as times do."""
    at = _EPOCH + timedelta(milliseconds=int(at_s * 1000 + 0.5))
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def next_version(now_s: float, last: str) -> str:
    """Return the version of a change made now: later than ``last``, even within one millisecond."""
    now = timestamp(now_s)
    return now if now > last else timestamp(seconds(last) + 0.001)


def seconds(text: str) -> float:
    """Read a time that :func:`timestamp` wrote. :raises ValueError: when it is none."""
    return (datetime.fromisoformat(text.replace("Z", "+00:00")) - _EPOCH).total_seconds()
