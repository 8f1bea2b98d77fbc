"""What the core needs of an allocator. The one we have lives in :mod:`master.allocator`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from mesos.resources import Resources
from mesos.types.frameworks import FrameworkInfo

FilterKey = tuple[str, str, str]
"""``(framework id, role, agent id)``."""


class Pick(NamedTuple):
    """Somebody is to be offered something. ``resources`` carry the allocation role."""

    framework_id: str
    agent_id: str
    role: str
    resources: Resources


class Filters(Protocol):
    """What frameworks refused."""

    def add(self, key: FilterKey, refused: Resources, until_s: float) -> None:
        """Refuse ``refused`` (without allocation role), and less, until then."""

    def expire(self, key: FilterKey, now_s: float) -> None:
        """Drop what has ended."""

    def forget_agent(self, agent_id: str) -> None:
        """Drop all filters upon an agent."""

    def count(self, role: str) -> int:
        """Return how many filters are in force for a role."""
        ...


class Allocator(Protocol):
    """Decides who is offered what; told of every change, asked once a step.

    ``dirty`` agents are looked at in the next :meth:`allocate`, ``later`` ones after the next round.
    """

    dirty: set[str]
    later: set[str]

    @property
    def filters(self) -> Filters:
        """What frameworks refused."""
        ...

    def set_agent(self, agent_id: str, total: Resources) -> None:
        """Add an agent to the whole, or change what it has."""

    def convert_agent(self, agent_id: str, total: Resources) -> None:
        """Note that an agent's resources are other ones of the same quantity."""

    def remove_agent(self, agent_id: str) -> None:
        """Take an agent out of the whole, with its filters."""

    def set_framework(
        self, framework_id: str, info: FrameworkInfo, *, suppressed: frozenset[str], active: bool
    ) -> None:
        """Add a framework or change what it wants."""

    def remove_framework(self, framework_id: str) -> None:
        """Forget a framework."""

    def deactivate_framework(self, framework_id: str) -> None:
        """Offer a framework nothing until it is set again."""

    def suppress(self, framework_id: str, suppressed: frozenset[str]) -> None:
        """Offer a framework nothing for these roles (all that it suppresses now)."""

    def revive(self, framework_id: str, roles: frozenset[str], suppressed: frozenset[str]) -> None:
        """Drop the filters of these roles and offer for them again."""

    def charge(self, framework_id: str, agent_id: str, role: str, resources: Resources) -> None:
        """Count what a framework got."""

    def uncharge(self, framework_id: str, agent_id: str, role: str, resources: Resources, *, later: bool) -> None:
        """Count what a framework gave back."""

    def convert(self, framework_id: str, agent_id: str, role: str, consumed: Resources, converted: Resources) -> None:
        """Note that what a framework got is something else of the same quantity now."""

    def allocate(self, free: Mapping[str, Resources], eligible: Callable[[str], bool]) -> list[Pick]:
        """Pick offers for the dirty agents and charge them."""
        ...

    def share(self, role: str) -> float:
        """Return the dominant share of a role."""
        ...

    @property
    def active_roles(self) -> Iterable[str]:
        """The roles that have frameworks."""
        ...

    def frameworks_in(self, role: str) -> list[str]:
        """Return the frameworks that subscribe to a role."""
        ...
