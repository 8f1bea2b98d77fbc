"""What the fields of an app mean together: each module has rules for one part and gives every breach with its path."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from marathon.core.model.app import AppDefinition
from marathon.errors import Violation
from marathon.schema.context import Context
from marathon.schema.rules import basics, checks, constraints, container, features, identity, networks, volumes

Rule = Callable[[AppDefinition, Context], Iterator[Violation]]

RULES: tuple[Rule, ...] = (
    identity.rules,
    basics.rules,
    constraints.rules,
    features.rules,
    container.rules,
    volumes.rules,
    networks.rules,
    checks.rules,
)


def breaches(app: AppDefinition, context: Context) -> list[Violation]:
    """Return every rule that ``app`` breaks."""
    return [violation for rules in RULES for violation in rules(app, context)]
