"""Offers: made from the allocator's picks, used by ACCEPT, given back by DECLINE, taken back by RESCIND."""

from __future__ import annotations

from master.core.context import Context
from master.core.rows import Agent, Framework, OfferRow
from master.core.settings import refuse_s
from mesos.resources import EMPTY, Resources
from mesos.types.base import URL, Address
from mesos.types.ids import AgentID, ExecutorID, FrameworkID, OfferID
from mesos.types.offers import Filters, Offer
from mesos.types.resources import AllocationInfo
from mesos.types.scheduler import Event, EventType, Offers, Rescind


def make(context: Context) -> None:
    """Offer what is free to whom it is due; one OFFERS event for each framework."""
    state = context.state
    picks = context.allocator.allocate(state.free, lambda agent_id: state.agents[agent_id].active)
    batches: dict[str, list[Offer]] = {}
    for pick in picks:
        row = OfferRow(
            id=f"{state.info.id}-O{state.next_offer}",
            framework_id=pick.framework_id,
            agent_id=pick.agent_id,
            role=pick.role,
            resources=pick.resources,
            made_s=context.now_s,
        )
        state.next_offer += 1
        state.offers[row.id] = row
        state.offers_of_framework.setdefault(row.framework_id, {})[row.id] = None
        state.offers_of_agent.setdefault(row.agent_id, {})[row.id] = None
        state.offered[row.agent_id] = state.offered.get(row.agent_id, EMPTY) + row.resources
        state.free[row.agent_id] = state.free[row.agent_id] - row.resources.exclusive().allocated_to(None)
        if context.settings.offer_timeout_s is not None:
            context.timers.set(("offer", row.id), context.now_s + context.settings.offer_timeout_s)
        framework = state.frameworks[row.framework_id]
        batches.setdefault(row.framework_id, []).append(on_the_wire(context, row, framework))
    for framework_id, offers in batches.items():
        event = Event(type=EventType.OFFERS, offers=Offers(tuple(offers)))
        context.tell(state.frameworks[framework_id], event)


def on_the_wire(context: Context, row: OfferRow, framework: Framework) -> Offer:
    """Return an offer in the form that the framework's capabilities ask for."""
    agent = context.state.agents[row.agent_id]
    multi_role = framework.info.has("MULTI_ROLE")
    resources = row.resources if multi_role else row.resources.allocated_to(None)
    executors = context.state.executors
    return Offer(
        id=OfferID(row.id),
        framework_id=FrameworkID(row.framework_id),
        agent_id=AgentID(row.agent_id),
        hostname=agent.info.hostname,
        url=agent_url(agent),
        domain=agent.info.domain,
        resources=resources.to_wire(refined=framework.info.has("RESERVATION_REFINEMENT")),
        attributes=agent.info.attributes,
        executor_ids=tuple(ExecutorID(e) for f, a, e in executors if (f, a) == (row.framework_id, row.agent_id)),
        allocation_info=AllocationInfo(row.role) if multi_role else None,
    )


def agent_url(agent: Agent) -> URL:
    """Return where an agent's API is, from its pid ``slave(1)@ip:port``."""
    ip, _, port = agent.pid.partition("@")[2].rpartition(":")
    address = Address(hostname=agent.info.hostname, ip=ip, port=int(port) if port.isdigit() else agent.info.port)
    return URL(scheme="http", address=address, path="/slave(1)")


def drop(context: Context, row: OfferRow) -> None:
    """Forget an offer; its resources are free again, for the caller to allocate or give back."""
    state = context.state
    del state.offers[row.id]
    state.offers_of_framework[row.framework_id].pop(row.id, None)
    state.offers_of_agent[row.agent_id].pop(row.id, None)
    rest = state.offered[row.agent_id] - row.resources
    if rest:
        state.offered[row.agent_id] = rest
    else:
        del state.offered[row.agent_id]
    state.free[row.agent_id] = state.free[row.agent_id] + row.resources.exclusive().allocated_to(None)
    context.timers.cancel(("offer", row.id))


def give_back(context: Context, row: OfferRow, *, later: bool = False) -> None:
    """Forget an offer and let the allocator have its resources."""
    drop(context, row)
    context.allocator.uncharge(row.framework_id, row.agent_id, row.role, row.resources, later=later)


def rescind(context: Context, row: OfferRow) -> None:
    """Take an offer back and tell its framework."""
    give_back(context, row)
    event = Event(type=EventType.RESCIND, rescind=Rescind(OfferID(row.id)))
    context.tell(context.state.frameworks[row.framework_id], event)


def rescind_agent(context: Context, agent_id: str) -> None:
    """Take back all offers of an agent."""
    for offer_id in list(context.state.offers_of_agent.get(agent_id, ())):
        rescind(context, context.state.offers[offer_id])


def discard_framework(context: Context, framework_id: str) -> None:
    """Give back all offers of a framework that will not answer them."""
    for offer_id in list(context.state.offers_of_framework.get(framework_id, ())):
        give_back(context, context.state.offers[offer_id])


def decline(context: Context, framework: Framework, offer_ids: tuple[OfferID, ...], filters: Filters | None) -> None:
    """Give offers back and remember what was refused. Offers of others or of the past are skipped."""
    context.count("master/messages_decline_offers")
    for offer_id in offer_ids:
        row = context.state.offers.get(offer_id.value)
        if row is None or row.framework_id != framework.id:
            context.note("declined offer is not valid", framework_id=framework.id, offer_id=offer_id.value)
            continue
        give_back(context, row, later=True)
        refuse(context, framework.id, row.role, row.agent_id, row.resources.allocated_to(None), filters)


def refuse(
    context: Context, framework_id: str, role: str, agent_id: str, resources: Resources, filters: Filters | None
) -> None:
    """Keep an agent's ``resources`` (or less) from being offered again for as long as ``filters`` say."""
    asked_s = filters.refuse_seconds if filters is not None else None
    seconds = refuse_s(asked_s, context.settings.allocation_interval_s)
    if seconds is None or not resources:
        return
    until_s = context.now_s + seconds
    context.allocator.filters.add((framework_id, role, agent_id), resources, until_s)
    context.timers.set(("filter", f"{framework_id} {role} {agent_id} {until_s}"), until_s)
