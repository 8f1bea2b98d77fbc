"""Why an offer was not used, in the order in which refusals are counted. Source: Marathon ``NoOfferMatchReason``."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class RejectReason(StrEnum):
    """One reason. The order of the members is the order of the funnel."""

    UNFULFILLED_ROLE = "UnfulfilledRole"
    UNFULFILLED_CONSTRAINT = "UnfulfilledConstraint"
    NO_RESERVATION = "NoCorrespondingReservationFound"
    AGENT_MAINTENANCE = "AgentMaintenance"
    INSUFFICIENT_CPUS = "InsufficientCpus"
    INSUFFICIENT_MEMORY = "InsufficientMemory"
    INSUFFICIENT_DISK = "InsufficientDisk"
    INSUFFICIENT_GPUS = "InsufficientGpus"
    INSUFFICIENT_PORTS = "InsufficientPorts"
    DECLINED_SCARCE = "DeclinedScarceResources"


FUNNEL = tuple(RejectReason)
"""All reasons, first to count first."""

_RANK = {reason: rank for rank, reason in enumerate(FUNNEL)}


def in_order(reasons: Iterable[RejectReason]) -> tuple[RejectReason, ...]:
    """Return ``reasons`` as the funnel orders them."""
    return tuple(sorted(reasons, key=_RANK.__getitem__))


class FunnelStep(msgspec.Struct, frozen=True):
    """``declined`` of ``processed`` offers were refused for ``reason``; the rest went on to the next step."""

    reason: str
    declined: int
    processed: int


class Funnel:
    """Counts refusals, each offer under its first reason only."""

    def __init__(self) -> None:
        self._processed = 0
        self._declined: dict[RejectReason, int] = {}

    def used(self) -> None:
        """Count an offer that got through."""
        self._processed += 1

    def refused(self, reasons: tuple[RejectReason, ...]) -> None:
        """Count an offer that was refused for ``reasons``, which are in funnel order."""
        self._processed += 1
        first = reasons[0]
        self._declined[first] = self._declined.get(first, 0) + 1

    def steps(self) -> tuple[FunnelStep, ...]:
        """Return every step, first reason first."""
        left = self._processed
        steps = []
        for reason in FUNNEL:
            declined = self._declined.get(reason, 0)
            steps.append(FunnelStep(reason.value, declined, left))
            left -= declined
        return tuple(steps)
