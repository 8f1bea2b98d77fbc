"""Turns an app and its place into the TaskInfo that Mesos gets. Source: Marathon ``TaskBuilder``."""

from __future__ import annotations

from marathon.core import environment
from marathon.core.containers import container_info
from marathon.core.endpoints import effective_ports
from marathon.core.matcher.match import Match
from marathon.core.model.app import AppDefinition
from marathon.core.model.instance import Instance
from marathon.core.run_spec import CheckSpec, PortSpec, RunSpec
from marathon.core.settings import Settings
from marathon.core.state import Known
from mesos.clock import IdSource
from mesos.resources import Resources
from mesos.types.base import DurationInfo, Label, Labels
from mesos.types.containers import URI, CommandInfo, Environment, KillPolicy, Variable
from mesos.types.ids import AgentID, ExecutorID, TaskID
from mesos.types.resources import Resource, Scalar
from mesos.types.tasks import (
    CheckInfo,
    CommandCheck,
    DiscoveryInfo,
    ExecutorInfo,
    HealthCheck,
    HealthCheckType,
    HTTPCheck,
    Port,
    Ports,
    TaskInfo,
    TCPCheck,
)

NANOSECONDS = 1_000_000_000
COMMAND_EXECUTOR = "//cmd"


def build(known: Known, instance: Instance, found: Match, settings: Settings, ids: IdSource) -> TaskInfo:
    """Return the task that ``instance`` (with agent and task filled in) runs as."""
    app, spec = known.app, known.spec
    assert instance.task is not None and instance.agent is not None
    ports = effective_ports(spec, instance.task.host_ports)
    variables = environment.variables(app, spec, instance, ports, settings, ids)
    command = _command(app, variables, settings)
    executor = _executor(app, instance, command, settings)
    return TaskInfo(
        name=task_name(spec.id),
        task_id=TaskID(instance.task.id),
        agent_id=AgentID(instance.agent.agent_id),
        resources=_resources(found.resources),
        command=None if executor else command,
        executor=executor,
        container=container_info(app, spec, instance.task.id, ports, settings),
        health_check=_health_check(spec, ports),
        check=_check(app, ports),
        kill_policy=_kill_policy(spec),
        labels=_labels(app.labels),
        discovery=_discovery(app, spec, ports),
        limits=_limits(app),
    )


def task_name(app_id: str) -> str:
    """Write an id as names of tasks are: ``/prod/web`` is ``web.prod``."""
    return ".".join(reversed(app_id.strip("/").split("/")))


def _resources(resources: Resources) -> tuple[Resource, ...]:
    return resources.to_wire()


def _command(app: AppDefinition, variables: dict[str, str], settings: Settings) -> CommandInfo:
    """``cmd`` is for a shell; ``args`` are a program and its arguments, or arguments of the image's program."""
    listed = tuple(Variable(name=name, value=value) for name, value in variables.items())
    shell, value, arguments = True, app.cmd, tuple(app.args or ())
    if value is None:
        shell = False
        if arguments and not _has_image(app):
            value = arguments[0]
    return CommandInfo(
        uris=tuple(
            URI(
                value=each.uri,
                executable=each.executable,
                extract=each.extract,
                cache=each.cache,
                output_file=each.dest_path,
            )
            for each in app.fetch
        ),
        environment=Environment(listed),
        shell=shell,
        value=value,
        arguments=arguments,
        user=app.user or settings.user,
    )


def _has_image(app: AppDefinition) -> bool:
    return app.container is not None and app.container.docker is not None


def _executor(app: AppDefinition, instance: Instance, command: CommandInfo, settings: Settings) -> ExecutorInfo | None:
    """A custom executor is a path that is run with the app's command behind it."""
    path = app.executor or settings.executor
    if path == COMMAND_EXECUTOR:
        return None
    assert instance.task is not None
    value = f"chmod ug+rx '{path}' && exec '{path}' {app.cmd or ' '.join(app.args or ())}"
    run = CommandInfo(uris=command.uris, environment=command.environment, value=value, user=command.user)
    return ExecutorInfo(
        executor_id=ExecutorID(f"marathon-{instance.task.id}"), name=task_name(instance.app_id), command=run
    )


def _health_check(spec: RunSpec, ports: list[tuple[int | None, int | None]]) -> HealthCheck | None:
    check = next((each for each in spec.checks if not each.is_ours), None)
    if check is None:
        return None
    times = {
        "delay_seconds": float(check.delay_s),
        "interval_seconds": float(check.interval_s),
        "timeout_seconds": float(check.timeout_s),
        "consecutive_failures": check.max_failures,
        "grace_period_seconds": float(check.grace_s),
    }
    protocol = "IPv6" if check.ipv6 else "IPv4"
    if check.protocol == "COMMAND":
        command = CommandInfo(value=check.command)
        return HealthCheck(type=HealthCheckType.COMMAND, command=command, **times)  # type: ignore[arg-type]
    port = _check_port(check, ports)
    if port is None:
        return None
    if check.protocol == "MESOS_TCP":
        tcp = TCPCheck(port=port, protocol=protocol)
        return HealthCheck(type=HealthCheckType.TCP, tcp=tcp, **times)  # type: ignore[arg-type]
    scheme = "https" if check.protocol == "MESOS_HTTPS" else "http"
    http = HTTPCheck(port=port, path=check.path, scheme=scheme, protocol=protocol)
    return HealthCheck(type=HealthCheckType.HTTP, http=http, **times)  # type: ignore[arg-type]


def _check_port(check: CheckSpec, ports: list[tuple[int | None, int | None]]) -> int | None:
    """The agent's checks run beside the task: the container's port if there is one, else the host's."""
    if check.port is not None:
        return check.port
    return _port_at(check.port_index or 0, ports)


def _port_at(index: int, ports: list[tuple[int | None, int | None]]) -> int | None:
    if not 0 <= index < len(ports):
        return None
    host, container = ports[index]
    return container if container is not None else host


def _check(app: AppDefinition, ports: list[tuple[int | None, int | None]]) -> CheckInfo | None:
    check = app.check
    if check is None:
        return None
    times = {
        "delay_seconds": float(check.delay_seconds),
        "interval_seconds": float(check.interval_seconds),
        "timeout_seconds": float(check.timeout_seconds),
    }
    if check.exec is not None:
        run = check.exec.command
        command = CommandInfo(value=run.shell) if run.argv is None else _argv(run.argv)
        return CheckInfo(type=HealthCheckType.COMMAND, command=CommandCheck(command), **times)  # type: ignore[arg-type]
    asked = check.tcp or check.http
    if asked is None:
        return None
    port = asked.port if asked.port is not None else _port_at(asked.port_index or 0, ports)
    if port is None:
        return None
    if check.http is None:
        return CheckInfo(type=HealthCheckType.TCP, tcp=TCPCheck(port=port), **times)  # type: ignore[arg-type]
    http = HTTPCheck(port=port, path=check.http.path, scheme=check.http.scheme.lower())
    return CheckInfo(type=HealthCheckType.HTTP, http=http, **times)  # type: ignore[arg-type]


def _argv(words: tuple[str, ...]) -> CommandInfo:
    return CommandInfo(shell=False, value=words[0], arguments=words)


def _kill_policy(spec: RunSpec) -> KillPolicy | None:
    return None if spec.grace_s is None else KillPolicy(DurationInfo(int(spec.grace_s * NANOSECONDS)))


def _labels(labels: dict[str, str]) -> Labels | None:
    return Labels(tuple(Label(key, value) for key, value in labels.items())) if labels else None


def _discovery(app: AppDefinition, spec: RunSpec, ports: list[tuple[int | None, int | None]]) -> DiscoveryInfo:
    listed: list[Port] = []
    for port, (host, container) in zip(spec.ports, ports, strict=True):
        number = host if host is not None else container
        if number is not None:
            labels = _port_labels(spec, port, host is not None)
            listed += (
                Port(number=number, name=port.name, protocol=each, labels=_labels(labels))
                for each in port.protocol.split(",")
            )
    return DiscoveryInfo(visibility="FRAMEWORK", name=task_name(spec.id), ports=Ports(tuple(listed)))


def _port_labels(spec: RunSpec, port: PortSpec, on_host: bool) -> dict[str, str]:
    if port.container_port is None:
        return port.labels
    scope = {"network-scope": "host" if on_host else "container"}
    if not on_host and port.network_names:
        scope["network-name"] = port.network_names[0]
    return {**port.labels, **scope}


def _limits(app: AppDefinition) -> dict[str, Scalar]:
    limits = app.resource_limits
    if limits is None:
        return {}
    named = {"cpus": limits.cpus, "mem": limits.mem}
    return {
        name: Scalar(float("inf") if each == "unlimited" else float(each))
        for name, each in named.items()
        if each is not None
    }
