"""Ids. Source: Marathon ``PathId.validPathWithBase``."""

from __future__ import annotations

from collections.abc import Iterator

from marathon.core.model.app import AppDefinition
from marathon.core.paths import RESERVED, SEGMENT, SEGMENT_RULE, segments
from marathon.errors import Violation
from marathon.schema.context import Context


def rules(app: AppDefinition, _: Context) -> Iterator[Violation]:
    """Check the app's own id."""
    names = segments(app.id)
    if not names:
        yield Violation("/id", "Path must contain at least one path element")
        return
    yield from path_rules(app.id, "/id")
    if names[-1] in RESERVED:
        words = ", ".join(RESERVED)
        yield Violation("/id", f"must not end with any of the following reserved keywords: {words}")


def path_rules(path: str, at: str) -> Iterator[Violation]:
    """Check the names of any path."""
    if not all(SEGMENT.match(name) for name in segments(path)):
        yield Violation(at, f"must fully match regular expression '{SEGMENT_RULE}'")
