"""What frameworks refused, and until when.

A filter belongs to a role of a framework and an agent. It blocks offers that are a subset of what was refused: whatever
is more breaks through. Source: Mesos hierarchical allocator, ``RefusedOfferFilter``.
"""

from __future__ import annotations

from master.core.allocation import FilterKey
from mesos.resources import Resources


class Filters:
    """All filters that are in force, found by agent and by framework."""

    def __init__(self) -> None:
        self._refused: dict[FilterKey, list[tuple[Resources, float]]] = {}
        self._of_agent: dict[str, set[FilterKey]] = {}
        self._of_framework: dict[str, set[FilterKey]] = {}

    def add(self, key: FilterKey, refused: Resources, until_s: float) -> None:
        """Refuse ``refused`` (without allocation role) until then."""
        self._refused.setdefault(key, []).append((refused, until_s))
        self._of_agent.setdefault(key[2], set()).add(key)
        self._of_framework.setdefault(key[0], set()).add(key)

    def blocks(self, key: FilterKey, offered: Resources) -> bool:
        """Tell whether an offer of ``offered`` is refused now."""
        return any(refused.contains(offered) for refused, _ in self._refused.get(key, ()))

    def expire(self, key: FilterKey, now_s: float) -> None:
        """Drop what has ended."""
        rest = [each for each in self._refused.get(key, ()) if each[1] > now_s]
        if rest:
            self._refused[key] = rest
        else:
            self._drop(key)

    def forget_agent(self, agent_id: str) -> None:
        """Drop all filters upon an agent."""
        for key in list(self._of_agent.get(agent_id, ())):
            self._drop(key)

    def forget_framework(self, framework_id: str, roles: frozenset[str] | None = None) -> set[str]:
        """Drop a framework's filters (of some roles) and return the agents they were upon."""
        keys = [key for key in self._of_framework.get(framework_id, ()) if roles is None or key[1] in roles]
        for key in keys:
            self._drop(key)
        return {key[2] for key in keys}

    def count(self, role: str) -> int:
        """Return how many (framework, agent) pairs have a filter for a role."""
        return sum(1 for key in self._refused if key[1] == role)

    def _drop(self, key: FilterKey) -> None:
        self._refused.pop(key, None)
        for table, index in ((self._of_agent, key[2]), (self._of_framework, key[0])):
            keys = table.get(index)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del table[index]
