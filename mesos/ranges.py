"""Sets of whole numbers as sorted, disjoint, inclusive ranges: ports, mostly.

A value is a tuple of ``(begin, end)`` pairs, coalesced (touching ranges are one) and sorted; every function gives such
a value back. Source: Mesos ``values.cpp`` (coalescing after each operation).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

Ranges = tuple[tuple[int, int], ...]
"""Sorted, disjoint, not touching, both ends included."""

_PAIR = re.compile(r"\s*(\d+)\s*-\s*(\d+)\s*\Z")


def coalesce(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Return the numbers of ``pairs`` as one value; pairs may overlap, touch and be unsorted.

    :raises ValueError: when a pair ends before it begins.
    """
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(pairs):
        if end < begin:
            raise ValueError(f"range {begin}-{end} ends before it begins")
        if merged and begin <= merged[-1][1] + 1:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    return tuple(merged)


def union(left: Ranges, right: Ranges) -> Ranges:
    """Return the numbers in either."""
    if not left:
        return right
    return coalesce((*left, *right)) if right else left


def difference(left: Ranges, right: Ranges) -> Ranges:
    """Return the numbers of ``left`` that are not in ``right``."""
    if not right or not left:
        return left
    remaining: list[tuple[int, int]] = []
    cuts = iter(right)
    cut = next(cuts, None)
    for begin, end in left:
        at = begin
        while cut is not None and cut[1] < at:
            cut = next(cuts, None)
        while cut is not None and cut[0] <= end:
            if cut[0] > at:
                remaining.append((at, cut[0] - 1))
            at = cut[1] + 1
            if at > end:
                break
            cut = next(cuts, None)
        if at <= end:
            remaining.append((at, end))
    return tuple(remaining)


def intersection(left: Ranges, right: Ranges) -> Ranges:
    """Return the numbers in both."""
    return difference(left, difference(left, right))


def contains(left: Ranges, right: Ranges) -> bool:
    """Tell whether every number of ``right`` is in ``left``."""
    starts = [begin for begin, _ in left]
    for begin, end in right:
        index = bisect_right(starts, begin) - 1
        if index < 0 or left[index][1] < end:
            return False
    return True


def has(ranges: Ranges, number: int) -> bool:
    """Tell whether ``number`` is in ``ranges``."""
    return any(begin <= number <= end for begin, end in ranges)


def count(ranges: Ranges) -> int:
    """Return how many numbers there are."""
    return sum(end - begin + 1 for begin, end in ranges)


def numbers(ranges: Ranges) -> Iterator[int]:
    """Give every number, ascending."""
    for begin, end in ranges:
        yield from range(begin, end + 1)


def parse(text: str) -> Ranges:
    """Read ``[1-3, 7-9]``; the brackets are required, the list may be empty.

    :raises ValueError: naming the part that is no range.
    """
    stripped = text.strip()
    if not (stripped.startswith("[") and stripped.endswith("]")):
        raise ValueError(f"ranges are written [a-b,c-d], not {text!r}")
    pairs = []
    for part in filter(None, (piece.strip() for piece in stripped[1:-1].split(","))):
        match = _PAIR.match(part)
        if match is None:
            raise ValueError(f"{part!r} is no range; ranges are written [a-b,c-d]")
        pairs.append((int(match[1]), int(match[2])))
    return coalesce(pairs)


def text(ranges: Ranges) -> str:
    """Write ``[1-3, 7-9]`` as the legacy JSON endpoints do."""
    return "[" + ", ".join(f"{begin}-{end}" for begin, end in ranges) + "]"
