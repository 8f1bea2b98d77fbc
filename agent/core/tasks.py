"""The life of a task on an agent: arrive, start, be checked, be killed, end. Source: Mesos command executor."""

from __future__ import annotations

import signal

import msgspec

from agent.core import health, operations, paths, updates
from agent.core.context import Context
from agent.core.effects import Destroy, Kill, Launch, Probe, Terminate
from agent.core.rows import Ending, FrameworkRow, TaskRow
from agent.core.running import Exit, Running
from agent.core.settings import DEFAULT_GRACE_S
from mesos.link import RunTask
from mesos.types.containers import ContainerType, KillPolicy
from mesos.types.tasks import Reason, Source, TaskState

NANOSECONDS = 1_000_000_000


def arrive(context: Context, order: RunTask) -> None:
    """Take a task in: durable first, then started. One that is here already is the same order again."""
    assert order.framework.id is not None
    framework_id, task = order.framework.id.value, order.task
    if (framework_id, task.task_id.value) in context.state.tasks:
        return
    framework = FrameworkRow(order.framework)
    if context.state.frameworks.get(framework_id) != framework:
        context.keep_framework(framework)
    container_id = context.ids.uuid4_text()
    agent_id = context.state.agent_id or ""
    sandbox = paths.sandbox(context.settings.work_dir, agent_id, framework_id, task.task_id.value, container_id)
    row = TaskRow(
        framework_id=framework_id,
        task=task,
        container_id=container_id,
        sandbox=sandbox,
        received_s=context.now_s,
    )
    if task.executor is not None:
        fail(context, row, "custom executors cannot be run by this agent", Reason.REASON_TASK_INVALID)
        return
    unknown = operations.unknown_resources(context, task.resources)
    if unknown:
        row = msgspec.structs.replace(row, ended=True)
        updates.say(
            context,
            row,
            TaskState.TASK_DROPPED,
            source=Source.SOURCE_AGENT,
            reason=Reason.REASON_RESOURCES_UNKNOWN,
            message=f"The reserved resources or volumes {unknown} are unknown to the agent",
        )
        return
    row = updates.say(context, row, TaskState.TASK_STARTING)
    context.emit(Launch(row, order.framework))


def launched(context: Context, row: TaskRow, running: Running) -> None:
    """Note that a container has started; a task that was killed meanwhile is ended at once."""
    row = msgspec.structs.replace(row, running=running)
    if row.ending is not None:
        context.keep(row)
        end(context, row, row.ending, grace_s=0.0)
        return
    row = updates.say(context, row, TaskState.TASK_RUNNING, data=running.inspected)
    limit = row.task.max_completion_time
    if limit is not None:
        context.timers.set(("deadline", *row.key), context.now_s + limit.nanoseconds / NANOSECONDS)
    watch_health(context, row)


def watch_health(context: Context, row: TaskRow) -> None:
    """Begin the health checks of a task that runs."""
    check = row.task.health_check
    if check is None or health.kind_of(check) is None:
        return
    checker = health.begin(check, context.now_s)
    if row.last is not None and row.last.healthy is not None:
        checker = msgspec.structs.replace(checker, healthy=row.last.healthy)
    context.state.checkers[row.key] = checker
    context.timers.set(("probe", *row.key), context.now_s + check.delay_seconds)


def probe(context: Context, row: TaskRow) -> None:
    """Ask how a task is, if it still runs."""
    if row.key in context.state.checkers and row.ending is None and not row.ended:
        context.emit(Probe(row))


def probed(context: Context, row: TaskRow, problem: str | None) -> None:
    """Fold an answer of a health check."""
    checker = context.state.checkers.get(row.key)
    if checker is None or row.ending is not None or row.ended:
        return
    verdict = health.answered(checker, problem is None, context.now_s)
    context.state.checkers[row.key] = verdict.checker
    context.timers.set(("probe", *row.key), context.now_s + checker.check.interval_seconds)
    if verdict.tell is not None:
        row = updates.say(
            context,
            row,
            TaskState.TASK_RUNNING,
            reason=Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED,
            message=problem,
            healthy=verdict.tell,
        )
    if verdict.kill:
        ending = Ending(message=f"Health check failed: {problem}", healthy=False)
        end(context, row, ending, grace_s=grace_s(context, row, None))


def kill(context: Context, row: TaskRow, policy: KillPolicy | None) -> None:
    """End a task because somebody asked. A later kill may only shorten what is left of the grace period."""
    if row.ended:
        return
    end(context, row, row.ending or Ending(), grace_s=grace_s(context, row, policy))


def end(context: Context, row: TaskRow, ending: Ending, *, grace_s: float) -> None:
    """Have a container ended, gracefully first."""
    kill_at_s = context.now_s + grace_s
    if row.ending is not None and row.ending.kill_at_s is not None:
        kill_at_s = min(kill_at_s, row.ending.kill_at_s)
    first = row.ending is None or row.ending.kill_at_s is None
    row = msgspec.structs.replace(row, ending=msgspec.structs.replace(ending, kill_at_s=kill_at_s))
    if row.running is None:
        # not started yet: `launched` will see that it is to end
        context.keep(msgspec.structs.replace(row, ending=msgspec.structs.replace(ending, kill_at_s=None)))
        return
    framework = context.state.frameworks.get(row.framework_id)
    if first and framework is not None and framework.info.has("TASK_KILLING_STATE") and not row.silent:
        row = updates.say(context, row, TaskState.TASK_KILLING)
    else:
        context.keep(row)
    if first:
        context.emit(Terminate(row, grace_s))
    context.timers.set(("kill", *row.key), kill_at_s)


def kill_now(context: Context, row: TaskRow) -> None:
    """End a container whose grace period is over, and again until it is gone."""
    if row.ended or row.running is None:
        return
    context.emit(Kill(row))
    context.timers.set(("kill", *row.key), context.now_s + 1.0)


def took_too_long(context: Context, row: TaskRow) -> None:
    """End a task that has passed its ``max_completion_time``: at once, without grace."""
    if row.ended or row.ending is not None:
        return
    ending = Ending(
        state=TaskState.TASK_FAILED,
        reason=Reason.REASON_MAX_COMPLETION_TIME_REACHED,
        message="Max completion time exceeded",
        kill_at_s=context.now_s,
    )
    row = msgspec.structs.replace(row, ending=ending)
    context.keep(row)
    kill_now(context, row)


def exited(context: Context, row: TaskRow, exit_: Exit) -> None:
    """Say how a task ended, once, and remove what is left of its container."""
    if row.ended:
        return
    context.state.checkers.pop(row.key, None)
    row = msgspec.structs.replace(row, ended=True)
    context.emit(Destroy(row))
    if row.silent:
        context.forget(row)
        return
    state, reason, message, source = _verdict(row, exit_)
    healthy = row.ending.healthy if row.ending else None
    updates.say(context, row, state, reason=reason, message=message, source=source, healthy=healthy)


def fail(context: Context, row: TaskRow, message: str, reason: Reason = Reason.REASON_CONTAINER_LAUNCH_FAILED) -> None:
    """End a task that could not be started."""
    row = msgspec.structs.replace(row, ended=True)
    if row.silent:
        context.forget(row)
    elif row.ending is not None:
        updates.say(
            context,
            row,
            TaskState.TASK_KILLED,
            source=Source.SOURCE_AGENT,
            reason=Reason.REASON_TASK_KILLED_DURING_LAUNCH,
            message="Task killed before it was launched",
        )
    else:
        text = f"Failed to launch container: {message}"
        updates.say(context, row, TaskState.TASK_FAILED, source=Source.SOURCE_AGENT, reason=reason, message=text)


def grace_s(context: Context, row: TaskRow, policy: KillPolicy | None) -> float:
    """Return the seconds between SIGTERM and SIGKILL: the kill's own, else the task's, else the default."""
    for each in (policy, row.task.kill_policy):
        if each is not None and each.grace_period is not None:
            return max(0.0, each.grace_period.nanoseconds / NANOSECONDS)
    container = row.task.container
    if container is not None and container.type is ContainerType.DOCKER:
        return context.settings.docker_grace_s
    return DEFAULT_GRACE_S


def _verdict(row: TaskRow, exit_: Exit) -> tuple[TaskState, Reason | None, str, Source]:
    """Return state, reason, message and source of a task's last update."""
    if exit_.memory is not None:
        reason = Reason.REASON_CONTAINER_LIMITATION_MEMORY
        return TaskState.TASK_FAILED, reason, exit_.memory, Source.SOURCE_AGENT
    if exit_.status is None:
        text = "Abnormal executor termination: nobody saw how the container ended"
        state = row.ending.state if row.ending else TaskState.TASK_FAILED
        return state, Reason.REASON_EXECUTOR_TERMINATED, text, Source.SOURCE_AGENT
    text = describe(exit_.status, exit_.noun)
    if row.ending is not None:
        message = f"{row.ending.message}; {text}" if row.ending.message else text
        return row.ending.state, row.ending.reason, message, Source.SOURCE_EXECUTOR
    return TaskState.TASK_FINISHED if exit_.status == 0 else TaskState.TASK_FAILED, None, text, Source.SOURCE_EXECUTOR


def describe(status: int, noun: str) -> str:
    """Return a raw wait status (signal in the low seven bits, exit code above) in words.

    Source: Mesos ``WSTRINGIFY``.
    """
    number = status & 0x7F
    if number == 0:
        return f"{noun} exited with status {status >> 8}"
    name = signal.strsignal(number) or f"signal {number}"
    return f"{noun} terminated with signal {name}"
