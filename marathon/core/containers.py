"""The container part of a TaskInfo. Source: Marathon ``ContainerSerializer``, ``NetworkSerializer``."""

from __future__ import annotations

from marathon.core.model.app import AppDefinition
from marathon.core.model.container import Container, EngineType
from marathon.core.model.network import NetworkMode
from marathon.core.run_spec import RunSpec
from marathon.core.settings import Settings
from mesos.types.base import Label, Labels, Parameter
from mesos.types.containers import (
    ContainerInfo,
    ContainerType,
    DockerImage,
    DockerInfo,
    Image,
    LinuxInfo,
    MesosInfo,
    NetworkInfo,
    PortMapping,
    SeccompInfo,
    TTYInfo,
    Volume,
)

_DOCKER_NETWORKS = {NetworkMode.HOST: "HOST", NetworkMode.BRIDGE: "BRIDGE", NetworkMode.CONTAINER: "USER"}

EffectivePorts = list[tuple[int | None, int | None]]


def container_info(
    app: AppDefinition, spec: RunSpec, task_id: str, ports: EffectivePorts, settings: Settings
) -> ContainerInfo | None:
    """Return the container that the app asks for, ``None`` for a plain process in the host's network."""
    container = app.container
    tty = TTYInfo() if app.tty else None
    if container is None:
        return ContainerInfo(type=ContainerType.MESOS, tty_info=tty) if tty else None
    if container.type is EngineType.DOCKER:
        return ContainerInfo(
            type=ContainerType.DOCKER,
            docker=_docker(app, spec, container, task_id, ports),
            volumes=_volumes(container),
            network_infos=_docker_networks(app),
            tty_info=tty,
        )
    return ContainerInfo(
        type=ContainerType.MESOS,
        mesos=_mesos(container),
        volumes=_volumes(container),
        network_infos=_mesos_networks(app, spec, ports, settings),
        linux_info=_linux(container),
        tty_info=tty,
    )


def _docker(
    app: AppDefinition, spec: RunSpec, container: Container, task_id: str, ports: EffectivePorts
) -> DockerInfo | None:
    docker = container.docker
    if docker is None:
        return None
    mode = app.networks[0].mode if app.networks else NetworkMode.HOST
    parameters = [Parameter(each.key, each.value) for each in docker.parameters]
    parameters.append(Parameter("label", f"MESOS_TASK_ID={task_id}"))
    return DockerInfo(
        image=docker.image,
        network=_DOCKER_NETWORKS[mode],
        port_mappings=_mappings(spec, ports) if mode is not NetworkMode.HOST else (),
        privileged=docker.privileged,
        parameters=tuple(parameters),
        force_pull_image=docker.force_pull_image,
    )


def _docker_networks(app: AppDefinition) -> tuple[NetworkInfo, ...]:
    return tuple(
        NetworkInfo(name=each.name, labels=_labels(each.labels))
        for each in app.networks
        if each.mode is NetworkMode.CONTAINER
    )


def _mappings(spec: RunSpec, ports: EffectivePorts) -> tuple[PortMapping, ...]:
    mappings: list[PortMapping] = []
    for port, (host, container) in zip(spec.ports, ports, strict=True):
        if host is not None and container is not None:
            mappings += (PortMapping(host, container, protocol) for protocol in port.protocol.split(","))
    return tuple(mappings)


def _mesos(container: Container) -> MesosInfo | None:
    docker = container.docker
    if docker is None:
        return None
    image = Image(type="DOCKER", docker=DockerImage(docker.image), cached=not docker.force_pull_image)
    return MesosInfo(image)


def _mesos_networks(
    app: AppDefinition, spec: RunSpec, ports: EffectivePorts, settings: Settings
) -> tuple[NetworkInfo, ...]:
    infos = []
    for each in app.networks:
        if each.mode is NetworkMode.HOST:
            continue
        name = settings.bridge_name if each.mode is NetworkMode.BRIDGE else each.name
        infos.append(NetworkInfo(name=name, labels=_labels(each.labels), port_mappings=_mappings(spec, ports)))
    return tuple(infos)


def _volumes(container: Container) -> tuple[Volume, ...]:
    return tuple(
        Volume(container_path=each.container_path, mode=each.mode or "RW", host_path=each.host_path)
        for each in container.volumes
        if each.host_path is not None
    )


def _linux(container: Container) -> LinuxInfo | None:
    linux = container.linux_info
    if linux is None:
        return None
    seccomp = linux.seccomp
    ipc = linux.ipc_info
    return LinuxInfo(
        seccomp=SeccompInfo(seccomp.profile_name, seccomp.unconfined) if seccomp else None,
        ipc_mode=ipc.mode if ipc else None,
        shm_size=ipc.shm_size if ipc else None,
    )


def _labels(labels: dict[str, str]) -> Labels | None:
    return Labels(tuple(Label(key, value) for key, value in labels.items())) if labels else None
