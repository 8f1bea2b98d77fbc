"""Operations upon the agent's resources: made durable with their result, told until acknowledged.

What is kept is every dynamic reservation and persistent volume (``resources``) and every operation that is not
acknowledged (``operations/<uuid>``). Source: Mesos ``Slave::applyOperation``, ``operation_status_update_manager``.
"""

from __future__ import annotations

import msgspec

from agent.core import paths
from agent.core.context import Context
from agent.core.effects import MakeVolume, RemoveVolume
from agent.core.rows import OperationRow
from agent.core.settings import FIRST_RETRY_S, MAX_RETRY_S
from mesos.effects import Delete, Persist, Put
from mesos.link import ApplyOperation, OperationUpdate, UpdateAgent
from mesos.operations import OperationError, checkpointed, conversion
from mesos.resources import ResourceError, Resources, is_dynamic
from mesos.types.ids import UUID
from mesos.types.offers import OperationStatus
from mesos.types.resources import Resource

RESOURCES = "resources"


def apply(context: Context, order: ApplyOperation) -> None:
    """Do what the master asks, if this agent has the resources for it. An order that is known is the same again."""
    if order.uuid in context.state.operations:
        return
    state, message = "OPERATION_FINISHED", None
    total = context.state.total
    try:
        total = conversion(order.info).allocated_to(None).apply(total)
    except (OperationError, ResourceError) as error:
        state, message = "OPERATION_DROPPED", str(error)
    status = OperationStatus(
        state=state,
        operation_id=order.info.id,
        message=message,
        uuid=UUID(context.ids.uuid_bytes()),
        agent_id=context.state.identity.info.id,
    )
    row = OperationRow(uuid=order.uuid, framework_id=order.framework_id, info=order.info, status=status)
    context.state.operations[row.uuid] = row
    writes = [Put(_key(row.uuid), msgspec.msgpack.encode(row))]
    before, context.state.total = context.state.total, total
    if total != before:
        writes.append(Put(RESOURCES, msgspec.msgpack.encode(kept(context))))
    context.emit(Persist(tuple(writes)))
    _change_volumes(context, before, total)
    context.note("operation", state=state, operation=str(order.info.type), why=message)
    if message is not None:
        context.tell(UpdateAgent(context.state.total.to_wire()))
    send(context, row, first=True)


def kept(context: Context) -> tuple[Resource, ...]:
    """Return the dynamic reservations and persistent volumes."""
    return checkpointed(context.state.total).to_wire()


def _change_volumes(context: Context, before: Resources, after: Resources) -> None:
    old, new = (_volume_paths(context, each) for each in (before, after))
    for path in new - old:
        context.emit(MakeVolume(path))
    for path in old - new:
        context.emit(RemoveVolume(path))


def make_volumes(context: Context) -> None:
    """Make the directories of all volumes; after a crash one may be missing."""
    for path in _volume_paths(context, context.state.total):
        context.emit(MakeVolume(path))


def _volume_paths(context: Context, resources: Resources) -> set[str]:
    found = (paths.volume(context.settings.work_dir, key) for key, _ in resources)
    return {path for path in found if path is not None}


def unknown_resources(context: Context, resources: tuple[Resource, ...]) -> Resources:
    """Return what of a task's resources is reserved or a volume, and not known here."""
    wanted = Resources.from_wire(resources).allocated_to(None)
    special = wanted.filter(lambda key: is_dynamic(key) or key.persistence_id is not None)
    return special if not context.state.total.contains(special) else Resources()


def updates(context: Context) -> tuple[OperationUpdate, ...]:
    """Return all that is not acknowledged, for registration."""
    return tuple(_update(row) for row in context.state.operations.values())


def send_all(context: Context) -> None:
    """Tell everything again, to a master that has just registered this agent."""
    for row in list(context.state.operations.values()):
        send(context, row, first=True)


def send(context: Context, row: OperationRow, *, first: bool) -> None:
    """Tell of an operation, and again after 10 s, 20 s, ... at most 10 minutes."""
    name = row.uuid.hex()
    pause_s = FIRST_RETRY_S if first else min(MAX_RETRY_S, 2 * context.state.operation_retries_s[row.uuid])
    context.state.operation_retries_s[row.uuid] = pause_s
    context.timers.set(("operation", name, ""), context.now_s + pause_s)
    context.tell(_update(row))


def send_again(context: Context, name: str) -> None:
    """Tell of an operation whose acknowledgement is due."""
    row = context.state.operations.get(bytes.fromhex(name))
    if row is not None:
        send(context, row, first=False)


def acknowledged(context: Context, uuid: bytes, status_uuid: bytes) -> None:
    """Forget an operation whose end has been dealt with."""
    row = context.state.operations.get(uuid)
    if row is None or row.status.uuid is None or row.status.uuid.value != status_uuid:
        return
    del context.state.operations[uuid]
    context.state.operation_retries_s.pop(uuid, None)
    context.timers.cancel(("operation", uuid.hex(), ""))
    context.emit(Persist((Delete(_key(uuid)),)))


def _update(row: OperationRow) -> OperationUpdate:
    return OperationUpdate(row.uuid, row.framework_id, row.info, row.status)


def _key(uuid: bytes) -> str:
    return f"operations/{uuid.hex()}"
