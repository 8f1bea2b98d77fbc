"""Makes a :class:`RunSpec` of an app's definition: once per version, so that nothing has to be read twice."""

from __future__ import annotations

import re

from marathon.core.backoff import Policy
from marathon.core.model.app import AppDefinition, Operator
from marathon.core.model.checks import HealthCheck, ReadinessCheck
from marathon.core.run_spec import (
    CheckSpec,
    Constraint,
    Needs,
    PortSpec,
    ReadinessSpec,
    RunSpec,
    Upgrade,
)
from marathon.core.settings import Settings
from mesos.resources import thousandths

DRAIN_LABEL = "MEZZO_DRAIN_SECONDS"
"""An app's own time between telling and killing."""

_BALANCED = re.compile(r"HAPROXY_(\d+_)?GROUP\Z")
_GPU_LABEL = "GPU_SCHEDULING_BEHAVIOR"


def compile_app(app: AppDefinition, settings: Settings) -> RunSpec:
    """Return what scheduling needs to know of ``app``."""
    unreachable = app.unreachable_strategy
    return RunSpec(
        id=app.id,
        version=app.version,
        config=app.config_version,
        instances=app.instances,
        role=app.role,
        accepted_roles=accepted_roles(app.accepted_resource_roles, app.role, settings.accepted_roles_default),
        needs=Needs(
            cpus=thousandths(app.cpus),
            mem=thousandths(app.mem),
            disk=thousandths(app.disk),
            gpus=thousandths(app.gpus),
            host_ports=tuple(port.host_port for port in ports_of(app) if port.host_port is not None),
        ),
        constraints=tuple(constraint(each.field, each.operator, each.value) for each in app.constraints),
        backoff=Policy(app.backoff_seconds, app.backoff_factor, app.max_launch_delay_seconds),
        upgrade=Upgrade(app.upgrade_strategy.minimum_health_capacity, app.upgrade_strategy.maximum_over_capacity),
        youngest_first=app.kill_selection == "YOUNGEST_FIRST",
        inactive_after_s=unreachable.inactive_after_seconds if unreachable else None,
        expunge_after_s=unreachable.expunge_after_seconds if unreachable else None,
        drain_s=drain_s(app.labels, settings.drain_s),
        grace_s=app.task_kill_grace_period_seconds,
        ports=ports_of(app),
        checks=tuple(_check(each) for each in app.health_checks),
        readiness=tuple(_readiness(each) for each in app.readiness_checks),
        resident=app.is_resident,
        gpu_policy=app.labels.get(_GPU_LABEL),
    )


def accepted_roles(given: tuple[str, ...] | None, role: str, default: str) -> frozenset[str]:
    """Return the roles whose resources may be used. Source: Marathon ``AcceptedResourceRolesHelper``."""
    if given:
        return frozenset(given)
    return {"any": frozenset({role, "*"}), "unreserved": frozenset({"*"}), "reserved": frozenset({role})}[default]


def constraint(field: str, operator: str, value: str | None) -> Constraint:
    """Return one constraint, read and compiled; what is wrong with one was refused when the app was posted."""
    kind = Operator(operator)
    is_number = kind in (Operator.MAX_PER, Operator.GROUP_BY)
    is_pattern = kind in (Operator.LIKE, Operator.UNLIKE)
    return Constraint(
        field=field,
        operator=kind,
        value=value,
        number=int(value) if is_number and value else None,
        pattern=re.compile(value) if is_pattern and value else None,
    )


def drain_s(labels: dict[str, str], default_s: float) -> float:
    """Return how long a balancer gets to take an instance out before it is killed; 0 for apps without one."""
    own = labels.get(DRAIN_LABEL)
    if own is not None:
        try:
            return max(0.0, float(own))
        except ValueError:
            return default_s
    return default_s if any(_BALANCED.match(name) for name in labels) else 0.0


def ports_of(app: AppDefinition) -> tuple[PortSpec, ...]:
    """Return the app's ports: its container's mappings if it has any, else its port definitions."""
    if not app.uses_host_network and app.container is not None:
        return tuple(
            PortSpec(
                name=each.name,
                protocol=each.protocol,
                host_port=each.host_port,
                container_port=each.container_port,
                requested=each.container_port,
                service_port=each.service_port,
                labels=each.labels,
                network_names=tuple(each.network_names),
            )
            for each in app.container.port_mappings or ()
        )
    return tuple(
        PortSpec(
            name=each.name,
            protocol=each.protocol,
            host_port=each.port if app.require_ports else 0,
            requested=each.port,
            service_port=each.port,
            labels=each.labels,
        )
        for each in app.port_definitions or ()
    )


def _check(check: HealthCheck) -> CheckSpec:
    return CheckSpec(
        protocol=check.protocol,
        path=check.path or "/",
        port=check.port,
        port_index=check.port_index,
        command=check.command.value if check.command else None,
        grace_s=check.grace_period_seconds,
        interval_s=check.interval_seconds,
        timeout_s=check.timeout_seconds,
        delay_s=check.delay_seconds,
        max_failures=check.max_consecutive_failures,
        ignore_1xx=bool(check.ignore_http1xx),
        ipv6=check.ip_protocol == "IPv6",
    )


def _readiness(check: ReadinessCheck) -> ReadinessSpec:
    return ReadinessSpec(
        name=check.name,
        protocol=check.protocol,
        path=check.path,
        port_name=check.port_name,
        interval_s=check.interval_seconds,
        timeout_s=check.timeout_seconds,
        ready_codes=frozenset(check.http_status_codes_for_ready),
        preserve=check.preserve_last_response,
    )
