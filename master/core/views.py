"""Agents and frameworks in the shape that operators are shown: GET_AGENTS, GET_FRAMEWORKS and the event stream."""

from __future__ import annotations

from master.core.context import time_info
from master.core.rows import Agent, Framework
from master.core.state import State
from mesos.resources import EMPTY
from mesos.types.agents import AgentView
from mesos.types.base import TimeInfo, Wire, emitted
from mesos.types.frameworks import FrameworkInfo, OfferConstraints
from mesos.types.ids import AgentID
from mesos.types.offers import Offer
from mesos.types.resources import Resource


class FrameworkView(Wire, frozen=True, kw_only=True):
    """A framework as ``GET_FRAMEWORKS`` shows it."""

    framework_info: FrameworkInfo
    active: bool
    connected: bool
    recovered: bool
    registered_time: TimeInfo
    reregistered_time: TimeInfo
    unregistered_time: TimeInfo | None = None
    offers: tuple[Offer, ...] = ()
    allocated_resources: tuple[Resource, ...] = ()
    offered_resources: tuple[Resource, ...] = ()
    offer_constraints: OfferConstraints = emitted(OfferConstraints())


class FrameworkAdded(Wire, frozen=True):
    """Payload of FRAMEWORK_ADDED and FRAMEWORK_UPDATED."""

    framework: FrameworkView


class FrameworkRemoved(Wire, frozen=True):
    """Payload of FRAMEWORK_REMOVED."""

    framework_info: FrameworkInfo


class AgentAdded(Wire, frozen=True):
    """Payload of AGENT_ADDED."""

    agent: AgentView


class AgentRemoved(Wire, frozen=True):
    """Payload of AGENT_REMOVED."""

    agent_id: AgentID


def framework_view(state: State, framework: Framework, offers: tuple[Offer, ...] = ()) -> FrameworkView:
    """Return a framework with what it has and is offered."""
    return FrameworkView(
        framework_info=framework.info,
        active=framework.connected,
        connected=framework.connected,
        recovered=framework.recovered,
        registered_time=time_info(framework.registered_s),
        reregistered_time=time_info(framework.reregistered_s or framework.registered_s),
        unregistered_time=time_info(framework.unregistered_s) if framework.unregistered_s else None,
        offers=offers,
        allocated_resources=state.used_by(framework.id).to_wire(endpoint=True),
        offered_resources=state.offered_to(framework.id).to_wire(endpoint=True),
        offer_constraints=framework.offer_constraints or OfferConstraints(),
    )


def agent_view(state: State, agent: Agent) -> AgentView:
    """Return an agent with what it has, what is used and what is offered."""
    return AgentView(
        agent_info=agent.info,
        active=agent.active,
        deactivated=agent.deactivated,
        version=agent.version,
        pid=agent.pid,
        registered_time=time_info(agent.registered_s),
        reregistered_time=time_info(agent.reregistered_s) if agent.reregistered_s else None,
        total_resources=agent.total.to_wire(endpoint=True),
        allocated_resources=state.used_on(agent.id).to_wire(endpoint=True),
        offered_resources=state.offered.get(agent.id, EMPTY).to_wire(endpoint=True),
        capabilities=agent.capabilities,
    )
