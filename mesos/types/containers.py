"""Commands and containers: what an agent is to run and in which walls."""

from __future__ import annotations

from enum import StrEnum

from mesos.types.base import DurationInfo, Labels, Parameter, Wire, emitted
from mesos.types.ids import ContainerID


class URI(Wire, frozen=True, kw_only=True):
    """Something the fetcher brings into the sandbox."""

    value: str
    executable: bool | None = None
    extract: bool = emitted(True)
    cache: bool | None = None
    output_file: str | None = None


class Variable(Wire, frozen=True, kw_only=True):
    """One environment variable; a ``SECRET`` one names where its value is."""

    name: str
    type: str = emitted("VALUE")
    value: str | None = None
    secret: Secret | None = None


class SecretReference(Wire, frozen=True):
    """Name (and key) of a secret in somebody's store."""

    name: str
    key: str | None = None


class SecretValue(Wire, frozen=True):
    """A secret itself."""

    data: bytes


class Secret(Wire, frozen=True):
    """A secret by reference or by value."""

    type: str | None = None
    reference: SecretReference | None = None
    value: SecretValue | None = None


class Environment(Wire, frozen=True):
    """Environment variables, in order."""

    variables: tuple[Variable, ...] = ()


class CommandInfo(Wire, frozen=True, kw_only=True):
    """``shell``: run ``/bin/sh -c value``; otherwise exec ``value`` with argv ``arguments`` (argv[0] included)."""

    uris: tuple[URI, ...] = ()
    environment: Environment | None = None
    shell: bool = emitted(True)
    value: str | None = None
    arguments: tuple[str, ...] = ()
    user: str | None = None


class HostPathSource(Wire, frozen=True):
    """A path of the host."""

    path: str


class SandboxPathSource(Wire, frozen=True):
    """A path in this container's (``SELF``) or its parent's (``PARENT``) sandbox."""

    path: str
    type: str | None = None


class DockerVolumeSource(Wire, frozen=True):
    """A volume of a Docker volume driver."""

    name: str
    driver: str | None = None
    driver_options: DriverOptions | None = None


class DriverOptions(Wire, frozen=True):
    """Options for a volume driver."""

    parameter: tuple[Parameter, ...] = ()


class VolumeSource(Wire, frozen=True, kw_only=True):
    """Where a volume comes from, when it is neither a host path nor an image."""

    type: str | None = None
    docker_volume: DockerVolumeSource | None = None
    host_path: HostPathSource | None = None
    sandbox_path: SandboxPathSource | None = None
    secret: Secret | None = None


class DockerImage(Wire, frozen=True):
    """An image reference."""

    name: str
    config: Secret | None = None


class Image(Wire, frozen=True, kw_only=True):
    """An image to be provisioned by the Mesos containerizer."""

    type: str
    docker: DockerImage | None = None
    cached: bool = emitted(True)


class Volume(Wire, frozen=True, kw_only=True):
    """Something mounted into a container."""

    container_path: str
    mode: str
    host_path: str | None = None
    image: Image | None = None
    source: VolumeSource | None = None


class PortMapping(Wire, frozen=True):
    """A container's port as a port of the host."""

    host_port: int
    container_port: int
    protocol: str | None = None


class DockerInfo(Wire, frozen=True, kw_only=True):
    """What the Docker engine needs to know."""

    image: str
    network: str = emitted("HOST")
    port_mappings: tuple[PortMapping, ...] = ()
    privileged: bool = emitted(False)
    parameters: tuple[Parameter, ...] = ()
    force_pull_image: bool | None = None
    volume_driver: str | None = None


class IPAddress(Wire, frozen=True):
    """An address to ask for, or the one that was given."""

    protocol: str = emitted("IPv4")
    ip_address: str | None = None


class NetworkInfo(Wire, frozen=True, kw_only=True):
    """A network to join, or the addresses a container got there."""

    ip_addresses: tuple[IPAddress, ...] = ()
    name: str | None = None
    groups: tuple[str, ...] = ()
    labels: Labels | None = None
    port_mappings: tuple[PortMapping, ...] = ()


class MesosInfo(Wire, frozen=True):
    """What the Mesos containerizer needs to know."""

    image: Image | None = None


class CapabilityInfo(Wire, frozen=True):
    """Linux capabilities by name, without ``CAP_``."""

    capabilities: tuple[str, ...] = ()


class SeccompInfo(Wire, frozen=True):
    """A seccomp profile, or none at all."""

    profile_name: str | None = None
    unconfined: bool | None = None


class LinuxInfo(Wire, frozen=True, kw_only=True):
    """Walls of Linux."""

    capability_info: CapabilityInfo | None = None
    bounding_capabilities: CapabilityInfo | None = None
    effective_capabilities: CapabilityInfo | None = None
    share_pid_namespace: bool | None = None
    seccomp: SeccompInfo | None = None
    ipc_mode: str | None = None
    shm_size: int | None = None
    share_cgroups: bool = emitted(True)


class RLimit(Wire, frozen=True):
    """One POSIX resource limit; no numbers mean unlimited."""

    type: str
    hard: int | None = None
    soft: int | None = None


class RLimitInfo(Wire, frozen=True):
    """POSIX resource limits."""

    rlimits: tuple[RLimit, ...] = ()


class WindowSize(Wire, frozen=True):
    """Size of a terminal."""

    rows: int
    columns: int


class TTYInfo(Wire, frozen=True):
    """Present when the container gets a terminal."""

    window_size: WindowSize | None = None


class ContainerType(StrEnum):
    """Who runs the container."""

    DOCKER = "DOCKER"
    MESOS = "MESOS"


class ContainerInfo(Wire, frozen=True, kw_only=True):
    """The walls a task asks for."""

    type: ContainerType
    volumes: tuple[Volume, ...] = ()
    hostname: str | None = None
    docker: DockerInfo | None = None
    mesos: MesosInfo | None = None
    network_infos: tuple[NetworkInfo, ...] = ()
    linux_info: LinuxInfo | None = None
    rlimit_info: RLimitInfo | None = None
    tty_info: TTYInfo | None = None


class CgroupInfo(Wire, frozen=True):
    """What is told of a container's cgroup."""

    net_cls: NetCls | None = None


class NetCls(Wire, frozen=True):
    """The class id that marks a container's packets."""

    classid: int | None = None


class ContainerStatus(Wire, frozen=True, kw_only=True):
    """What the agent knows of a running container."""

    container_id: ContainerID | None = None
    network_infos: tuple[NetworkInfo, ...] = ()
    cgroup_info: CgroupInfo | None = None
    executor_pid: int | None = None


class KillPolicy(Wire, frozen=True):
    """How long a task may take to end after SIGTERM."""

    grace_period: DurationInfo | None = None
