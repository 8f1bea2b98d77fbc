"""What RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME and SHRINK_VOLUME make of resources.

Every one of them takes some resources of an agent away and puts others of the same quantity in their place; the master
does it at once, the agent when the order arrives, both with :func:`conversion`. Source: Mesos ``resources.cpp``
(``getResourceConversions``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from mesos.errors import MezzoError
from mesos.resources import EMPTY, Amount, Key, Resources, is_dynamic
from mesos.types.offers import Operation, OperationType
from mesos.types.resources import AllocationInfo, DiskInfo, Resource

_Change = Callable[[Key], Key]

CONVERTING = frozenset(
    {
        OperationType.RESERVE,
        OperationType.UNRESERVE,
        OperationType.CREATE,
        OperationType.DESTROY,
        OperationType.GROW_VOLUME,
        OperationType.SHRINK_VOLUME,
    }
)
"""Operations that change resources rather than use them."""


class OperationError(MezzoError):
    """An operation cannot be applied. The text is for whoever asked for it."""


class Conversion(NamedTuple):
    """``converted`` stands in the place of ``consumed``."""

    consumed: Resources
    converted: Resources

    def apply(self, total: Resources) -> Resources:
        """Return ``total`` after the conversion. :raises OperationError: when it does not hold what is consumed."""
        if not total.contains(self.consumed):
            raise OperationError(f"{total} does not contain {self.consumed}")
        return total - self.consumed + self.converted

    def allocated_to(self, role: str | None) -> Conversion:
        """Return the same with another allocation role."""
        return Conversion(self.consumed.allocated_to(role), self.converted.allocated_to(role))


def conversion(operation: Operation) -> Conversion:
    """Return what an operation does. Resources keep the allocation roles that they are given with.

    :raises OperationError: when the operation does not say what its type asks for, or is none that converts.
    :raises mesos.resources.ResourceError: for a resource that breaks a rule by itself.
    """
    kind = operation.type
    if kind is OperationType.RESERVE and operation.reserve is not None:
        new = Resources.from_wire(operation.reserve.resources)
        if operation.reserve.source:
            return Conversion(Resources.from_wire(operation.reserve.source), new)
        return Conversion(_each(new, without_top_reservation), new)
    if kind is OperationType.UNRESERVE and operation.unreserve is not None:
        old = Resources.from_wire(operation.unreserve.resources)
        return Conversion(old, _each(old, without_top_reservation))
    if kind is OperationType.CREATE and operation.create is not None:
        volumes = Resources.from_wire(operation.create.volumes)
        return Conversion(_each(volumes, without_volume), volumes)
    if kind is OperationType.DESTROY and operation.destroy is not None:
        volumes = Resources.from_wire(operation.destroy.volumes)
        return Conversion(volumes, _each(volumes, without_volume))
    if kind is OperationType.GROW_VOLUME and operation.grow_volume is not None:
        return _grow(operation.grow_volume.volume, operation.grow_volume.addition)
    if kind is OperationType.SHRINK_VOLUME and operation.shrink_volume is not None:
        return _shrink(operation.shrink_volume.volume, operation.shrink_volume.subtract.value)
    raise OperationError(f"Operation {kind or 'without type'} has no content that can be applied")


def without_top_reservation(key: Key) -> Key:
    """Return the key of the same resource, one reservation less."""
    return msgspec.structs.replace(key, reservations=key.reservations[:-1])


def without_volume(key: Key) -> Key:
    """Return the key of the disk that a persistent volume is made of."""
    source = key.disk.source if key.disk is not None else None
    return msgspec.structs.replace(key, disk=DiskInfo(source=source) if source is not None else None, shared=False)


def checkpointed(total: Resources) -> Resources:
    """Return what an agent has to remember: dynamic reservations and persistent volumes."""
    return total.filter(lambda key: is_dynamic(key) or key.persistence_id is not None)


def with_checkpointed(base: Resources, kept: Resources) -> Resources:
    """Return an agent's resources: those of its flags, with reservations and volumes made since.

    :raises OperationError: when the flags do not give any more what was reserved.
    """
    bare = _each(kept, lambda key: _without_dynamic(without_volume(key)))
    if not base.contains(bare):
        raise OperationError(
            f"the agent's resources {base} do not contain {bare}, of which reservations or volumes were made; "
            "give it at least these by --resources"
        )
    return base - bare + kept


def _without_dynamic(key: Key) -> Key:
    static = tuple(each for each in key.reservations if each.type == "STATIC")
    return msgspec.structs.replace(key, reservations=static)


def _each(resources: Resources, change: _Change) -> Resources:
    total = EMPTY
    for key, amount in resources:
        total += Resources({change(key): amount})
    return total


def _single(resource: Resource) -> tuple[Key, Amount]:
    for key, amount in Resources.from_wire((resource,)):
        return key, amount
    raise OperationError(f"Resource '{resource.name}' is empty")


def _grow(volume: Resource, addition: Resource) -> Conversion:
    (key, size), (more_key, more) = _single(volume), _single(addition)
    if without_volume(key) != more_key:
        raise OperationError("The volume and the addition are not of the same disk, reservation and role")
    if not isinstance(size, int) or not isinstance(more, int):
        raise OperationError("A volume and its addition must be scalars")
    return Conversion(Resources({key: size, more_key: more}), Resources({key: size + more}))


def _shrink(volume: Resource, subtract_mb: float) -> Conversion:
    key, size = _single(volume)
    less = round(subtract_mb * 1000)
    if not isinstance(size, int) or less <= 0:
        raise OperationError("The value to subtract from a volume must be above 0")
    if less >= size:
        raise OperationError(f"A volume of {size / 1000:g} MB cannot be made smaller by {less / 1000:g} MB")
    return Conversion(Resources({key: size}), Resources({key: size - less, without_volume(key): less}))


def allocated(operation: Operation, role: str | None) -> Operation:
    """Return the operation with the allocation role of all its resources set, or taken away by ``None``."""
    fields = {}
    for name in ("reserve", "unreserve", "create", "destroy", "grow_volume", "shrink_volume"):
        payload = getattr(operation, name)
        if payload is not None:
            fields[name] = msgspec.structs.replace(payload, **_allocated_fields(payload, role))
    return msgspec.structs.replace(operation, **fields)


def _allocated_fields(payload: msgspec.Struct, role: str | None) -> dict[str, object]:
    changed: dict[str, object] = {}
    for name in payload.__struct_fields__:
        value = getattr(payload, name)
        if isinstance(value, Resource):
            changed[name] = _allocated_one(value, role)
        elif isinstance(value, tuple):
            changed[name] = tuple(_allocated_one(each, role) for each in value)
    return changed


def _allocated_one(resource: Resource, role: str | None) -> Resource:
    return msgspec.structs.replace(resource, allocation_info=AllocationInfo(role) if role is not None else None)
