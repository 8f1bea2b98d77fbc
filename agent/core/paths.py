"""Where sandboxes are. Source: Mesos ``slave/paths.cpp``."""

from __future__ import annotations


def sandbox(work_dir: str, agent_id: str, framework_id: str, executor_id: str, container_id: str) -> str:
    """Return the directory of one run of an executor; a command task is its own executor."""
    executor = f"{work_dir}/slaves/{agent_id}/frameworks/{framework_id}/executors/{executor_id}"
    return f"{executor}/runs/{container_id}"
