"""States of tasks that names depend on. Source: Mesos ``mesos.proto``."""

from __future__ import annotations

RUNNING, KILLING = "TASK_RUNNING", "TASK_KILLING"

TERMINAL = frozenset(
    f"TASK_{name}" for name in ("FINISHED", "FAILED", "KILLED", "ERROR", "LOST", "DROPPED", "GONE", "GONE_BY_OPERATOR")
)
"""States that a task never leaves."""
