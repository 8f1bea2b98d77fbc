"""What waits to be launched and why. Source: Marathon ``QueueInfoConversion``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marathon.core.launch_queue import Entry, RefusedOffer
from marathon.core.matcher.reasons import FunnelStep
from marathon.core.state import State
from marathon.core.timestamps import timestamp
from marathon.render.app import definition
from mesos.types.resources import Attribute, Resource

Json = dict[str, Any]


def queue(state: State, now_s: float, *, with_offers: bool = False) -> list[Json]:
    """Return an item for each app that waits. ``with_offers``: also the last offers that it refused."""
    items = (_item(state, entry, now_s, with_offers) for entry in state.queue.entries.values())
    return [each for each in items if each is not None]


def _item(state: State, entry: Entry, now_s: float, with_offers: bool) -> Json | None:
    known = state.current.get(entry.app_id)
    if known is None:
        return None
    until_s = state.backoff.until_s(known.spec.id, known.spec.config, now_s)
    left_s = max(0, round(until_s - now_s))
    value: Json = {
        "app": definition(known.app),
        "count": len(entry.waiting),
        "role": entry.role,
        "delay": {"timeLeftSeconds": left_s, "overdue": until_s <= now_s},
        "since": timestamp(entry.since_s),
        "processedOffersSummary": _summary(entry),
    }
    if with_offers:
        value["lastUnusedOffers"] = [_refused(each) for each in entry.refused.values()]
    return value


def _summary(entry: Entry) -> Json:
    summary = entry.summary()
    value: Json = {
        "processedOffersCount": summary.processed,
        "unusedOffersCount": summary.unused,
        "rejectSummaryLastOffers": _steps(summary.last_offers),
        "rejectSummaryLaunchAttempt": _steps(summary.launch_attempt),
    }
    if summary.last_unused_s is not None:
        value["lastUnusedOfferAt"] = timestamp(summary.last_unused_s)
    if summary.last_used_s is not None:
        value["lastUsedOfferAt"] = timestamp(summary.last_used_s)
    return value


def _steps(steps: Iterable[FunnelStep]) -> list[Json]:
    return [{"reason": each.reason, "declined": each.declined, "processed": each.processed} for each in steps]


def _refused(refused: RefusedOffer) -> Json:
    offer = refused.offer
    return {
        "offer": {
            "id": offer.id.value,
            "hostname": offer.hostname,
            "agentId": offer.agent_id.value,
            "resources": [{**_value(each), "role": _role(each)} for each in offer.resources],
            "attributes": [_value(each) for each in offer.attributes],
        },
        "reason": [each.value for each in refused.reasons],
        "timestamp": timestamp(refused.at_s),
    }


def _role(resource: Resource) -> str:
    """A resource's role is that of its innermost reservation."""
    if resource.reservations:
        return resource.reservations[-1].role or "*"
    return resource.role or "*"


def _value(thing: Resource | Attribute) -> Json:
    value: Json = {"name": thing.name}
    if thing.scalar is not None:
        value["scalar"] = thing.scalar.value
    if thing.ranges is not None:
        value["ranges"] = [{"begin": each.begin, "end": each.end} for each in thing.ranges.range]
    if thing.set is not None:
        value["set"] = list(thing.set.item)
    if isinstance(thing, Attribute) and thing.text is not None:
        value["text"] = thing.text.value
    return value
