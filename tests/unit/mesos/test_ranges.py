from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesos import ranges as rg

pairs = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda p: (min(p), max(p))), max_size=6)


def as_set(ranges: rg.Ranges) -> set[int]:
    return set(rg.numbers(ranges))


@given(pairs, pairs)
def test_ranges_are_sets_of_numbers(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    a, b = rg.coalesce(left), rg.coalesce(right)
    assert as_set(rg.union(a, b)) == as_set(a) | as_set(b)
    assert as_set(rg.difference(a, b)) == as_set(a) - as_set(b)
    assert as_set(rg.intersection(a, b)) == as_set(a) & as_set(b)
    assert rg.contains(a, b) is (as_set(b) <= as_set(a))
    assert rg.count(a) == len(as_set(a))
    assert rg.parse(rg.text(a)) == a


@given(pairs)
def test_ranges_are_always_coalesced(given_pairs: list[tuple[int, int]]) -> None:
    ranges = rg.coalesce(given_pairs)
    assert all(ranges[i][1] + 1 < ranges[i + 1][0] for i in range(len(ranges) - 1))


@pytest.mark.parametrize("text", ["31000-32000", "[31000]", "[5-3]", "[a-b]", "[1-2,x]"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"range|ends before"):
        rg.parse(text)
