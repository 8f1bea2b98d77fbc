"""Volumes of process containers: without a mount namespace a host path appears as a link in the sandbox."""

from __future__ import annotations

import os
from pathlib import Path

from agent.containerizers.base import ContainerSpec
from agent.errors import LaunchFailed


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
