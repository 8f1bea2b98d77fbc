"""The parts of Marathon's ``GET /v2/apps?embed=apps.tasks`` that matter here.

Every member may be missing or ``null``: Marathon's versions differ in what they leave out. Each app is decoded by
itself, so that one odd app does not hide the others.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


class _Part(msgspec.Struct, frozen=True, rename="camel"):
    """Something inside an app document."""


class HealthResult(_Part, frozen=True):
    """What Marathon's last probe of a task found."""

    alive: bool | None = None


class IpAddress(_Part, frozen=True):
    """One address of a task's container."""

    ip_address: str | None = None


class Task(_Part, frozen=True):
    """One task of an app."""

    id: str = ""
    host: str | None = None
    ports: tuple[int, ...] | None = None
    state: str | None = None
    ip_addresses: tuple[IpAddress, ...] | None = None
    health_check_results: tuple[HealthResult | None, ...] | None = None


class HealthCheck(_Part, frozen=True):
    """One health check of an app. Times in seconds."""

    protocol: str | None = None
    path: str | None = None
    port: int | None = None
    port_index: int | None = None
    timeout_seconds: float | None = None
    interval_seconds: float | None = None
    grace_period_seconds: float | None = None
    max_consecutive_failures: int | None = None


class PortMapping(_Part, frozen=True):
    """A container port and the service port that stands for it."""

    container_port: int | None = None
    service_port: int | None = None


class Docker(_Part, frozen=True):
    """The Docker part of a container, where versions before 1.5 keep the network."""

    network: str | None = None
    port_mappings: tuple[PortMapping, ...] | None = None


class Container(_Part, frozen=True):
    """How an app is contained."""

    docker: Docker | None = None
    port_mappings: tuple[PortMapping, ...] | None = None


class Network(_Part, frozen=True):
    """One network of an app: ``host``, ``container`` or ``container/bridge``."""

    mode: str | None = None


class PortDefinition(_Part, frozen=True):
    """One port of an app on host networking."""

    port: int | None = None


class DiscoveryPort(_Part, frozen=True):
    """One port of an app with an address per task."""

    number: int | None = None


class Discovery(_Part, frozen=True):
    """What an address per task announces."""

    ports: tuple[DiscoveryPort, ...] | None = None


class IpPerTask(_Part, frozen=True):
    """The address per task of versions before 1.5."""

    discovery: Discovery | None = None


class App(_Part, frozen=True):
    """One app with its tasks."""

    id: str
    labels: dict[str, str] | None = None
    instances: int | None = None
    tasks: tuple[Task, ...] | None = None
    health_checks: tuple[HealthCheck, ...] | None = None
    networks: tuple[Network, ...] | None = None
    container: Container | None = None
    ip_address: IpPerTask | None = None
    port_definitions: tuple[PortDefinition, ...] | None = None
    ports: tuple[int, ...] | None = None


class _Identified(msgspec.Struct, frozen=True):
    id: str = "?"


class _Apps(msgspec.Struct, frozen=True):
    apps: list[msgspec.Raw]


class _OneApp(msgspec.Struct, frozen=True):
    app: msgspec.Raw


def decode_apps(body: bytes) -> tuple[list[App], dict[str, str]]:
    """Return the apps of an answer, and by id why others could not be read.

    :raises ValueError: when the answer is no list of apps at all.
    """
    apps: list[App] = []
    unreadable: dict[str, str] = {}
    for raw in _decode(body, _Apps).apps:
        try:
            apps.append(msgspec.json.decode(raw, type=App))
        except msgspec.MsgspecError as error:
            unreadable[_decode(raw, _Identified).id] = str(error)
    return apps, unreadable


def decode_app(body: bytes) -> App:
    """Return the app of a ``GET /v2/apps/{id}`` answer. :raises ValueError: when it cannot be read."""
    return _decode(_decode(body, _OneApp).app, App)


def _decode(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
