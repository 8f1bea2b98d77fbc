"""What the parts of the core work with during one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from agent.core.effects import ToMaster
from agent.core.rows import FrameworkRow, TaskRow
from agent.core.settings import Settings
from agent.core.state import State, task_key
from mesos.clock import IdSource
from mesos.effects import Delete, Effect, Note, Persist, Put
from mesos.link import LinkMessage
from mesos.timers import Timers

TimerKey = tuple[str, str, str]
"""What a deadline is for, and the task it concerns."""

LOGGER = "agent.core"

Count = Callable[[str], None]


class Context:
    """The tables, the deadlines, the time, and the effects so far."""

    def __init__(self, state: State, settings: Settings, ids: IdSource, count: Count) -> None:
        self.state, self.settings, self.ids, self.count = state, settings, ids, count
        self.timers: Timers[TimerKey] = Timers()
        self.now_s = 0.0
        self.effects: list[Effect] = []

    def emit(self, effect: Effect) -> None:
        """Have the shell do something."""
        self.effects.append(effect)

    def tell(self, message: LinkMessage) -> None:
        """Send the master a message, if this agent is registered; else registration will say it."""
        if self.state.registered:
            self.emit(ToMaster(message))

    def note(self, event: str, level: str = "info", **fields: Any) -> None:
        """Write a log line."""
        self.emit(Note(level, event, fields, LOGGER))

    def keep(self, row: TaskRow) -> None:
        """Change a task's row, in the table and durably."""
        self.state.put(row)
        self.emit(Persist((Put(task_key(row), msgspec.msgpack.encode(row)),)))

    def forget(self, row: TaskRow) -> None:
        """Forget a task, and its framework with the last one."""
        self.state.drop(row)
        writes: list[Put | Delete] = [Delete(task_key(row))]
        for kind in ("retry", "kill", "probe", "deadline"):
            self.timers.cancel((kind, *row.key))
        if not self.state.tasks_of(row.framework_id):
            framework = self.state.frameworks.pop(row.framework_id, None)
            if framework is not None:
                self.state.completed_frameworks[row.framework_id] = framework
            writes.append(Delete(f"frameworks/{row.framework_id}"))
        self.emit(Persist(tuple(writes)))

    def keep_framework(self, row: FrameworkRow) -> None:
        """Remember a framework, durably."""
        assert row.info.id is not None
        self.state.frameworks[row.info.id.value] = row
        self.state.completed_frameworks.pop(row.info.id.value, None)
        self.emit(Persist((Put(f"frameworks/{row.info.id.value}", msgspec.msgpack.encode(row)),)))
