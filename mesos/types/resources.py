"""``Resource`` and ``Attribute`` as they travel. Arithmetic lives in :mod:`mesos.resources`."""

from __future__ import annotations

from enum import StrEnum

from mesos.types.base import Labels, Wire
from mesos.types.containers import Volume
from mesos.types.ids import ResourceProviderID


class ValueType(StrEnum):
    """How a value is to be read. ``SET`` exists for resources, ``TEXT`` for attributes only."""

    SCALAR = "SCALAR"
    RANGES = "RANGES"
    SET = "SET"
    TEXT = "TEXT"


class Scalar(Wire, frozen=True):
    """A number; only three decimals count."""

    value: float


class Range(Wire, frozen=True):
    """Whole numbers from ``begin`` to ``end``, both included."""

    begin: int
    end: int


class RangeList(Wire, frozen=True):
    """Several ranges, in any order and possibly overlapping."""

    range: tuple[Range, ...] = ()


class ItemSet(Wire, frozen=True):
    """A set of names."""

    item: tuple[str, ...] = ()


class Text(Wire, frozen=True):
    """A text value."""

    value: str


class Attribute(Wire, frozen=True, kw_only=True):
    """A fact about an agent that frameworks place by."""

    name: str
    type: ValueType
    scalar: Scalar | None = None
    ranges: RangeList | None = None
    set: ItemSet | None = None
    text: Text | None = None


class ReservationType(StrEnum):
    """Whether an agent's flag or an operation made the reservation."""

    STATIC = "STATIC"
    DYNAMIC = "DYNAMIC"


class ReservationInfo(Wire, frozen=True):
    """One level of a reservation stack (or the old single ``reservation``, which has neither type nor role)."""

    type: ReservationType | None = None
    role: str | None = None
    principal: str | None = None
    labels: Labels | None = None


class AllocationInfo(Wire, frozen=True):
    """To which of a framework's roles resources are allocated."""

    role: str | None = None


class Persistence(Wire, frozen=True):
    """What makes a disk a persistent volume."""

    id: str
    principal: str | None = None


class DiskPath(Wire, frozen=True):
    """A disk that is a directory, divisible."""

    root: str | None = None


class DiskSource(Wire, frozen=True, kw_only=True):
    """Where a disk comes from: ``PATH``, ``MOUNT``, ``BLOCK`` or ``RAW``."""

    type: str
    path: DiskPath | None = None
    mount: DiskPath | None = None
    vendor: str | None = None
    id: str | None = None
    metadata: Labels | None = None
    profile: str | None = None


class DiskInfo(Wire, frozen=True):
    """Details of a disk resource."""

    persistence: Persistence | None = None
    volume: Volume | None = None
    source: DiskSource | None = None


class Revocable(Wire, frozen=True):
    """Present when the resource may be taken back at any time."""


class Shared(Wire, frozen=True):
    """Present when several tasks may use the (persistent volume) resource at once."""


class Resource(Wire, frozen=True, kw_only=True):
    """One resource of an agent, an offer or a task."""

    name: str
    type: ValueType
    scalar: Scalar | None = None
    ranges: RangeList | None = None
    set: ItemSet | None = None
    role: str | None = None
    reservation: ReservationInfo | None = None
    reservations: tuple[ReservationInfo, ...] = ()
    allocation_info: AllocationInfo | None = None
    disk: DiskInfo | None = None
    revocable: Revocable | None = None
    shared: Shared | None = None
    provider_id: ResourceProviderID | None = None
