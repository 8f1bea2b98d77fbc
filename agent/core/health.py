"""Health checks: when to ask, and what an answer means. Source: Mesos ``checks/health_checker.cpp``.

A task's checker is a value; :func:`answered` gives the next one and what to do. Failures during the grace period count
only after the first success. Only the first success after the start or a failure is told; every failure is.
"""

from __future__ import annotations

import msgspec

from mesos.types.tasks import HealthCheck, HealthCheckType


class Checker(msgspec.Struct, frozen=True, kw_only=True):
    """Where a task's health check stands. Times in seconds since the epoch.

    ``healthy`` is ``None`` until something was told.
    """

    check: HealthCheck
    started_s: float
    failures: int = 0
    healthy: bool | None = None


class Verdict(msgspec.Struct, frozen=True):
    """What follows from one answer."""

    checker: Checker
    tell: bool | None = None
    kill: bool = False


def begin(check: HealthCheck, now_s: float) -> Checker:
    """Return the checker of a task that has just started; its first check is due after ``delay_seconds``."""
    return Checker(check=check, started_s=now_s)


def answered(checker: Checker, passed: bool, now_s: float) -> Verdict:
    """Fold one answer."""
    if passed:
        tell = True if checker.healthy is not True else None
        return Verdict(msgspec.structs.replace(checker, failures=0, healthy=True), tell)
    in_grace = now_s < checker.started_s + checker.check.grace_period_seconds
    if in_grace and checker.healthy is None:
        return Verdict(checker)
    failures = checker.failures + 1
    after = msgspec.structs.replace(checker, failures=failures, healthy=False)
    return Verdict(after, False, kill=failures >= checker.check.consecutive_failures)


def kind_of(check: HealthCheck) -> HealthCheckType | None:
    """Return how to ask; a check without type is what its members say."""
    if check.type is not None:
        return check.type
    if check.http is not None:
        return HealthCheckType.HTTP
    return HealthCheckType.COMMAND if check.command is not None else None
