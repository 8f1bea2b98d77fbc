"""Tasks and their health as answers show them. Source: Marathon ``EnrichedTask``, ``TaskConversion``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marathon.core.model.instance import Instance
from marathon.core.state import CheckResult, State
from marathon.core.timestamps import timestamp
from mesos.types.tasks import CheckStatusInfo

Json = dict[str, Any]


def tasks_of(state: State, app_id: str, *, with_service_ports: bool = False) -> Iterator[Json]:
    """Give the tasks of an app; instances that wait for an agent have none."""
    for instance in instances_of(state, app_id):
        if instance.agent is not None and instance.task is not None:
            yield task(state, instance, with_service_ports=with_service_ports)


def instances_of(state: State, app_id: str) -> Iterator[Instance]:
    """Give the instances of an app, oldest first."""
    fleet = state.fleets.get(app_id)
    return (state.instances[each] for each in (fleet.ids if fleet else ()))


def task(state: State, instance: Instance, *, with_service_ports: bool = False) -> Json:
    """Return one task; the instance has one."""
    row, agent = instance.task, instance.agent
    assert row is not None
    assert agent is not None
    known = state.known(instance)
    value: Json = {
        "id": row.id,
        "appId": instance.app_id,
        "host": agent.host,
        "state": row.state or "TASK_STAGING",
        "slaveId": agent.agent_id,
        "ports": [],
        "servicePorts": list(known.app.service_ports) if known and with_service_ports else [],
        "ipAddresses": [{"ipAddress": each.address, "protocol": each.protocol} for each in row.ip_addresses],
        "healthCheckResults": health_results(state, instance.id),
        "localVolumes": [],
        "role": instance.role,
    }
    if agent.region is not None:
        value["region"] = agent.region
    if agent.zone is not None:
        value["zone"] = agent.zone
    if instance.condition.is_active:
        value["ports"] = list(row.host_ports)
        value["stagedAt"] = timestamp(row.staged_at_s)
        if row.started_at_s is not None:
            value["startedAt"] = timestamp(row.started_at_s)
        value["version"] = instance.version
    result = _check_result(row.check_status)
    if result is not None:
        value["checkResult"] = result
    return value


def health_results(state: State, instance_id: str) -> list[Json]:
    """Return what each health check knows of an instance, once it knows something."""
    return [_health(each, instance_id) for each in state.results.get(instance_id, ()) if each.is_known]


def _health(result: CheckResult, instance_id: str) -> Json:
    value: Json = {
        "alive": result.alive,
        "consecutiveFailures": result.failures,
        "instanceId": instance_id,
    }
    times = (
        ("firstSuccess", result.first_success_s),
        ("lastSuccess", result.last_success_s),
        ("lastFailure", result.last_failure_s),
    )
    for name, at_s in times:
        if at_s is not None:
            value[name] = timestamp(at_s)
    if result.cause is not None:
        value["lastFailureCause"] = result.cause
    return value


def _check_result(status: CheckStatusInfo | None) -> Json | None:
    if status is None:
        return None
    if status.http is not None and status.http.status_code is not None:
        return {"http": {"statusCode": status.http.status_code}}
    if status.tcp is not None and status.tcp.succeeded is not None:
        return {"tcp": {"succeeded": status.tcp.succeeded}}
    if status.command is not None and status.command.exit_code is not None:
        return {"command": {"exitCode": status.command.exit_code}}
    return None
