"""Health checks, checks and readiness checks. Source: Marathon ``AppValidation.healthCheckValidator``."""

from __future__ import annotations

from collections.abc import Iterator

from marathon.core.model.app import AppDefinition
from marathon.core.model.checks import Check, HealthCheck
from marathon.core.model.container import EngineType
from marathon.errors import Violation
from marathon.schema.context import Context

PORT_INDEX = "Health check port indices must address an element of the ports array or container port mappings."
CHECK_PORT_INDEX = "check port index must address an element of the ports array or container port mappings."
IPV6 = "IPv6 can only be used for container type DOCKER and Mesos http/https/tcp health checks"
_MESOS = ("MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP")


def rules(app: AppDefinition, _: Context) -> Iterator[Violation]:
    """Check every kind of check."""
    for index, each in enumerate(app.health_checks):
        yield from _health(app, each, f"/healthChecks({index})")
    if sum(each.protocol in _MESOS for each in app.health_checks) > 1:
        yield Violation("/healthChecks", "AppDefinition can contain at most one Mesos health check")
    if app.check is not None:
        yield from _check(app, app.check)
    yield from _readiness(app)


def _health(app: AppDefinition, check: HealthCheck, at: str) -> Iterator[Violation]:
    if check.protocol == "COMMAND":
        if check.command is None:
            yield Violation(f"{at}/command", "not defined")
    else:
        if check.command is not None:
            yield Violation(f"{at}/command", "must be empty")
        if check.port is not None and check.port_index is not None:
            yield Violation(at, "HealthCheck must specify either a port or a portIndex")
        elif check.port is None and not 0 <= (check.port_index or 0) < app.port_count:
            yield Violation(at, PORT_INDEX)
    if check.path is not None and not check.protocol.endswith(("HTTP", "HTTPS")):
        yield Violation(f"{at}/path", "must be empty")
    is_docker = app.container is not None and app.container.type is EngineType.DOCKER
    if check.ip_protocol == "IPv6" and not (is_docker and check.protocol in _MESOS):
        yield Violation(at, IPV6)


def _check(app: AppDefinition, check: Check) -> Iterator[Violation]:
    if app.container is not None and app.container.type is EngineType.DOCKER:
        yield Violation("/", "AppDefinition must not use 'checks' if using docker")
    kinds = [each for each in (check.http, check.tcp, check.exec) if each is not None]
    if len(kinds) != 1:
        yield Violation("/check", "Only one of http, tcp, or command may be specified")
    for name, each in (("http", check.http), ("tcp", check.tcp)):
        if each is not None and each.port is None and not 0 <= (each.port_index or 0) < app.port_count:
            yield Violation(f"/check/{name}", CHECK_PORT_INDEX)
    if check.exec is not None and (check.exec.command.shell is None) == (check.exec.command.argv is None):
        yield Violation("/check/exec/command", "Only one of shell or argv may be specified")


def _readiness(app: AppDefinition) -> Iterator[Violation]:
    if len(app.readiness_checks) > 1:
        yield Violation("/readinessChecks", f"got {len(app.readiness_checks)}, expected 1 or less")
    names = [each.name for each in app.port_definitions or ()]
    if app.container is not None:
        names += [each.name for each in app.container.port_mappings or ()]
    for index, each in enumerate(app.readiness_checks):
        at = f"/readinessChecks({index})"
        if each.port_name not in names:
            yield Violation(f"{at}/portName", f"No port definition reference for portName {each.port_name}")
        if each.timeout_seconds >= each.interval_seconds:
            text = f"Timeout ({each.timeout_seconds}) must be less than interval ({each.interval_seconds})"
            yield Violation(f"{at}/timeoutSeconds", text)
