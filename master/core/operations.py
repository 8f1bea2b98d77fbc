"""Operations that change resources: applied here at once, on the agent when the order arrives.

An operation that a framework gave an id is told to it until it acknowledges; all others the master acknowledges
itself. A row stays until then. What an agent tells at re-registration is the truth: an operation that it does not know
never arrived, and its total says what became of the resources. Source: Mesos ``Master::_apply``, ``updateOperation``.
"""

from __future__ import annotations

import hashlib

import msgspec

from master.core import offers
from master.core.context import Context
from master.core.operation_rules import problem
from master.core.rows import Agent, Framework, OperationRow
from mesos.link import AcknowledgeOperation, ApplyOperation, OperationUpdate
from mesos.operations import Conversion, OperationError, allocated, conversion
from mesos.resources import EMPTY, ResourceError, Resources
from mesos.types.ids import AgentID, OperationID
from mesos.types.offers import Operation, OperationStatus
from mesos.types.scheduler import (
    AcknowledgeOperationStatus,
    Event,
    EventType,
    ReconcileOperation,
    UpdateOperationStatus,
)

TERMINAL = frozenset({"OPERATION_FINISHED", "OPERATION_FAILED", "OPERATION_ERROR", "OPERATION_DROPPED"})


def checked(context: Context, agent: Agent, operation: Operation, framework: Framework | None) -> Conversion:
    """Return what a valid operation does, without allocation roles.

    :raises OperationError: when a rule is broken.
    """
    try:
        result = conversion(operation)
        found = problem(context.state, agent, operation, framework)
    except ResourceError as error:
        raise OperationError(str(error)) from error
    if found:
        raise OperationError(found)
    if not result.consumed:
        raise OperationError("The operation names no resources")
    return result.allocated_to(None)


def apply(context: Context, agent: Agent, operation: Operation, change: Conversion, framework_id: str | None) -> None:
    """Change an agent's resources, of which ``change.consumed`` are free, and order the agent to."""
    state = context.state
    for offer_id in list(state.offers_of_agent.get(agent.id, ())):
        if _shares(state.offers[offer_id].resources, change.consumed):
            offers.rescind(context, state.offers[offer_id])
    total = agent.total - change.consumed + change.converted
    agent = msgspec.structs.replace(agent, total=total)
    state.agents[agent.id] = agent
    state.free[agent.id] = state.free[agent.id] - change.consumed + change.converted
    context.allocator.convert_agent(agent.id, total)
    uuid = hashlib.blake2b(f"{state.info.id}-{state.next_operation}".encode(), digest_size=16).digest()
    state.next_operation += 1
    bare = allocated(operation, None)
    pending = OperationStatus(state="OPERATION_PENDING", operation_id=operation.id, agent_id=AgentID(agent.id))
    row = OperationRow(uuid=uuid, framework_id=framework_id, agent_id=agent.id, info=bare, status=pending)
    state.put_operation(row)
    context.order(agent, ApplyOperation(uuid, framework_id, bare))
    kind = str(operation.type).lower()
    context.count("master/operations/total")
    context.count(f"master/operations/{kind}/total")
    context.note("operation applied", agent_id=agent.id, framework_id=framework_id, operation=kind)


def by_operator(context: Context, agent: Agent, operation: Operation) -> None:
    """Apply an operator's operation; offers are taken back as far as it needs their resources.

    :raises OperationError: when a rule is broken.
    :raises NotEnough: when what is free and offered does not suffice.
    """
    change = checked(context, agent, operation, None)
    state = context.state
    offered = [state.offers[offer_id] for offer_id in state.offers_of_agent.get(agent.id, ())]
    available = state.free[agent.id] + state.offered.get(agent.id, EMPTY).exclusive().allocated_to(None)
    if not available.contains(change.consumed):
        raise NotEnough(f"{available} does not contain {change.consumed}")
    for row in offered:
        if state.free[agent.id].contains(change.consumed):
            break
        offers.rescind(context, row)
    apply(context, state.agents[agent.id], operation, change, None)
    context.allocator.dirty.add(agent.id)


class NotEnough(OperationError):
    """The resources that an operation needs are used, or not there."""


def _shares(offered: Resources, consumed: Resources) -> bool:
    """Tell whether a shared volume that goes is in an offer."""
    keys = {key for key, _ in offered.allocated_to(None) if key.shared}
    return any(key in keys for key, _ in consumed)


def on_update(context: Context, agent_id: str, update: OperationUpdate) -> None:
    """Take an agent's word on an operation, pass it on, or acknowledge it in the name of who does not ask."""
    context.count("master/messages_operation_status_update")
    _fold(context, agent_id, update)
    framework = context.state.frameworks.get(update.framework_id) if update.framework_id else None
    status = msgspec.structs.replace(update.status, converted_resources=())
    if framework is not None and update.info.id is not None:
        _tell(context, framework, status)
        return
    if update.framework_id is not None and update.info.id is not None and not _ended(context, update.framework_id):
        return  # the framework will come back and be told again
    _acknowledge(context, agent_id, update.uuid, update.status.uuid.value if update.status.uuid else b"")


def _ended(context: Context, framework_id: str) -> bool:
    return framework_id in context.state.completed


def _fold(context: Context, agent_id: str, update: OperationUpdate) -> None:
    known = context.state.operations.get(update.uuid)
    if known is None:
        known = OperationRow(
            uuid=update.uuid,
            framework_id=update.framework_id,
            agent_id=agent_id,
            info=update.info,
            status=update.status,
        )
    elif known.status.state != update.status.state:
        context.count(f"master/operations/{update.status.state.lower().removeprefix('operation_')}")
    statuses = known.statuses if update.status in known.statuses else (*known.statuses, update.status)
    context.state.put_operation(msgspec.structs.replace(known, status=update.status, statuses=statuses))


def acknowledge(context: Context, framework: Framework, call: AcknowledgeOperationStatus) -> None:
    """Pass a framework's acknowledgement on; what does not fit is dropped."""
    row = context.state.operation_of(framework.id, call.operation_id.value)
    if row is None or row.status.uuid is None or row.status.uuid.value != call.uuid:
        context.note("operation acknowledgement fits nothing", "warning", framework_id=framework.id)
        return
    _acknowledge(context, row.agent_id, row.uuid, call.uuid)


def _acknowledge(context: Context, agent_id: str, uuid: bytes, status_uuid: bytes) -> None:
    row = context.state.operations.get(uuid)
    sent = context.order(context.state.agents.get(agent_id), AcknowledgeOperation(uuid, status_uuid))
    if sent and row is not None and row.status.state in TERMINAL:
        context.state.drop_operation(row)


def take(context: Context, agent: Agent, told: tuple[OperationUpdate, ...]) -> None:
    """Compare with what an agent tells at re-registration."""
    named = {update.uuid for update in told}
    for row in context.state.operations_of_agent(agent.id):
        if row.uuid not in named:
            _end(context, row, "OPERATION_DROPPED", "The operation did not reach the agent")
    for update in told:
        _fold(context, agent.id, update)


def agent_lost(context: Context, agent_id: str, state: str, message: str) -> None:
    """Tell of the operations of an agent that is unreachable or gone; the agent tells of them if it comes back."""
    for row in context.state.operations_of_agent(agent_id):
        _end(context, row, state, message)


def _end(context: Context, row: OperationRow, state: str, message: str) -> None:
    context.state.drop_operation(row)
    framework = context.state.frameworks.get(row.framework_id) if row.framework_id else None
    if framework is not None and row.info.id is not None:
        agent_id = AgentID(row.agent_id)
        _tell(
            context,
            framework,
            OperationStatus(state=state, operation_id=row.info.id, message=message, agent_id=agent_id),
        )


def refuse(context: Context, framework: Framework, operation: Operation, message: str) -> None:
    """Tell a framework that its operation was not applied; there is nothing to acknowledge."""
    context.count("master/operations/error")
    context.note("operation refused", "warning", framework_id=framework.id, operation=str(operation.type), why=message)
    if operation.id is not None:
        _tell(context, framework, OperationStatus(state="OPERATION_ERROR", operation_id=operation.id, message=message))


def _tell(context: Context, framework: Framework, status: OperationStatus) -> None:
    told = UpdateOperationStatus(status)
    context.tell(framework, Event(type=EventType.UPDATE_OPERATION_STATUS, update_operation_status=told))


def reconcile(context: Context, framework: Framework, asked: tuple[ReconcileOperation, ...]) -> None:
    """Answer with an update for each operation asked for (none: for all with an id), without uuid."""
    state = context.state
    if not asked:
        for row in state.operations.values():
            if row.framework_id == framework.id and row.info.id is not None:
                _tell(context, framework, _known(row))
        return
    for each in asked:
        found = state.operation_of(framework.id, each.operation_id.value)
        if found is not None:
            _tell(context, framework, _known(found))
            continue
        kind = _unknown(context, each.agent_id.value if each.agent_id else None)
        _tell(context, framework, _reconciled(each.operation_id, kind, each.agent_id))


def _known(row: OperationRow) -> OperationStatus:
    return _reconciled(row.info.id, row.status.state, AgentID(row.agent_id))


def _reconciled(operation_id: OperationID | None, state: str, agent_id: AgentID | None) -> OperationStatus:
    message = "Reconciliation: Latest operation status"
    if state == "OPERATION_UNKNOWN":
        message = "Reconciliation: Operation is unknown"
    return OperationStatus(state=state, operation_id=operation_id, message=message, agent_id=agent_id)


def _unknown(context: Context, agent_id: str | None) -> str:
    state = context.state
    if agent_id is None:
        return "OPERATION_RECOVERING" if state.recovered else "OPERATION_UNKNOWN"
    if agent_id in state.recovered:
        return "OPERATION_RECOVERING"
    if agent_id in state.unreachable_since_s:
        return "OPERATION_UNREACHABLE"
    return "OPERATION_GONE_BY_OPERATOR" if agent_id in state.gone else "OPERATION_UNKNOWN"
