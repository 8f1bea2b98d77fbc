"""The grammar of label selectors."""

from __future__ import annotations

import pytest

from marathon.api.labels import parse_selector
from marathon.errors import BadArgument

LABELS = {"a": "1", "b": "x y", "empty": ""}


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("a", True),
        ("c", False),
        ("a==1", True),
        (" a == 1 ", True),
        ("a==2", False),
        ("a!=2", True),
        ("a!=1", False),
        ("c!=1", False),
        ("a in (1,2)", True),
        ("a in ()", False),
        ("a notin ()", True),
        ("a notin (1)", False),
        ("c notin (1)", False),
        ("b==x\\ y", True),
        ("a,b", True),
        ("a,c", False),
        ("a in (1),b!=z,empty", True),
        ("in", False),
        ("a in(1)", True),
    ],
)
def test_selectors(query: str, fits: bool) -> None:
    assert all(each.matches(LABELS) for each in parse_selector(query)) is fits


@pytest.mark.parametrize("query", ["", ",", "a==", "a=1", "a in", "a in (1", "a in (,)", "a b", "a,", "(a)", "a==1=="])
def test_what_cannot_be_read_says_where(query: str) -> None:
    with pytest.raises(BadArgument, match="Can not parse label selector"):
        parse_selector(query)
