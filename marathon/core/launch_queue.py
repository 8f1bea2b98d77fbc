"""What waits to be launched, by role, and what became of the offers that it saw.

An app is in the queue while instances of it wait. Whether it may be launched now is a matter of its back-off. Nothing
here is stored: the instances themselves are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import msgspec

from marathon.core.matcher.reasons import Funnel, FunnelStep, RejectReason
from mesos.types.offers import Offer

LAST_OFFERS_MAX = 1000
"""Agents whose last refused offer is remembered for each app; the oldest is forgotten first."""


class RefusedOffer(msgspec.Struct, frozen=True):
    """The last offer of an agent that an app could not use."""

    offer: Offer
    reasons: tuple[RejectReason, ...]
    at_s: float


class OfferSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What ``processedOffersSummary`` shows."""

    processed: int
    unused: int
    last_unused_s: float | None
    last_used_s: float | None
    last_offers: tuple[FunnelStep, ...]
    launch_attempt: tuple[FunnelStep, ...]


class Entry:
    """One app's waiting instances, first in first out, and the offers since it began to wait."""

    def __init__(self, app_id: str, role: str, since_s: float) -> None:
        self.app_id, self.role, self.since_s = app_id, role, since_s
        self.waiting: dict[str, None] = {}
        self.refused: dict[str, RefusedOffer] = {}
        self.last_unused_s: float | None = None
        self.last_used_s: float | None = None
        self._attempt = Funnel()
        self._processed = self._unused = 0

    def saw_use(self, now_s: float) -> None:
        """Count an offer that an instance was placed on."""
        self._processed += 1
        self.last_used_s = now_s
        self._attempt.used()

    def saw_refusal(self, offer: Offer, reasons: tuple[RejectReason, ...], now_s: float) -> None:
        """Count an offer that no instance could use."""
        self._processed += 1
        self._unused += 1
        self.last_unused_s = now_s
        self._attempt.refused(reasons)
        self.refused.pop(offer.agent_id.value, None)
        self.refused[offer.agent_id.value] = RefusedOffer(offer, reasons, now_s)
        if len(self.refused) > LAST_OFFERS_MAX:
            del self.refused[next(iter(self.refused))]

    def summary(self) -> OfferSummary:
        """Return the counts."""
        last = Funnel()
        for each in self.refused.values():
            last.refused(each.reasons)
        return OfferSummary(
            processed=self._processed,
            unused=self._unused,
            last_unused_s=self.last_unused_s,
            last_used_s=self.last_used_s,
            last_offers=last.steps(),
            launch_attempt=self._attempt.steps(),
        )


class LaunchQueue:
    """Entries by app, and by role in a turning order so that no app starves."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._by_role: dict[str, deque[str]] = {}

    def add(self, app_id: str, role: str, instance_id: str, now_s: float) -> None:
        """Let an instance wait."""
        entry = self.entries.get(app_id)
        if entry is None or entry.role != role:
            self.drop(app_id)
            waiting = entry.waiting if entry else {}
            entry = self.entries[app_id] = Entry(app_id, role, now_s)
            entry.waiting.update(waiting)
            self._by_role.setdefault(role, deque()).append(app_id)
        entry.waiting[instance_id] = None

    def remove(self, app_id: str, instance_id: str) -> None:
        """Let an instance wait no longer; one that does not wait is no error."""
        entry = self.entries.get(app_id)
        if entry is not None:
            entry.waiting.pop(instance_id, None)
            if not entry.waiting:
                self.drop(app_id)

    def drop(self, app_id: str) -> None:
        """Forget an app's entry."""
        entry = self.entries.pop(app_id, None)
        if entry is not None:
            turn = self._by_role[entry.role]
            turn.remove(app_id)
            if not turn:
                del self._by_role[entry.role]

    def turn(self, role: str) -> Iterator[Entry]:
        """Give the role's entries, beginning with another one each time."""
        turn = self._by_role.get(role)
        if turn is None:
            return iter(())
        turn.rotate(-1)
        return iter([self.entries[app_id] for app_id in turn])

    def of(self, role: str) -> Iterator[Entry]:
        """Give the role's entries in no particular order."""
        return (self.entries[app_id] for app_id in self._by_role.get(role, ()))

    def roles(self) -> tuple[str, ...]:
        """Return the roles that something waits for."""
        return tuple(self._by_role)
