"""Is an operation what the rules ask for? Texts are upstream's. Source: Mesos ``master/validation.cpp`` (operation)."""

from __future__ import annotations

from collections.abc import Iterable

from master.core import roles
from master.core.rows import Agent, Framework
from master.core.state import State
from mesos.resources import Key, Resources, is_dynamic
from mesos.types.offers import Operation, OperationType
from mesos.types.resources import Resource


def problem(state: State, agent: Agent, operation: Operation, framework: Framework | None) -> str:
    """Return why an operation is not to be applied on ``agent``, ``""`` when it may be.

    :param framework: who asks; ``None`` for an operator.
    """
    match operation.type:
        case OperationType.RESERVE if operation.reserve is not None:
            return _reserve_problem(operation.reserve.resources, operation.reserve.source, framework)
        case OperationType.UNRESERVE if operation.unreserve is not None:
            return _unreserve_problem(operation.unreserve.resources)
        case OperationType.CREATE if operation.create is not None:
            return _create_problem(agent, operation.create.volumes, framework)
        case OperationType.DESTROY if operation.destroy is not None:
            return _destroy_problem(state, agent, operation.destroy.volumes)
        case OperationType.GROW_VOLUME if operation.grow_volume is not None:
            return _resize_problem(agent, operation.grow_volume.volume)
        case OperationType.SHRINK_VOLUME if operation.shrink_volume is not None:
            return _resize_problem(agent, operation.shrink_volume.volume)
    return ""


def _single(resource: Resource) -> tuple[Key, str]:
    held = Resources.from_wire((resource,))
    return next((key for key, _ in held), Key(resource.name)), str(held)


def _reserve_problem(resources: Iterable[Resource], source: tuple[Resource, ...], framework: Framework | None) -> str:
    if source and framework is not None:
        return "Re-reserving resources by a framework is not supported: 'source' must be empty"
    for resource in resources:
        key, text = _single(resource)
        if not key.reservations or not is_dynamic(key):
            return f"Resource {text} is not dynamically reserved"
        if key.reservations[-1].type != "DYNAMIC":
            return f"Resource {text} is not dynamically reserved"
        found = _stack_problem(key)
        if found:
            return found
        if key.persistence_id is not None and not source:
            return f"A persistent volume {text} must already be reserved"
        if key.revocable:
            return f"Revocable resource {text} cannot be reserved"
        if framework is not None:
            found = _framework_may_reserve(key, text, framework)
            if found:
                return found
    return ""


def _stack_problem(key: Key) -> str:
    above = None
    for each in key.reservations:
        found = roles.problem(each.role or "*")
        if found or each.role in (None, "*"):
            return f"Invalid reservation: {found or 'Role * cannot be reserved for'}"
        if above is not None and not (each.role or "").startswith(f"{above}/"):
            return f"Invalid reservation: role '{each.role}' is not a child of '{above}'"
        above = each.role
    return ""


def _framework_may_reserve(key: Key, text: str, framework: Framework) -> str:
    top = key.reservations[-1]
    if top.principal != framework.info.principal:
        return (
            f"A reserve operation was attempted by framework principal '{framework.info.principal or ''}', but the "
            f"reservation in {text} names principal '{top.principal or ''}'"
        )
    mine = framework.info.all_roles
    if not any(top.role == role or role.startswith(f"{top.role}/") for role in mine):
        return (
            f"A reserve operation was attempted for a resource with role '{top.role}', but the framework can only "
            f"reserve resources with roles '{{ {', '.join(mine)} }}'"
        )
    return ""


def _unreserve_problem(resources: Iterable[Resource]) -> str:
    for resource in resources:
        key, text = _single(resource)
        if not key.reservations or key.reservations[-1].type == "STATIC":
            return f"Resource {text} is not dynamically reserved"
        if key.persistence_id is not None:
            return (
                f"A dynamically reserved persistent volume {text} cannot be unreserved directly. "
                "Please destroy the persistent volume first then unreserve the resource"
            )
    return ""


def _create_problem(agent: Agent, volumes: Iterable[Resource], framework: Framework | None) -> str:
    taken: set[tuple[str, str | None]] = {
        (key.role, key.persistence_id) for key, _ in agent.total if key.persistence_id is not None
    }
    for resource in volumes:
        key, text = _single(resource)
        found = _volume_problem(key, text)
        if found:
            return found
        if (key.role, key.persistence_id) in taken:
            return f"Persistence ID '{key.persistence_id}' is not unique"
        taken.add((key.role, key.persistence_id))
        if framework is not None:
            found = _framework_may_create(key, framework)
            if found:
                return found
    return ""


def _volume_problem(key: Key, text: str) -> str:
    if key.disk is None:
        return f"Not a persistent volume: Resource {text} does not have DiskInfo"
    if key.disk.persistence is None:
        return f"Not a persistent volume: Resource {text} does not have 'disk.persistence'"
    volume, persistence_id = key.disk.volume, key.disk.persistence.id
    if not persistence_id or persistence_id in (".", "..") or "/" in persistence_id or len(persistence_id) > 255:
        return f"Persistence ID '{persistence_id}' contains invalid characters"
    if volume is None:
        return "Expecting 'volume' to be set for persistent volume"
    if volume.mode == "RO":
        return "Read-only persistent volume not supported"
    if volume.host_path is not None:
        return "Expecting 'host_path' to be unset for persistent volume"
    if not key.reservations:
        return "Persistent volumes cannot be created from unreserved resources"
    if key.revocable:
        return "Persistent volumes cannot be created from revocable resources"
    return ""


def _framework_may_create(key: Key, framework: Framework) -> str:
    assert key.disk is not None
    assert key.disk.persistence is not None
    if key.shared and not framework.info.has("SHARED_RESOURCES"):
        return (
            f"Create volume operation for '{key.persistence_id}' has been attempted by a framework with no "
            "SHARED_RESOURCES capability"
        )
    if key.disk.persistence.principal != framework.info.principal:
        return (
            f"Create volume operation has been attempted by principal '{framework.info.principal or ''}', but there "
            f"is a volume in the operation with principal '{key.disk.persistence.principal or ''}' set in 'DiskInfo'"
        )
    return ""


def _destroy_problem(state: State, agent: Agent, volumes: tuple[Resource, ...]) -> str:
    wanted = Resources.from_wire(volumes).allocated_to(None)
    if not agent.total.contains(wanted):
        return "Persistent volumes not found"
    used = {key for key, _ in state.used_on(agent.id).allocated_to(None)}
    if any(key in used for key, _ in wanted):
        return "Persistent volumes in use"
    return ""


def _resize_problem(agent: Agent, volume: Resource) -> str:
    key, text = _single(volume)
    if key.persistence_id is None:
        return f"Resource {text} is not a persistent volume"
    if key.shared:
        return f"Shared persistent volume {text} cannot be resized"
    source = key.disk.source if key.disk is not None else None
    if source is not None and source.type == "MOUNT":
        return f"Persistent volume {text} on a MOUNT disk cannot be resized"
    if all(each.type != "RESIZE_VOLUME" for each in agent.capabilities):
        return f"Volume {text} cannot be resized on agent {agent.id} because it does not support resizing volume"
    return ""
