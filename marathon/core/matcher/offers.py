"""An offer as the matcher sees it: what is left of it, and what constraints may ask about its agent."""

from __future__ import annotations

from mesos.attributes import as_text
from mesos.resources import Resources
from mesos.types.offers import Offer

NANOSECONDS = 1_000_000_000


class OfferView:
    """One offer while instances are being placed on it.

    ``left`` shrinks with every placement. ``fields`` are the texts that constraints compare: ``hostname``,
    ``@region``, ``@zone`` and the agent's attributes, of which the first of a name counts.
    """

    __slots__ = ("attributes", "fields", "hostname", "left", "offer", "region", "role", "zone")

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.hostname = offer.hostname
        self.role = (offer.allocation_info.role if offer.allocation_info else None) or "*"
        self.left = Resources.from_wire(offer.resources)
        domain = offer.domain.fault_domain if offer.domain else None
        self.region = domain.region.name if domain else None
        self.zone = domain.zone.name if domain else None
        self.attributes: dict[str, str] = {}
        for attribute in offer.attributes:
            self.attributes.setdefault(attribute.name, as_text(attribute))
        self.fields = fields_of(self.hostname, self.region, self.zone, self.attributes)

    def is_unavailable(self, now_s: float, draining_s: float) -> bool:
        """Tell whether the agent is in maintenance, or will be within ``draining_s``."""
        window = self.offer.unavailability
        if window is None:
            return False
        start_s = window.start.nanoseconds / NANOSECONDS
        if now_s < start_s - draining_s:
            return False
        return window.duration is None or now_s < start_s + window.duration.nanoseconds / NANOSECONDS


def fields_of(hostname: str, region: str | None, zone: str | None, attributes: dict[str, str]) -> dict[str, str]:
    """Return the values of an agent by the names that constraints use."""
    fields = dict(attributes)
    fields["hostname"] = fields["@hostname"] = hostname
    if region is not None:
        fields["@region"] = region
    if zone is not None:
        fields["@zone"] = zone
    return fields
