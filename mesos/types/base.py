"""What all wire types share.

A wire type is a frozen struct whose field names are those of Mesos' v1 JSON. Encoding follows the proto rules: an
unset optional field is left out, an empty list is left out, and a field with a proto default is always written
(see :func:`emitted`). Source: Mesos ``json.hpp``/``protobuf.hpp`` in stout.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Wire(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of all v1 messages: immutable, compared by value, never part of a cycle."""


def emitted(value: T) -> T:
    """Declare a field that is written even when it has its default, as proto fields with a declared default are."""
    result: Any = msgspec.field(default_factory=lambda: value)
    return result  # type: ignore[no-any-return]


class TimeInfo(Wire, frozen=True):
    """A point in time, nanoseconds since the Unix epoch."""

    nanoseconds: int


class DurationInfo(Wire, frozen=True):
    """A length of time in nanoseconds; may be negative on the wire, which validation refuses."""

    nanoseconds: int


class Label(Wire, frozen=True):
    """One key with an optional value."""

    key: str
    value: str | None = None


class Labels(Wire, frozen=True):
    """Labels as v1 nests them: ``{"labels": [{"key": ..., "value": ...}]}``."""

    labels: tuple[Label, ...] = ()


class Address(Wire, frozen=True):
    """Where a process listens."""

    port: int
    hostname: str | None = None
    ip: str | None = None


class Parameter(Wire, frozen=True):
    """A key and a value, both required."""

    key: str
    value: str


class URL(Wire, frozen=True):
    """A URL in parts, as offers carry the agent's."""

    scheme: str
    address: Address
    path: str | None = None
    query: tuple[Parameter, ...] = ()
    fragment: str | None = None


class Version(Wire, frozen=True):
    """What ``GET_VERSION`` tells."""

    version: str
    build_date: str | None = None
    build_time: float | None = None
    build_user: str | None = None
    git_sha: str | None = None
    git_branch: str | None = None
    git_tag: str | None = None


class Region(Wire, frozen=True):
    """Name of a region."""

    name: str


class Zone(Wire, frozen=True):
    """Name of a zone within a region."""

    name: str


class FaultDomain(Wire, frozen=True):
    """What fails together."""

    region: Region
    zone: Zone


class DomainInfo(Wire, frozen=True):
    """The fault domain of a master or an agent."""

    fault_domain: FaultDomain | None = None


class Unavailability(Wire, frozen=True):
    """When a machine will be out of service; no duration means until further notice."""

    start: TimeInfo
    duration: DurationInfo | None = None
