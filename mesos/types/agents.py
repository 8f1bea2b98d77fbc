"""Agents as offers, views and the registry show them."""

from __future__ import annotations

from mesos.types.base import DomainInfo, TimeInfo, Wire, emitted
from mesos.types.ids import AgentID
from mesos.types.resources import Attribute, Resource


class Capability(Wire, frozen=True):
    """Something that an agent, master or framework can do. An unknown one arrives without a type."""

    type: str | None = None


class AgentInfo(Wire, frozen=True, kw_only=True):
    """What an agent tells of itself."""

    hostname: str
    port: int = emitted(5051)
    resources: tuple[Resource, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    id: AgentID | None = None
    domain: DomainInfo | None = None
    checkpoint: bool | None = None


class AgentView(Wire, frozen=True, kw_only=True):
    """An agent as ``GET_AGENTS`` and the event stream show it."""

    agent_info: AgentInfo
    active: bool
    deactivated: bool
    version: str
    pid: str | None = None
    registered_time: TimeInfo | None = None
    reregistered_time: TimeInfo | None = None
    total_resources: tuple[Resource, ...] = ()
    allocated_resources: tuple[Resource, ...] = ()
    offered_resources: tuple[Resource, ...] = ()
    capabilities: tuple[Capability, ...] = ()


AGENT_CAPABILITIES = tuple(
    Capability(name)
    for name in (
        "MULTI_ROLE",
        "HIERARCHICAL_ROLE",
        "RESERVATION_REFINEMENT",
        "RESOURCE_PROVIDER",
        "RESIZE_VOLUME",
        "AGENT_OPERATION_FEEDBACK",
        "AGENT_DRAINING",
        "TASK_RESOURCE_LIMITS",
    )
)
"""What a current agent tells that it can do. Source: a real 1.11.0 agent."""
