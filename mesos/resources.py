"""Arithmetic on resources: ``+``, ``-``, ``contains``, by role, to and from the wire.

A :class:`Resources` value is a bag of amounts, each under a :class:`Key` that says what makes two amounts addable:
the name and everything that sets them apart (reservation stack, allocation role, disk, revocable, provider). Scalars
are whole thousandths, so that 0.1 + 0.2 == 0.3; ranges are coalesced; sets are sets. Nothing that is zero or empty is
kept.

Values never change; every operation gives a new one. Source: Mesos ``resources.cpp``, ``values.cpp`` (fixed point with
three decimals, rounding half away from zero).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from mesos import ranges as rg
from mesos.codec import from_builtins
from mesos.errors import CodecError, MezzoError
from mesos.ranges import Ranges
from mesos.types.ids import ResourceProviderID
from mesos.types.resources import (
    AllocationInfo,
    DiskInfo,
    ItemSet,
    Range,
    RangeList,
    ReservationInfo,
    ReservationType,
    Resource,
    Revocable,
    Scalar,
    Shared,
    ValueType,
)

THOUSAND = 1000
"""Thousandths in one."""

Amount = int | Ranges | frozenset[str]
"""Thousandths, ranges or items."""

_ITEM = re.compile(r"(?P<name>[^():;]+)(?:\((?P<role>[^()]*)\))?:(?P<value>.+)\Z")


class ResourceError(MezzoError):
    """A resource breaks a rule. The text names the resource and the rule."""


class Key(msgspec.Struct, frozen=True):
    """What two amounts must share to be added."""

    name: str
    reservations: tuple[ReservationInfo, ...] = ()
    allocation_role: str | None = None
    disk: DiskInfo | None = None
    revocable: bool = False
    shared: bool = False
    provider_id: str | None = None

    @property
    def role(self) -> str:
        """The role of the innermost reservation, ``*`` when there is none."""
        return self.reservations[-1].role or "*" if self.reservations else "*"

    @property
    def persistence_id(self) -> str | None:
        """The id of the persistent volume that this is, ``None`` when it is none."""
        return self.disk.persistence.id if self.disk is not None and self.disk.persistence is not None else None

    @property
    def divisible(self) -> bool:
        """Whether a part of it is something: a persistent volume or a mounted disk is taken whole."""
        if self.disk is None:
            return True
        return self.disk.persistence is None and (self.disk.source is None or self.disk.source.type == "PATH")


def thousandths(value: float) -> int:
    """Return ``value`` in thousandths, rounded half away from zero."""
    scaled = math.floor(abs(value) * THOUSAND + 0.5)
    return scaled if value >= 0 else -scaled


class Resources:
    """An immutable bag of resources."""

    __slots__ = ("_amounts",)

    def __init__(self, amounts: Mapping[Key, Amount] | None = None) -> None:
        self._amounts: dict[Key, Amount] = {k: v for k, v in amounts.items() if _is_some(v)} if amounts else {}

    @classmethod
    def parse(cls, text: str, default_role: str = "*") -> Resources:
        """Read ``cpus:2;mem(ads):512;ports:[31000-32000]`` or a JSON array of resources.

        :raises ResourceError: naming the part that cannot be read.
        """
        if text.strip().startswith("["):
            return cls.from_wire(_from_json(text), default_role)
        total = cls()
        for part in filter(None, (piece.strip() for piece in re.split(r"[;\n]", text.replace(" ", "")))):
            total += cls(_parse_item(part, default_role))
        return total

    @classmethod
    def from_wire(cls, resources: Iterable[Resource], default_role: str = "*") -> Resources:
        """Take resources in either form, with ``reservations`` or with the old ``role`` and ``reservation``.

        :raises ResourceError: when a resource has no value of its type or a negative one.
        """
        amounts: dict[Key, Amount] = {}
        for resource in resources:
            key, amount = _key(resource, default_role), _amount(resource)
            amounts[key] = _add(amounts[key], amount) if key in amounts else amount
        return cls(amounts)

    def to_wire(self, *, refined: bool = True, endpoint: bool = False) -> tuple[Resource, ...]:
        """Return the resources as messages carry them.

        :param refined: reservations as a stack; otherwise the old ``role`` and ``reservation``.
        :param endpoint: the stack, and the old fields beside it where there is at most one reservation.
        """
        return tuple(_to_resource(key, amount, refined, endpoint) for key, amount in self._amounts.items())

    def __add__(self, other: Resources) -> Resources:
        if not self._amounts:
            return other
        result = dict(self._amounts)
        for key, amount in other._amounts.items():
            result[key] = _add(result[key], amount) if key in result else amount
        return _made(result)

    def __sub__(self, other: Resources) -> Resources:
        if not other._amounts:
            return self
        result = dict(self._amounts)
        for key, amount in other._amounts.items():
            if key in result:
                rest = _subtract(result[key], amount)
                if _is_some(rest):
                    result[key] = rest
                else:
                    del result[key]
        return _made(result)

    def contains(self, other: Resources) -> bool:
        """Tell whether everything in ``other`` is here."""
        mine = self._amounts
        return all(
            key in mine and (_contains(mine[key], amount) if key.divisible else mine[key] == amount)
            for key, amount in other._amounts.items()
        )

    def __bool__(self) -> bool:
        return bool(self._amounts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resources) and self._amounts == other._amounts

    def __hash__(self) -> int:
        return hash(frozenset(self._amounts.items()))

    def __iter__(self) -> Iterator[tuple[Key, Amount]]:
        return iter(self._amounts.items())

    def __repr__(self) -> str:
        return f"Resources({self})"

    def __str__(self) -> str:
        return "; ".join(_text(key, amount) for key, amount in self._amounts.items())

    def millis(self, name: str) -> int:
        """Return the thousandths of a scalar, over all its keys."""
        return sum(a for k, a in self._amounts.items() if k.name == name and isinstance(a, int))

    def scalar(self, name: str) -> float:
        """Return a scalar's amount, over all its keys; 0.0 when there is none."""
        return self.millis(name) / THOUSAND

    def ranges(self, name: str) -> Ranges:
        """Return the numbers under a name, over all its keys."""
        result: Ranges = ()
        for key, amount in self._amounts.items():
            if key.name == name and isinstance(amount, tuple):
                result = rg.union(result, amount)
        return result

    def scalars(self) -> dict[str, int]:
        """Return the thousandths of every scalar by name."""
        totals: dict[str, int] = {}
        for key, amount in self._amounts.items():
            if isinstance(amount, int):
                totals[key.name] = totals.get(key.name, 0) + amount
        return totals

    def filter(self, keep: Any) -> Resources:
        """Return what ``keep(key)`` is true for."""
        return _made({k: v for k, v in self._amounts.items() if keep(k)})

    def exclusive(self) -> Resources:
        """Return what only one task can use at a time: everything that is not shared."""
        if not any(key.shared for key in self._amounts):
            return self
        return self.filter(lambda key: not key.shared)

    def unreserved(self) -> Resources:
        """Return what belongs to no role."""
        return self.filter(lambda key: not key.reservations)

    def reservations(self) -> dict[str, Resources]:
        """Return what is reserved, by role."""
        roles: dict[str, dict[Key, Amount]] = {}
        for key, amount in self._amounts.items():
            if key.reservations:
                roles.setdefault(key.role, {})[key] = amount
        return {role: _made(amounts) for role, amounts in roles.items()}

    def allocatable_to(self, role: str) -> Resources:
        """Return what may be offered to ``role``: the unreserved, and what is reserved for it or an ancestor."""
        return self.filter(lambda k: not k.reservations or k.role == role or role.startswith(f"{k.role}/"))

    def allocated_to(self, role: str | None) -> Resources:
        """Return the same with the allocation role set, or taken away by ``None``."""
        result: dict[Key, Amount] = {}
        for key, amount in self._amounts.items():
            new = key if key.allocation_role == role else msgspec.structs.replace(key, allocation_role=role)
            result[new] = _add(result[new], amount) if new in result else amount
        return _made(result)

    def as_dict(self) -> dict[str, Any]:
        """Return the legacy JSON form: ``cpus gpus mem disk`` always, ranges and sets as text, when there are any.

        Amounts of all roles are added up; revocable ones stand under ``<name>_revocable``.
        """
        result: dict[str, Any] = {"cpus": 0.0, "gpus": 0.0, "mem": 0.0, "disk": 0.0}
        pieces: dict[str, Ranges | frozenset[str]] = {}
        for key, amount in self._amounts.items():
            name = f"{key.name}_revocable" if key.revocable else key.name
            if isinstance(amount, int):
                result[name] = result.get(name, 0.0) + amount / THOUSAND
            else:
                old = pieces.get(name)
                pieces[name] = amount if old is None else _add(old, amount)  # type: ignore[assignment]
        for name, value in pieces.items():
            result[name] = rg.text(value) if isinstance(value, tuple) else "{" + ", ".join(sorted(value)) + "}"
        return result


EMPTY = Resources()
"""No resources at all."""


def scalar(name: str, value: float) -> Resource:
    """Make an unreserved scalar, e.g. ``scalar("cpus", 0.5)``."""
    return Resource(name=name, type=ValueType.SCALAR, scalar=Scalar(float(value)))


def ranges_of(name: str, ranges: Ranges) -> Resource:
    """Make unreserved ranges, e.g. ``ranges_of("ports", ((31000, 31001),))``."""
    listed = tuple(Range(begin, end) for begin, end in ranges)
    return Resource(name=name, type=ValueType.RANGES, ranges=RangeList(listed))


def is_dynamic(key: Key) -> bool:
    """Tell whether an operation, not an agent's flag, has reserved this."""
    return any(each.type is not ReservationType.STATIC for each in key.reservations)


def _made(amounts: dict[Key, Amount]) -> Resources:
    result = Resources()
    result._amounts = amounts
    return result


def _is_some(amount: Amount) -> bool:
    return amount > 0 if isinstance(amount, int) else bool(amount)


def _add(left: Amount, right: Amount) -> Amount:
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    if isinstance(left, tuple) and isinstance(right, tuple):
        return rg.union(left, right)
    if isinstance(left, frozenset) and isinstance(right, frozenset):
        return left | right
    raise ResourceError("resources of one name must be of one type")


def _subtract(left: Amount, right: Amount) -> Amount:
    if isinstance(left, int) and isinstance(right, int):
        return left - right
    if isinstance(left, tuple) and isinstance(right, tuple):
        return rg.difference(left, right)
    if isinstance(left, frozenset) and isinstance(right, frozenset):
        return left - right
    return left


def _contains(left: Amount, right: Amount) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        return left >= right
    if isinstance(left, tuple) and isinstance(right, tuple):
        return rg.contains(left, right)
    return isinstance(left, frozenset) and isinstance(right, frozenset) and left >= right


def _from_json(text: str) -> list[Resource]:
    try:
        documents = msgspec.json.decode(text)
        return [from_builtins(document, Resource) for document in documents]
    except (msgspec.DecodeError, CodecError) as error:
        raise ResourceError(f"resources are no JSON array of Resource: {error}") from error


def _parse_item(part: str, default_role: str) -> dict[Key, Amount]:
    match = _ITEM.match(part)
    if match is None:
        raise ResourceError(f"Bad value for resources, missing or extra ':' in {part}")
    role, value = match["role"] or default_role, match["value"]
    stack = () if role == "*" else (ReservationInfo(ReservationType.STATIC, role),)
    return {Key(match["name"], stack): _parse_value(part, value)}


def _parse_value(part: str, value: str) -> Amount:
    if value.startswith("{") and value.endswith("}"):
        return frozenset(filter(None, value[1:-1].split(",")))
    try:
        if value.startswith("["):
            return rg.parse(value)
        number = float(value)
    except ValueError as error:
        raise ResourceError(f"Bad value for resource {part}: {error}") from error
    if not math.isfinite(number) or number < 0:
        raise ResourceError(f"Resource '{part}' is invalid: a scalar must be finite and not negative")
    return thousandths(number)


def _key(resource: Resource, default_role: str) -> Key:
    stack = _stack(resource, default_role)
    if not stack and resource.allocation_info is None and resource.disk is None and resource.revocable is None:
        return Key(resource.name)  # what most resources are
    return Key(
        resource.name,
        stack,
        resource.allocation_info.role if resource.allocation_info else None,
        resource.disk,
        resource.revocable is not None,
        resource.shared is not None,
        resource.provider_id.value if resource.provider_id else None,
    )


def _stack(resource: Resource, default_role: str) -> tuple[ReservationInfo, ...]:
    if resource.reservations:
        return resource.reservations
    role = resource.role if resource.role is not None else default_role
    if role == "*":
        return ()
    if resource.reservation is None:
        return (ReservationInfo(ReservationType.STATIC, role),)
    old = resource.reservation
    return (ReservationInfo(ReservationType.DYNAMIC, role, old.principal, old.labels),)


def _amount(resource: Resource) -> Amount:
    match resource.type:
        case ValueType.SCALAR if resource.scalar is not None:
            value = resource.scalar.value
            if not math.isfinite(value) or value < 0:
                raise ResourceError(
                    f"Resource '{resource.name}:{value:g}' is invalid: Invalid scalar resource: value <= 0"
                )
            return thousandths(value)
        case ValueType.RANGES if resource.ranges is not None:
            try:
                return rg.coalesce((each.begin, each.end) for each in resource.ranges.range)
            except ValueError as error:
                raise ResourceError(f"Resource '{resource.name}' is invalid: {error}") from error
        case ValueType.SET if resource.set is not None:
            return frozenset(resource.set.item)
    raise ResourceError(f"Resource '{resource.name}' is invalid: it has no {resource.type.lower()} value")


def _to_resource(key: Key, amount: Amount, refined: bool, endpoint: bool) -> Resource:
    values: dict[str, Any] = {}
    if isinstance(amount, int):
        values = {"type": ValueType.SCALAR, "scalar": Scalar(amount / THOUSAND)}
    elif isinstance(amount, tuple):
        listed = tuple(Range(begin, end) for begin, end in amount)
        values = {"type": ValueType.RANGES, "ranges": RangeList(listed)}
    else:
        values = {"type": ValueType.SET, "set": ItemSet(tuple(sorted(amount)))}
    if (refined or endpoint) and key.reservations:
        values["reservations"] = key.reservations
    if (not refined or endpoint) and len(key.reservations) <= 1:
        values |= _old_form(key)
    return Resource(
        name=key.name,
        allocation_info=AllocationInfo(key.allocation_role) if key.allocation_role is not None else None,
        disk=key.disk,
        revocable=Revocable() if key.revocable else None,
        shared=Shared() if key.shared else None,
        provider_id=ResourceProviderID(key.provider_id) if key.provider_id else None,
        **values,
    )


def _old_form(key: Key) -> dict[str, Any]:
    if not key.reservations:
        return {"role": "*"}
    top = key.reservations[-1]
    if top.type is ReservationType.STATIC:
        return {"role": key.role}
    return {"role": key.role, "reservation": ReservationInfo(principal=top.principal, labels=top.labels)}


def _text(key: Key, amount: Amount) -> str:
    marks = []
    if key.allocation_role is not None:
        marks.append(f"allocated: {key.allocation_role}")
    if key.reservations:
        marks.append("reservations: [" + ",".join(map(_reservation_text, key.reservations)) + "]")
    name = key.name + (f"({', '.join(marks)})" if marks else "") + _disk_text(key.disk)
    name += ("<SHARED>" if key.shared else "") + ("{REV}" if key.revocable else "")
    if isinstance(amount, int):
        return f"{name}:{amount / THOUSAND:g}"
    return f"{name}:{rg.text(amount)}" if isinstance(amount, tuple) else f"{name}:{{{', '.join(sorted(amount))}}}"


def _reservation_text(info: ReservationInfo) -> str:
    return "(" + ",".join(filter(None, (info.type, info.role, info.principal))) + ")"


def _disk_text(disk: DiskInfo | None) -> str:
    if disk is None:
        return ""
    source = disk.source
    pieces = []
    if source is not None:
        root = source.path or source.mount
        pieces.append(source.type + (f":{root.root}" if root is not None and root.root else ""))
    if disk.persistence is not None:
        path = disk.volume.container_path if disk.volume is not None else ""
        pieces.append(f"{disk.persistence.id}:{path}")
    return f"[{','.join(pieces)}]"
