"""Host ports for one instance out of the port ranges of an offer.

Wanted ports are taken as they are. For the others a random start within the shuffled ranges is chosen and ports are
taken from there on, so that ports are reused late and two marathons rarely collide. Source: Marathon ``PortsMatcher``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mesos import ranges as rg
from mesos.clock import IdSource
from mesos.ranges import Ranges


def choose(wanted: Sequence[int | None], offered: Ranges, ids: IdSource) -> tuple[int | None, ...] | None:
    """Return a port for each entry of ``wanted`` (0: any, ``None``: none), or ``None`` when there are not enough."""
    fixed = [port for port in wanted if port]
    if len(set(fixed)) != len(fixed) or not all(rg.has(offered, port) for port in fixed):
        return None
    dynamic = sum(1 for port in wanted if port == 0)
    if rg.count(offered) < dynamic + len(fixed):
        return None
    free = _from_random_start(rg.difference(offered, rg.coalesce((port, port) for port in fixed)), ids)
    return tuple(next(free) if port == 0 else port for port in wanted)


def _from_random_start(offered: Ranges, ids: IdSource) -> Iterator[int]:
    """Give all ports once: from a random one on to the end of its range, the other ranges, and what was left out."""
    shuffled = list(offered)
    ids.shuffle(shuffled)
    if not shuffled:
        return
    begin, end = shuffled[0]
    start = min(end, begin + int(ids.uniform(0, end - begin + 1)))
    yield from range(start, end + 1)
    for other_begin, other_end in shuffled[1:]:
        yield from range(other_begin, other_end + 1)
    yield from range(begin, start)
