"""Constraints of placement. Source: Marathon ``ConstraintsValidation``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from marathon.core.model.app import AppDefinition, Constraint, Operator
from marathon.errors import Violation
from marathon.schema.context import Context

_PLAIN = re.compile(r"[a-zA-Z0-9_/.-]*\Z")
_INTEGER = re.compile(r"-?[0-9]{1,9}\Z")


def rules(app: AppDefinition, _: Context) -> Iterator[Violation]:
    """Check the value of each constraint against its operator."""
    for index, each in enumerate(app.constraints):
        text = breach(each)
        if text is not None:
            yield Violation(f"/constraints({index})", text)


def breach(constraint: Constraint) -> str | None:
    """Return what is wrong with a constraint."""
    value = constraint.value
    match constraint.operator:
        case Operator.UNIQUE:
            return "UNIQUE does not accept a value" if value else None
        case Operator.GROUP_BY:
            fits = value is None or _positive(value)
            return None if fits else "GROUP BY must define an integer value or else no value at all"
        case Operator.MAX_PER:
            return None if value is not None and _positive(value) else "MAX_PER requires an integer value"
        case Operator.LIKE | Operator.UNLIKE:
            return _pattern_breach(constraint.operator, value)
        case Operator.IS:
            fits = value is not None and _PLAIN.match(value) is not None
            return None if fits else "IS only supports Mesos text and float values (see the Mesos attribute grammar)"
        case Operator.CLUSTER:
            return None


def _positive(value: str) -> bool:
    return _INTEGER.match(value) is not None and int(value) > 0


def _pattern_breach(operator: Operator, value: str | None) -> str | None:
    if value is None:
        return f"A regular expression value must be provided for {operator.value}"
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        return f"'{value}' is not a valid regular expression: {error}"
    return None
