"""Health of instances: marathon's own probes and what agents report, and what follows from it.

A probe is planned by a timer, made by the shell, and its answer comes
back as an event. While a failure would not count (never passed, within the grace period) the next probe comes soon,
so that a healthy start is seen within a fraction of a second.
"""

from __future__ import annotations

import msgspec

from marathon.core import effects as fx
from marathon.core import instances, kills
from marathon.core.endpoints import endpoint
from marathon.core.failures import record
from marathon.core.model.instance import Condition, Goal, Instance
from marathon.core.run_spec import CheckSpec, RunSpec
from marathon.core.state import CheckResult
from marathon.core.turn import Turn

PROBE = "probe"
"""Timer: a check of an instance is due; concerns ``<instance id>|<index of the check>``."""

FIRST_PROBE_S = 0.1
LATEST_FIRST_PROBE_S = 5.0
JITTER = 0.1
"""Share of an interval by which probes are spread."""


def task_runs(turn: Turn, instance: Instance, reported: bool | None) -> None:
    """A task runs, or the agent has reported its health: begin to watch, or take the report over."""
    known = turn.state.known(instance)
    if known is None or not known.spec.checks:
        return
    if instance.id not in turn.state.results:
        turn.state.results[instance.id] = [CheckResult() for _ in known.spec.checks]
        for index, check in enumerate(known.spec.checks):
            if check.is_ours:
                _plan(turn, instance.id, index, _spread(turn, min(FIRST_PROBE_S, check.interval_s)))
        instances.index(turn, instance)
    if reported is None:
        return
    for index, check in enumerate(known.spec.checks):
        if not check.is_ours:
            _fold(turn, instance, index, check, reported, "the agent's check failed")


def resume(turn: Turn) -> None:
    """After a restart: watch what runs. What agents reported is stored; our own probes begin anew."""
    for instance in list(turn.state.instances.values()):
        if instance.condition is Condition.RUNNING and instance.task is not None:
            task_runs(turn, instance, instance.task.healthy)


def forget(turn: Turn, instance_id: str) -> None:
    """The task is over: what was known of its health is worth nothing."""
    results = turn.state.results.pop(instance_id, None)
    turn.state.healthy.pop(instance_id, None)
    for index in range(len(results or ())):
        turn.state.timers.disarm((PROBE, f"{instance_id}|{index}"))


def probe_due(turn: Turn, name: str) -> None:
    """Make a probe, unless the instance is none to be probed any more."""
    instance_id, _, number = name.rpartition("|")
    index = int(number)
    found = _watched(turn, instance_id, index)
    if found is None:
        return
    instance, spec, check = found
    assert instance.task is not None
    token = fx.ProbeToken(instance_id, instance.task.id, index)
    target = endpoint(spec, instance, check.port_index, check.port)
    if target is None:
        answered(turn, token, ok=False, cause="the instance has no such port", ignored=False)
        return
    host, port = target
    path = check.path if check.path.startswith("/") else f"/{check.path}"
    turn.add(
        fx.Probe(
            token=token,
            kind=check.protocol,
            host=host,
            port=port,
            path=path,
            timeout_s=check.timeout_s,
            ipv6=check.ipv6,
            ignore_1xx=check.ignore_1xx,
        )
    )


def answered(turn: Turn, token: fx.ProbeToken, *, ok: bool, cause: str | None, ignored: bool) -> None:
    """A probe came back: fold its result and plan the next one."""
    found = _watched(turn, token.instance_id, token.index)
    if found is None:
        return
    instance, _, check = found
    if instance.task is None or instance.task.id != token.task_id:
        return
    if not ignored:
        _fold(turn, instance, token.index, check, ok, cause)
    if token.instance_id in turn.state.results:
        _plan(turn, token.instance_id, token.index, _next_delay_s(turn, instance, token.index, check))


def _watched(turn: Turn, instance_id: str, index: int) -> tuple[Instance, RunSpec, CheckSpec] | None:
    instance = turn.state.instances.get(instance_id)
    results = turn.state.results.get(instance_id)
    if instance is None or results is None or instance.condition is not Condition.RUNNING:
        return None
    known = turn.state.known(instance)
    if known is None or index >= len(known.spec.checks):
        return None
    return instance, known.spec, known.spec.checks[index]


def _fold(turn: Turn, instance: Instance, index: int, check: CheckSpec, ok: bool, cause: str | None) -> None:
    results = turn.state.results[instance.id]
    before = results[index]
    if ok:
        results[index] = msgspec.structs.replace(
            before, failures=0, first_success_s=before.first_success_s or turn.now_s, last_success_s=turn.now_s
        )
    elif not _is_forgiven(turn, instance, before, check):
        _failed(turn, instance, check)
        results[index] = msgspec.structs.replace(
            before, failures=before.failures + 1, last_failure_s=turn.now_s, cause=cause
        )
    else:
        return
    after = results[index]
    if after.alive != before.alive or not before.is_known:
        turn.publish(
            "health_status_changed_event",
            appId=instance.app_id,
            instanceId=instance.id,
            version=instance.version,
            alive=after.alive,
        )
    _aggregate(turn, instance)
    if not ok and check.is_ours and check.max_failures > 0 and before.failures >= check.max_failures:
        _kill(turn, instance, cause or "")


def _is_forgiven(turn: Turn, instance: Instance, result: CheckResult, check: CheckSpec) -> bool:
    """Whether a failure does not count: not running, or never healthy and still in its grace period."""
    if instance.condition is not Condition.RUNNING:
        return True
    if not check.is_ours or result.first_success_s is not None:
        return False
    return turn.now_s < (instance.active_since_s or turn.now_s) + check.grace_s


def _failed(turn: Turn, instance: Instance, check: CheckSpec) -> None:
    turn.publish("failed_health_check_event", appId=instance.app_id, taskId=instance.id, healthCheck=described(check))


def _aggregate(turn: Turn, instance: Instance) -> None:
    standing = turn.state.standing(instance)
    if standing.healthy is not None and turn.state.healthy.get(instance.id) != standing.healthy:
        turn.state.healthy[instance.id] = standing.healthy
        turn.publish(
            "instance_health_changed_event",
            instanceId=instance.id,
            runSpecId=instance.app_id,
            healthy=standing.healthy,
            runSpecVersion=instance.version,
        )
    instances.index(turn, instance)


def _kill(turn: Turn, instance: Instance, cause: str) -> None:
    task, agent = instance.task, instance.agent
    if task is None or agent is None or instance.goal is not Goal.RUNNING:
        return
    turn.publish(
        "unhealthy_instance_kill_event",
        appId=instance.app_id,
        taskId=task.id,
        instanceId=instance.id,
        version=instance.version,
        reason=cause,
        host=agent.host,
        slaveId=agent.agent_id,
    )
    record(turn, instance, "TASK_KILLED", f"Task was killed since health check failed. Reason: {cause}")
    kills.kill(turn, instance, drain=False)


def _next_delay_s(turn: Turn, instance: Instance, index: int, check: CheckSpec) -> float:
    result = turn.state.results[instance.id][index]
    if result.is_known or not _is_forgiven(turn, instance, result, check):
        return _spread(turn, check.interval_s)
    age_s = turn.now_s - (instance.active_since_s or turn.now_s)
    soon_s = max(FIRST_PROBE_S, min(age_s, LATEST_FIRST_PROBE_S))  # doubles the age with each probe
    return _spread(turn, min(check.interval_s, soon_s))


def _spread(turn: Turn, delay_s: float) -> float:
    return turn.ids.uniform(delay_s * (1 - JITTER), delay_s * (1 + JITTER))


def _plan(turn: Turn, instance_id: str, index: int, delay_s: float) -> None:
    turn.state.timers.arm((PROBE, f"{instance_id}|{index}"), turn.now_s + delay_s)


def described(check: CheckSpec) -> dict[str, object]:
    """Return a check as events show it."""
    shown: dict[str, object] = {
        "protocol": check.protocol,
        "gracePeriodSeconds": int(check.grace_s),
        "intervalSeconds": int(check.interval_s),
        "timeoutSeconds": int(check.timeout_s),
        "maxConsecutiveFailures": check.max_failures,
    }
    if check.command is not None:
        shown["command"] = {"value": check.command}
    elif check.protocol not in ("TCP", "MESOS_TCP"):
        shown["path"] = check.path
    if check.port is not None:
        shown["port"] = check.port
    elif check.port_index is not None:
        shown["portIndex"] = check.port_index
    return shown
