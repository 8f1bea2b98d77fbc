"""All tables of an agent. Changed in place by the core alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import msgspec

from agent.core.health import Checker
from agent.core.rows import FrameworkRow, Identity, OperationRow, TaskKey, TaskRow
from mesos.operations import with_checkpointed
from mesos.resources import Resources
from mesos.types.resources import Resource

MAX_COMPLETED = 200
"""Ended tasks that are still shown, over all frameworks."""


class State:
    """The tables."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.total = Resources.from_wire(identity.info.resources)
        self.operations: dict[bytes, OperationRow] = {}
        self.operation_retries_s: dict[bytes, float] = {}
        self.tasks: dict[TaskKey, TaskRow] = {}
        self.by_container: dict[str, TaskKey] = {}
        self.frameworks: dict[str, FrameworkRow] = {}
        self.checkers: dict[TaskKey, Checker] = {}
        self.retries_s: dict[TaskKey, float] = {}
        self.completed: deque[TaskRow] = deque(maxlen=MAX_COMPLETED)
        self.completed_frameworks: dict[str, FrameworkRow] = {}
        self.connected = False
        self.registered = False
        self.leaving = False

    @property
    def agent_id(self) -> str | None:
        """The agent's id, once it has one."""
        return self.identity.info.id.value if self.identity.info.id else None

    def put(self, row: TaskRow) -> None:
        """Add a task or replace its row."""
        self.tasks[row.key] = row
        self.by_container[row.container_id] = row.key

    def drop(self, row: TaskRow) -> None:
        """Forget a task; it is still shown for a while."""
        self.tasks.pop(row.key, None)
        self.by_container.pop(row.container_id, None)
        self.checkers.pop(row.key, None)
        self.retries_s.pop(row.key, None)
        self.completed.append(row)

    def tasks_of(self, framework_id: str) -> list[TaskRow]:
        """Return the tasks of a framework."""
        return [row for row in self.tasks.values() if row.framework_id == framework_id]


def task_key(row: TaskRow) -> str:
    """Return where a task is kept in the store."""
    return f"tasks/{row.framework_id}/{row.task.task_id.value}"


def recover(state: State, stored: Mapping[str, bytes]) -> None:
    """Fill the tables from what an earlier agent left.

    :raises mesos.operations.OperationError: when the agent's flags do not give any more what was reserved.
    """
    for key, value in stored.items():
        kind = key.partition("/")[0]
        if kind == "tasks":
            state.put(msgspec.msgpack.decode(value, type=TaskRow))
        elif kind == "operations":
            operation = msgspec.msgpack.decode(value, type=OperationRow)
            state.operations[operation.uuid] = operation
        elif kind == "resources":
            kept = Resources.from_wire(msgspec.msgpack.decode(value, type=tuple[Resource, ...]))
            state.total = with_checkpointed(state.total, kept)
        elif kind == "frameworks":
            state.frameworks[key.partition("/")[2]] = msgspec.msgpack.decode(value, type=FrameworkRow)
