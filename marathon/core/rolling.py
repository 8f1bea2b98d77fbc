"""The arithmetic of a rolling upgrade: how many old instances may go now, how many new ones may come.

It is asked anew whenever an instance of the app changes, and answers from the counts alone. So it needs no memory of
what it said before, and a half-done upgrade goes on after a restart as if nothing had happened. Source of the
numbers: Marathon ``TaskReplaceActor``, ``ignitionStrategy``.
"""

from __future__ import annotations

from math import ceil, floor

import msgspec

from marathon.core.run_spec import Upgrade

_ROUNDING = 1e-9
"""Keeps 10 * 0.7 from becoming 7.000000000000001 and then 8."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Instances of one app at one moment.

    ``old`` and ``new`` are those that hold resources and are wanted until told otherwise; ``leaving`` are those that
    were told to end and have not. ``old_good`` and ``new_good`` are running and healthy, the new ones also ready.
    ``old_bad`` are known not to be (failed a check, not running): nothing is lost with them.
    """

    wanted: int
    old: int
    old_good: int
    old_bad: int
    new: int
    new_good: int
    leaving: int = 0


class Moves(msgspec.Struct, frozen=True):
    """Stop ``kill`` old instances, those that are no good first, and launch ``launch`` new ones."""

    kill: int
    launch: int
    done: bool = False


def limits(upgrade: Upgrade, wanted: int) -> tuple[int, int]:
    """Return how many instances must stay healthy, and how many may exist at once (before the odd one)."""
    return (
        ceil(wanted * upgrade.minimum_health - _ROUNDING),
        floor(wanted * (1 + upgrade.maximum_over) + _ROUNDING),
    )


def plan_moves(counts: Counts, upgrade: Upgrade, *, resident: bool = False) -> Moves:
    """Say what may be done now.

    Never fewer healthy instances than the minimum, never more than the maximum; one more than that where the two are
    equal and all are healthy, as nothing could move otherwise (residents go one below instead, since an instance with
    a volume cannot be doubled). An old instance also goes for each new one that is good, and when no new one has room
    an old one that is no good makes it.
    """
    if counts.wanted == 0:
        return Moves(0, 0, done=True)
    minimum, maximum = limits(upgrade, counts.wanted)
    good = counts.old_good + counts.new_good
    spare = good - minimum
    if minimum == maximum and maximum <= good:
        if resident:
            spare += 1
        else:
            maximum += 1
    replaced = counts.old - max(0, counts.wanted - counts.new_good)
    kill = min(counts.old, max(0, spare, replaced))
    missing = max(0, counts.wanted - counts.new)
    room = maximum - counts.old - counts.leaving - counts.new
    launch = max(0, min(missing, room))
    if missing and room <= 0 and kill == 0 and counts.leaving == 0:
        kill = min(counts.old_bad, missing, 1 - room)
    done = counts.old == 0 and counts.leaving == 0 and counts.new_good >= counts.wanted
    return Moves(kill, launch, done)
