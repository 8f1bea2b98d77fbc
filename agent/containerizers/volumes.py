"""Volumes of process containers: without a mount namespace a host path appears as a link in the sandbox."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from agent.containerizers.base import ContainerSpec
from agent.core import paths
from agent.drivers.environment import IMAGE_SANDBOX
from agent.errors import LaunchFailed
from mesos.resources import Resources
from mesos.types.containers import ContainerInfo, ContainerType, Volume
from mesos.types.tasks import TaskInfo


def with_persistent(task: TaskInfo, work_dir: str) -> TaskInfo:
    """Return a task with its persistent volumes among those of its container.

    A relative path of a Docker container is in its sandbox, as Mesos mounts it there.
    """
    found = []
    docker = task.container is not None and task.container.type is ContainerType.DOCKER
    for key, _ in Resources.from_wire(task.resources):
        path = paths.volume(work_dir, key)
        if path is None or key.disk is None or key.disk.volume is None:
            continue
        inside = key.disk.volume.container_path
        if docker and not inside.startswith("/"):
            inside = f"{IMAGE_SANDBOX}/{inside}"
        found.append(Volume(container_path=inside, mode=key.disk.volume.mode, host_path=path))
    if not found:
        return task
    container = task.container or ContainerInfo(type=ContainerType.MESOS)
    container = msgspec.structs.replace(container, volumes=(*container.volumes, *found))
    return msgspec.structs.replace(task, container=container)


def give_to(user: str, task: TaskInfo, work_dir: str) -> None:
    """Let a task's user own its persistent volumes; one that several tasks share stays as it is."""
    for key, _ in Resources.from_wire(task.resources):
        path = paths.volume(work_dir, key)
        if path is not None and not key.shared:
            try:
                shutil.chown(path, user)
            except (OSError, LookupError) as error:
                raise LaunchFailed(f"volume {key.persistence_id} cannot be given to '{user}': {error}") from error


def link_volumes(spec: ContainerSpec) -> None:
    """Make the volumes of a task appear.

    :raises LaunchFailed: for a volume that needs a file system of the container's own.
    """
    container = spec.task.container
    if container is None:
        return
    if container.mesos is not None and container.mesos.image is not None:
        raise LaunchFailed("container images need a container of type DOCKER")
    for volume in container.volumes:
        host_path = volume.host_path
        if host_path is None and volume.source is not None and volume.source.host_path is not None:
            host_path = volume.source.host_path.path
        if host_path is None:
            raise LaunchFailed(f"volume {volume.container_path}: only host paths can be used without an image")
        if volume.container_path.startswith("/"):
            raise LaunchFailed(f"volume {volume.container_path}: an absolute container path needs an image")
        _link(Path(spec.sandbox), volume.container_path, host_path)


def _link(sandbox: Path, container_path: str, host_path: str) -> None:
    target = sandbox / container_path
    if not target.resolve().is_relative_to(sandbox.resolve()):
        raise LaunchFailed(f"volume {container_path} leads out of the sandbox")
    source = Path(host_path) if host_path.startswith("/") else sandbox / host_path
    if not source.exists():
        if host_path.startswith("/"):
            raise LaunchFailed(f"volume {container_path}: {host_path} does not exist on this host")
        source.mkdir(parents=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(target):
        target.symlink_to(source)
