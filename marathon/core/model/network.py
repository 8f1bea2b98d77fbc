"""How an app is reached: its networks, and the ports it asks for. Source: Marathon ``networks.raml``."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class NetworkMode(StrEnum):
    """Whose network namespace a container lives in."""

    HOST = "host"
    BRIDGE = "container/bridge"
    CONTAINER = "container"


class Network(msgspec.Struct, frozen=True, rename="camel"):
    """A network that an app joins; only container networks have names."""

    mode: NetworkMode = NetworkMode.CONTAINER
    name: str | None = None
    labels: dict[str, str] = {}


class PortDefinition(msgspec.Struct, frozen=True, rename="camel"):
    """A port in the host's network. ``port`` is the service port; with ``requirePorts`` it is the host port too."""

    port: int = 0
    protocol: str = "tcp"
    name: str | None = None
    labels: dict[str, str] = {}


class PortMapping(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A port of a container. ``container_port`` 0 is the assigned host port; ``host_port`` 0 is any, ``None`` none."""

    container_port: int = 0
    host_port: int | None = None
    protocol: str = "tcp"
    service_port: int = 0
    name: str | None = None
    labels: dict[str, str] = {}
    network_names: tuple[str, ...] = ()
