"""Containers and their volumes. Source: Marathon ``appContainer.raml``, ``volumes.raml``, ``linuxInfo.raml``."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from marathon.core.model.network import PortMapping


class EngineType(StrEnum):
    """Who runs a container."""

    DOCKER = "DOCKER"
    MESOS = "MESOS"


class DockerParameter(msgspec.Struct, frozen=True, rename="camel"):
    """One argument handed through to the Docker engine; order and repetition matter."""

    key: str
    value: str


class PullConfig(msgspec.Struct, frozen=True, rename="camel"):
    """The secret that a private registry is asked with."""

    secret: str


class Docker(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The image of a container and how to run it."""

    image: str
    force_pull_image: bool = False
    privileged: bool = False
    parameters: tuple[DockerParameter, ...] = ()
    pull_config: PullConfig | None = None


class Seccomp(msgspec.Struct, frozen=True, rename="camel"):
    """Which system calls a container may make."""

    unconfined: bool
    profile_name: str | None = None


class IpcInfo(msgspec.Struct, frozen=True, rename="camel"):
    """Whether a container shares memory segments with its parent; ``shm_size`` in MiB."""

    mode: str
    shm_size: int | None = None


class LinuxInfo(msgspec.Struct, frozen=True, rename="camel"):
    """What only Linux containers of the Mesos engine have."""

    seccomp: Seccomp | None = None
    ipc_info: IpcInfo | None = None


class PersistentVolume(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A volume on the agent's disk that outlives its task; sizes in MiB."""

    size: int
    type: str = "root"
    max_size: int | None = None
    profile_name: str | None = None
    constraints: tuple[tuple[str, ...], ...] = ()


class ExternalVolume(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A volume of a storage provider; ``size`` in GiB. What ``options`` may hold depends on the provider."""

    provider: str
    name: str | None = None
    options: dict[str, Any] = {}
    size: int | None = None
    shared: bool = False


class Volume(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One volume. Exactly one of ``host_path``, ``persistent``, ``external``, ``secret`` is set and says its kind."""

    container_path: str
    mode: str | None = None
    host_path: str | None = None
    persistent: PersistentVolume | None = None
    external: ExternalVolume | None = None
    secret: str | None = None


class Container(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What an app runs in. ``port_mappings`` is ``None`` in the host's network."""

    type: EngineType = EngineType.DOCKER
    docker: Docker | None = None
    linux_info: LinuxInfo | None = None
    volumes: tuple[Volume, ...] = ()
    port_mappings: tuple[PortMapping, ...] | None = None
