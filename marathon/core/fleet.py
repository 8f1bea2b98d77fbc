"""The instances of one app, sorted by what they are worth, with the counts that answers and deployments need.

An instance moves between classes when it changes, so that nothing ever has to look through all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import msgspec

from marathon.core.matcher.placement import Placement
from marathon.core.model.instance import Condition, Goal, Instance


class Worth(Enum):
    """What an instance is worth to its app."""

    WAITING = "waiting"
    """Wanted, but without a task."""
    STAGED = "staged"
    """Its task is on its way."""
    UNSURE = "unsure"
    """It runs, and nobody knows yet whether it is healthy and ready."""
    GOOD = "good"
    """It runs, is healthy as far as anybody checks, and ready."""
    BAD = "bad"
    """It failed a check, is being restarted, or its agent cannot be reached."""
    LOST = "lost"
    """Unreachable for so long that it was replaced."""
    LEAVING = "leaving"
    """Told to end, and has not ended yet."""


HOLDING = (Worth.STAGED, Worth.UNSURE, Worth.GOOD, Worth.BAD)
"""Wanted, and holding resources."""


class Tally(msgspec.Struct, frozen=True):
    """What one instance adds to its app's counts. Source: Marathon ``TaskCounts``."""

    staged: int = 0
    running: int = 0
    healthy: int = 0
    unhealthy: int = 0


_NOTHING = Tally()


class Standing(msgspec.Struct, frozen=True):
    """What is known of an instance besides its row: ``healthy`` by all checks, ``None`` when not known."""

    has_checks: bool = False
    healthy: bool | None = None
    failing: bool = False
    ready: bool = True


def worth_of(instance: Instance, standing: Standing) -> Worth:
    """Say what an instance is worth."""
    condition = instance.condition
    if instance.goal is not Goal.RUNNING:
        return Worth.LEAVING
    if condition is Condition.SCHEDULED or condition.is_terminal:
        return Worth.WAITING
    if condition in (Condition.PROVISIONED, Condition.STAGING, Condition.STARTING):
        return Worth.STAGED
    if condition is Condition.UNREACHABLE_INACTIVE:
        return Worth.LOST
    if condition is not Condition.RUNNING or standing.failing:
        return Worth.BAD
    if standing.has_checks and standing.healthy is None:
        return Worth.UNSURE
    return Worth.GOOD if standing.ready else Worth.UNSURE


def tally_of(instance: Instance, standing: Standing) -> Tally:
    """Say what an instance adds to the counts of its app."""
    task = instance.task
    if task is None or instance.condition is Condition.SCHEDULED or instance.condition.is_terminal:
        return _NOTHING
    if task.state is None or task.state == "TASK_STAGING":
        return Tally(staged=1)
    if task.state != "TASK_RUNNING":
        return _NOTHING
    healthy = standing.has_checks and standing.healthy is True
    return Tally(running=1, healthy=int(healthy), unhealthy=int(standing.failing))


class Fleet:
    """All instances of one app."""

    def __init__(self, app_id: str) -> None:
        self.app_id = app_id
        self.ids: dict[str, None] = {}
        self.staged = self.running = self.healthy = self.unhealthy = 0
        self.placement: Placement | None = None
        self._worth: dict[str, tuple[str, Worth]] = {}
        self._tally: dict[str, Tally] = {}
        self._classes: dict[str, dict[Worth, dict[str, None]]] = {}

    def put(self, instance: Instance, standing: Standing) -> Worth | None:
        """Sort an instance in, anew when it was there. Return what it was worth before."""
        before = self._worth.get(instance.id)
        after = (instance.version, worth_of(instance, standing))
        self.ids[instance.id] = None
        if before != after:
            self._leave(instance.id)
            self._worth[instance.id] = after
            self._classes.setdefault(after[0], {}).setdefault(after[1], {})[instance.id] = None
        self._count(instance.id, tally_of(instance, standing))
        return before[1] if before else None

    def remove(self, instance_id: str) -> None:
        """Forget an instance; one that is not there is no error."""
        self.ids.pop(instance_id, None)
        self._leave(instance_id)
        self._worth.pop(instance_id, None)
        self._count(instance_id, _NOTHING)
        self._tally.pop(instance_id, None)
        if self.placement is not None:
            self.placement.remove(instance_id)

    def worth(self, instance_id: str) -> Worth | None:
        """Return what an instance is worth, ``None`` when it is not here."""
        known = self._worth.get(instance_id)
        return known[1] if known else None

    def count(self, *kinds: Worth, config: str = "", before: str | None = None) -> int:
        """Return how many instances of ``kinds`` have a version from ``config`` on, and below ``before``."""
        return sum(
            len(classes.get(kind, ()))
            for version, classes in self._classes.items()
            if version >= config and (before is None or version < before)
            for kind in kinds
        )

    def members(self, *kinds: Worth, config: str = "", before: str | None = None) -> Iterator[str]:
        """Give the ids that :meth:`count` counts, by kind in the order of ``kinds``."""
        for kind in kinds:
            for version, classes in self._classes.items():
                if version >= config and (before is None or version < before):
                    yield from classes.get(kind, ())

    def staged_ids(self) -> Iterator[str]:
        """Give the instances whose task is on its way."""
        return self.members(Worth.STAGED)

    def has_version(self, version: str) -> bool:
        """Tell whether any instance has ``version``."""
        return version in self._classes

    def _leave(self, instance_id: str) -> None:
        known = self._worth.get(instance_id)
        if known is not None:
            version, worth = known
            classes = self._classes[version]
            classes[worth].pop(instance_id, None)
            if not classes[worth]:
                del classes[worth]
            if not classes:
                del self._classes[version]

    def _count(self, instance_id: str, after: Tally) -> None:
        before = self._tally.get(instance_id, _NOTHING)
        if before is after:
            return
        self._tally[instance_id] = after
        self.staged += after.staged - before.staged
        self.running += after.running - before.running
        self.healthy += after.healthy - before.healthy
        self.unhealthy += after.unhealthy - before.unhealthy
