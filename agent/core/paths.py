"""Where sandboxes and volumes are. Source: Mesos ``slave/paths.cpp``."""

from __future__ import annotations

from mesos.resources import Key


def sandbox(work_dir: str, agent_id: str, framework_id: str, executor_id: str, container_id: str) -> str:
    """Return the directory of one run of an executor; a command task is its own executor."""
    executor = f"{work_dir}/slaves/{agent_id}/frameworks/{framework_id}/executors/{executor_id}"
    return f"{executor}/runs/{container_id}"


def volume(work_dir: str, key: Key) -> str | None:
    """Return the directory of a persistent volume, ``None`` for a resource that is none."""
    if key.disk is None or key.disk.persistence is None:
        return None
    source = key.disk.source
    if source is not None and source.type == "MOUNT" and source.mount is not None and source.mount.root:
        return source.mount.root
    root = work_dir
    if source is not None and source.path is not None and source.path.root:
        root = source.path.root if source.path.root.startswith("/") else f"{work_dir}/{source.path.root}"
    return f"{root}/volumes/roles/{key.role.replace('/', ' ')}/{key.disk.persistence.id}"
