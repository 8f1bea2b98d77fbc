"""The environment of a command. Nothing of the agent's own is inherited.

Source: Mesos ``executorEnvironment`` and the command executor; what a task of a real 1.11.0 agent saw.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.core.rows import TaskRow
from mesos.types.frameworks import FrameworkInfo

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IMAGE_SANDBOX = "/mnt/mesos/sandbox"
"""Where a container with an image of its own sees its sandbox."""


def of_task(
    row: TaskRow, framework: FrameworkInfo, *, pid: str, sandbox: str, extra: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of a task's command.

    :param pid: ``slave(1)@ip:port`` of this agent.
    :param sandbox: as the command sees it.
    :param extra: what the operator gives to all tasks; what the task itself says wins over everything.
    """
    agent_id = row.task.agent_id.value
    environment = {
        **extra,
        "LIBPROCESS_PORT": "0",
        "MESOS_AGENT_ENDPOINT": pid.partition("@")[2],
        "MESOS_CHECKPOINT": "1" if framework.checkpoint else "0",
        "MESOS_DIRECTORY": row.sandbox,
        "MESOS_EXECUTOR_ID": row.task.task_id.value,
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "5secs",
        "MESOS_FRAMEWORK_ID": row.framework_id,
        "MESOS_HTTP_COMMAND_EXECUTOR": "0",
        "MESOS_SANDBOX": sandbox,
        "MESOS_SLAVE_ID": agent_id,
        "MESOS_SLAVE_PID": pid,
        "PWD": sandbox,
    }
    if framework.checkpoint:
        environment |= {"MESOS_RECOVERY_TIMEOUT": "15mins", "MESOS_SUBSCRIPTION_BACKOFF_MAX": "2secs"}
    roles = [each.allocation_info.role for each in row.task.resources if each.allocation_info is not None]
    if roles and roles[0] is not None:
        environment["MESOS_ALLOCATION_ROLE"] = roles[0]
    command = row.task.command
    for variable in command.environment.variables if command and command.environment else ():
        if variable.value is not None:
            environment[variable.name] = variable.value
    environment.setdefault("PATH", DEFAULT_PATH)
    return environment
