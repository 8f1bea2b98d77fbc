"""Frameworks, their capabilities and their wishes about offers."""

from __future__ import annotations

from mesos.types.agents import Capability
from mesos.types.base import Labels, Wire, emitted
from mesos.types.ids import FrameworkID
from mesos.types.resources import Scalar


class MinAllocatable(Wire, frozen=True):
    """Alternatives of least quantities: an offer must satisfy one of them. Empty: anything will do."""

    quantities: tuple[Quantities, ...] = ()


class Quantities(Wire, frozen=True):
    """Least amounts by resource name."""

    quantities: dict[str, Scalar] = {}


class OfferFilters(Wire, frozen=True):
    """A role's own least quantities; they replace the master's."""

    min_allocatable_resources: MinAllocatable | None = None


class FrameworkInfo(Wire, frozen=True, kw_only=True):
    """What a framework tells of itself. ``failover_timeout`` in seconds."""

    user: str
    name: str
    id: FrameworkID | None = None
    failover_timeout: float = emitted(0.0)
    checkpoint: bool = emitted(False)
    role: str | None = None
    roles: tuple[str, ...] = ()
    hostname: str | None = None
    principal: str | None = None
    webui_url: str | None = None
    capabilities: tuple[Capability, ...] = ()
    labels: Labels | None = None
    offer_filters: dict[str, OfferFilters] = {}

    def has(self, capability: str) -> bool:
        """Tell whether the framework declared ``capability``."""
        return any(item.type == capability for item in self.capabilities)

    @property
    def all_roles(self) -> tuple[str, ...]:
        """The roles it subscribes to, however it declared them; ``*`` when it named none."""
        if self.has("MULTI_ROLE"):
            return self.roles
        return (self.role or "*",)


class TextValue(Wire, frozen=True):
    """A text to compare with."""

    value: str


class Regex(Wire, frozen=True):
    """A regular expression that has to match the whole value."""

    regex: str


class Presence(Wire, frozen=True):
    """Only its being there counts."""


class AttributePredicate(Wire, frozen=True, kw_only=True):
    """One question about an attribute; exactly one member is set."""

    exists: Presence | None = None
    not_exists: Presence | None = None
    text_equals: TextValue | None = None
    text_not_equals: TextValue | None = None
    text_matches: Regex | None = None
    text_not_matches: Regex | None = None


class AttributeSelector(Wire, frozen=True):
    """Which attribute: by name, or HOSTNAME, REGION or ZONE."""

    attribute_name: str | None = None
    pseudoattribute_type: str | None = None


class AttributeConstraint(Wire, frozen=True):
    """A selector and what must hold of it."""

    selector: AttributeSelector
    predicate: AttributePredicate


class ConstraintGroup(Wire, frozen=True):
    """Constraints that must all hold."""

    attribute_constraints: tuple[AttributeConstraint, ...] = ()


class RoleConstraints(Wire, frozen=True):
    """Groups of which one must hold."""

    groups: tuple[ConstraintGroup, ...] = ()


class OfferConstraints(Wire, frozen=True):
    """By role: which agents a framework wants offers from."""

    role_constraints: dict[str, RoleConstraints] = {}
