"""Attributes: facts about an agent, from its flag and as texts that constraints compare.

Source: Mesos ``attributes.cpp`` (grammar), Marathon ``Constraints`` (texts).
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, Decimal

from mesos import ranges as rg
from mesos.errors import MezzoError
from mesos.types.resources import Attribute, Range, RangeList, Scalar, Text, ValueType


class AttributeSyntaxError(MezzoError):
    """An attribute cannot be read; the text names it."""


def parse(text: str) -> tuple[Attribute, ...]:
    """Read ``rack:r7;level:10;keys:[1000-1500]``. Duplicate names are kept; the first one counts.

    :raises AttributeSyntaxError: when a part has no colon, or is a set, which attributes cannot be.
    """
    parts = filter(None, (piece.strip() for piece in re.split(r"[;\n]", text)))
    return tuple(_parse_one(part) for part in parts)


def as_text(attribute: Attribute) -> str:
    """Return the value as constraints see it: scalars as ``0.###`` half-even, ranges as ``[1-3,5-7]``."""
    if attribute.text is not None:
        return attribute.text.value
    if attribute.scalar is not None:
        return scalar_text(attribute.scalar.value)
    if attribute.ranges is not None:
        pairs = rg.coalesce((each.begin, each.end) for each in attribute.ranges.range)
        return "[" + ",".join(f"{begin}-{end}" for begin, end in pairs) + "]"
    return "{" + ",".join(sorted(attribute.set.item)) + "}" if attribute.set else ""


def scalar_text(value: float) -> str:
    """Write a number with at most three decimals, rounded half-even, without trailing zeros."""
    rounded = Decimal(repr(value)).quantize(Decimal("0.001"), ROUND_HALF_EVEN).normalize()
    return f"{rounded:f}"


def as_legacy(attribute: Attribute) -> float | str:
    """Return the value as ``/state`` shows it: scalars as numbers, texts and ranges as strings."""
    if attribute.scalar is not None:
        return attribute.scalar.value
    if attribute.ranges is not None:
        return rg.text(rg.coalesce((each.begin, each.end) for each in attribute.ranges.range))
    return as_text(attribute)


def _parse_one(part: str) -> Attribute:
    name, colon, value = part.partition(":")
    value = value.replace(" ", "")
    if not colon or not name.strip() or not value:
        raise AttributeSyntaxError(f"Invalid attribute key:value pair {part!r}")
    name = name.strip()
    if value.startswith("{"):
        raise AttributeSyntaxError(f"attribute {name!r} is a set, which attributes cannot be")
    if value.startswith("["):
        try:
            pairs = rg.parse(value)
        except ValueError as error:
            raise AttributeSyntaxError(f"attribute {name!r}: {error}") from error
        listed = tuple(Range(begin, end) for begin, end in pairs)
        return Attribute(name=name, type=ValueType.RANGES, ranges=RangeList(listed))
    number = _number(value)
    if number is not None:
        return Attribute(name=name, type=ValueType.SCALAR, scalar=Scalar(number))
    return Attribute(name=name, type=ValueType.TEXT, text=Text(value))


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 and not value.startswith("-") else None
