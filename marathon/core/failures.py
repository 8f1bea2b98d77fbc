"""The last failure of each app, stored so that it can be looked up after the fact. Source: Marathon ``TaskFailure``."""

from __future__ import annotations

from marathon.core import rows
from marathon.core.model.failure import TaskFailure
from marathon.core.model.instance import Instance
from marathon.core.turn import Turn


def record(turn: Turn, instance: Instance, state: str, message: str) -> None:
    """Remember how the instance's task ended."""
    if instance.task is None:
        return
    failure = TaskFailure(
        app_id=instance.app_id,
        task_id=instance.task.id,
        state=state,
        message=message,
        host=instance.agent.host if instance.agent else "",
        agent_id=instance.agent.agent_id if instance.agent else None,
        version=instance.version,
        at_s=turn.now_s,
    )
    turn.state.failures[instance.app_id] = failure
    turn.put(rows.failure_key(instance.app_id), rows.encode(failure))
