"""Turns what marathon's event bus tells into events. Source: Marathon ``GET /v2/events``."""

from __future__ import annotations

import msgspec

from mesos.types.tasks import TERMINAL_STATES
from mesos_dns.core import events
from mesos_dns.core.cluster import Event
from mesos_dns.core.model import Addresses
from mesos_dns.schema.wire import In

_ENDING_CONDITIONS = frozenset(("Killing", "Killed", "Finished", "Failed", "Error", "Gone", "Dropped", "Lost"))
"""Marathon's conditions of an instance from which it does not come back."""


class _BusAddress(In, frozen=True, rename="camel"):
    ip_address: str | None = None


class _BusEvent(In, frozen=True, rename="camel"):
    event_type: str = ""
    task_id: str = ""
    task_status: str = ""
    instance_id: str = ""
    condition: str = ""
    ip_addresses: tuple[_BusAddress, ...] | None = None


_bus_event = msgspec.json.Decoder(_BusEvent, strict=False)


def read_bus_event(data: bytes) -> Event | None:
    """Return what an event of marathon's bus means for names; ``None`` when nothing, or when it cannot be read."""
    try:
        event = _bus_event.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    match event.event_type:
        case "status_update_event" if event.task_status == "TASK_RUNNING":
            told = tuple(item.ip_address for item in event.ip_addresses or () if item.ip_address)
            return events.Confirmed(event.task_id, Addresses(netinfo=told) if told else None)
        case "status_update_event" if event.task_status in TERMINAL_STATES or event.task_status == "TASK_KILLING":
            return events.Withdrawn(event.task_id)
        case "instance_changed_event" if event.condition in _ENDING_CONDITIONS:
            return events.Withdrawn(event.instance_id)
        case "unknown_instance_terminated_event":
            return events.Withdrawn(event.instance_id)
        case "unhealthy_instance_kill_event" | "unhealthy_task_kill_event":
            return events.Withdrawn(event.instance_id or event.task_id)
    return None
