"""Places waiting instances on offers, and lets the master know whether more are wanted.

An instance is stored as provisioned before its ACCEPT leaves, so no crash can leave a task that nobody owns. What is
not used of an accepted offer comes back at once; a useless offer is declined for a while. Source: Marathon
``OfferProcessorImpl``, ``ReviveOffersStreamLogic``.
"""

from __future__ import annotations

import msgspec

from marathon.core import instances, task_builder
from marathon.core.launch_queue import Entry
from marathon.core.matcher.match import Match, NoMatch, match
from marathon.core.matcher.offers import OfferView
from marathon.core.model.instance import AgentRef, Condition, TaskRow
from marathon.core.state import Known
from marathon.core.turn import Turn
from mesos.types import scheduler as api
from mesos.types.offers import Filters, Launch, Offer, Operation, OperationType
from mesos.types.tasks import TaskInfo

BACKOFF, REVIVE = "backoff", "revive"
"""Timers: an app may be launched again; offers are still wanted, so ask once more."""


def arrived(turn: Turn, offers: tuple[Offer, ...]) -> None:
    """Use what can be used, give the rest back."""
    useless = []
    for offer in offers:
        tasks = _place(turn, offer)
        if tasks:
            operation = Operation(type=OperationType.LAUNCH, launch=Launch(tuple(tasks)))
            accept = api.Accept(offer_ids=(offer.id,), operations=(operation,), filters=Filters(0.0))
            turn.call(api.Call(type=api.CallType.ACCEPT, accept=accept))
        else:
            useless.append(offer.id)
    if useless:
        decline = api.Decline(tuple(useless), Filters(turn.settings.decline_s))
        turn.call(api.Call(type=api.CallType.DECLINE, decline=decline))


def may_launch(turn: Turn, app_id: str) -> bool:
    """Tell whether the app's waiting instances may be launched now, and see to it that they are later if not."""
    known = turn.state.current.get(app_id)
    if known is None:
        return False
    until_s = turn.state.backoff.until_s(app_id, known.spec.config, turn.now_s)
    if until_s <= turn.now_s:
        return True
    turn.state.timers.arm((BACKOFF, app_id), until_s)
    return False


def settle_demand(turn: Turn) -> None:
    """At the end of a turn: ask for offers for what newly waits, and for no more when nothing does."""
    state = turn.state
    if not state.connected:
        return
    wanted = {
        role for role in state.queue.roles() if any(may_launch(turn, each.app_id) for each in state.queue.of(role))
    }
    fresh = sorted(role for role in wanted if role in turn.new_demand or role in state.suppressed)
    if fresh:
        _revive(turn, fresh)
    if turn.settings.suppress_offers:
        idle = sorted(role for role in state.roles if role not in wanted and role not in state.suppressed)
        if idle:
            state.suppressed.update(idle)
            turn.call(api.Call(type=api.CallType.SUPPRESS, suppress=api.Roles(tuple(idle))))
    for role in state.roles:
        if role not in wanted:
            state.timers.disarm((REVIVE, role))


def revive_due(turn: Turn, role: str) -> None:
    """Offers for ``role`` were wanted a while ago and still are: the first call may have been lost."""
    if any(may_launch(turn, each.app_id) for each in turn.state.queue.of(role)):
        turn.call(api.Call(type=api.CallType.REVIVE, revive=api.Roles((role,))))


def _revive(turn: Turn, roles: list[str]) -> None:
    turn.state.suppressed.difference_update(roles)
    turn.call(api.Call(type=api.CallType.REVIVE, revive=api.Roles(tuple(roles))))
    for role in roles:
        turn.state.timers.arm((REVIVE, role), turn.now_s + 2 * turn.settings.revive_interval_s)


def _place(turn: Turn, offer: Offer) -> list[TaskInfo]:
    """Give each waiting app one instance in turn, until the offer is used up or nothing more fits."""
    view = OfferView(offer)
    tasks: list[TaskInfo] = []
    entries = [each for each in turn.state.queue.turn(view.role) if may_launch(turn, each.app_id)]
    used: set[str] = set()
    while entries and len(tasks) < turn.settings.max_per_offer:
        again = []
        for entry in entries:
            if len(tasks) >= turn.settings.max_per_offer:
                break
            task = _place_one(turn, entry, view, used)
            if task is not None:
                tasks.append(task)
                if entry.waiting:
                    again.append(entry)
        entries = again
    return tasks


def _place_one(turn: Turn, entry: Entry, view: OfferView, used: set[str]) -> TaskInfo | None:
    known = turn.state.current[entry.app_id]
    placement = instances.placement_of(turn, known)
    found = match(view, known.spec, placement, rules=turn.settings.rules, ids=turn.ids, now_s=turn.now_s)
    if isinstance(found, NoMatch):
        if entry.app_id not in used:
            entry.saw_refusal(view.offer, found.reasons, turn.now_s)
        return None
    entry.saw_use(turn.now_s)
    used.add(entry.app_id)
    view.left -= found.resources
    return _provision(turn, known, next(iter(entry.waiting)), view, found)


def _provision(turn: Turn, known: Known, instance_id: str, view: OfferView, found: Match) -> TaskInfo:
    waiting = turn.state.instances[instance_id]
    incarnation = waiting.incarnation + 1
    provisioned = msgspec.structs.replace(
        waiting,
        version=known.spec.version,
        incarnation=incarnation,
        agent=AgentRef(view.hostname, view.offer.agent_id.value, view.region, view.zone, view.attributes),
        task=TaskRow(
            id=f"{instance_id}._app.{incarnation}",
            staged_at_s=turn.now_s,
            host_ports=tuple(port for port in found.host_ports if port),
        ),
    )
    task = task_builder.build(known, provisioned, found, turn.settings, turn.ids)
    instances.change(turn, provisioned, Condition.PROVISIONED)
    return task
