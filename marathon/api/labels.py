"""Label selectors: ``a==b,c in (d,e),!`` reads as "label a is b, and c is one of d and e".

::

    query     := selector ("," selector)*
    selector  := term ("in" | "notin") "(" [term ("," term)*] ")" | term ("==" | "!=") term | term
    term      := ("\\" any character | [-A-Za-z0-9_.])+

``!=`` and ``notin`` want the label to exist too. Source: Marathon ``LabelSelectorParsers``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from marathon.errors import BadArgument

_TERM = re.compile(r"\s*((?:\\.|[-A-Za-z0-9_.])+)", re.DOTALL)
_SET = re.compile(r"\s*(in|notin)\s*\(")
_EQUAL = re.compile(r"\s*(==|!=)")
_COMMA, _CLOSE, _END = re.compile(r"\s*,"), re.compile(r"\s*\)"), re.compile(r"\s*\Z")


class Selector(msgspec.Struct, frozen=True):
    """One condition: label ``name`` exists; and is, or is not, one of ``values`` unless those are ``None``."""

    name: str
    values: frozenset[str] | None = None
    wanted: bool = True

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels fit."""
        value = labels.get(self.name)
        if value is None:
            return False
        return self.values is None or (value in self.values) is self.wanted


def parse_selector(text: str) -> tuple[Selector, ...]:
    """Read a query; all its selectors have to match. :raises BadArgument: saying where it cannot be read."""
    reader = _Reader(text)
    selectors = [reader.selector()]
    while reader.take(_COMMA):
        selectors.append(reader.selector())
    if not reader.take(_END):
        reader.fail("expected ',' or the end")
    return tuple(selectors)


class _Reader:
    """Where we are in the text."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def fail(self, reason: str) -> None:
        place = f"{reason} at character {self._at + 1}"
        raise BadArgument(f"Can not parse label selector {self._text}. Reason: {place}")

    def term(self) -> str:
        found = self.take(_TERM)
        if found is None:
            self.fail("expected a label")
            return ""
        return re.sub(r"\\(.)", r"\1", found.group(1), flags=re.DOTALL)

    def selector(self) -> Selector:
        name = self.term()
        operator = self.take(_SET)
        if operator:
            return Selector(name, self._values(), operator.group(1) == "in")
        operator = self.take(_EQUAL)
        if operator:
            return Selector(name, frozenset({self.term()}), operator.group(1) == "==")
        return Selector(name)

    def _values(self) -> frozenset[str]:
        if self.take(_CLOSE):
            return frozenset()
        values = [self.term()]
        while self.take(_COMMA):
            values.append(self.term())
        if not self.take(_CLOSE):
            self.fail("expected ',' or ')'")
        return frozenset(values)
