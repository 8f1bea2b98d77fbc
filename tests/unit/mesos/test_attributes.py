from __future__ import annotations

import pytest

from mesos import attributes
from mesos.attributes import AttributeSyntaxError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rack:r7", "r7"),
        ("level:10", "10"),
        ("load:0.80", "0.8"),
        ("load:0.8005", "0.8"),
        ("load:100", "100"),
        ("keys:[5-7,1-3]", "[1-3,5-7]"),
        ("odd:-1", "-1"),
        ("odd:inf", "inf"),
        ("url:http://x", "http://x"),
    ],
)
def test_texts_as_constraints_see_them(text: str, expected: str) -> None:
    (attribute,) = attributes.parse(text)
    assert attributes.as_text(attribute) == expected


@pytest.mark.parametrize("text", ["rack", "rack:", ":x", "rack:{a,b}", "keys:[3-1]"])
def test_bad_attributes_are_named(text: str) -> None:
    with pytest.raises(AttributeSyntaxError):
        attributes.parse(text)
