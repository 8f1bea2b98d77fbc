"""The TaskInfo that Mesos gets."""

from __future__ import annotations

from typing import Any

import pytest

from marathon.core.compile import compile_app, drain_s
from marathon.core.matcher.match import Match
from marathon.core.model.app import AppDefinition, Fetch, ResourceLimits
from marathon.core.model.checks import Command, HealthCheck
from marathon.core.model.container import Container, Docker, DockerParameter, EngineType, Volume
from marathon.core.model.instance import AgentRef, Instance, TaskRow
from marathon.core.model.network import Network, NetworkMode, PortDefinition, PortMapping
from marathon.core.settings import Settings
from marathon.core.state import Known
from marathon.core.task_builder import build
from mesos.clock import SeededIds
from mesos.resources import Resources
from mesos.types.tasks import TaskInfo


def task(host_ports: tuple[int, ...] = (), settings: Settings | None = None, **fields: Any) -> TaskInfo:
    app = AppDefinition(id="/prod/web", version="2026-01-01T00:00:00.000Z", **fields)
    settings = settings or Settings(user="nobody")
    instance = Instance(
        id="prod_web.instance-u",
        app_id=app.id,
        version=app.version,
        incarnation=1,
        agent=AgentRef(host="h1", agent_id="s1"),
        task=TaskRow(id="prod_web.instance-u._app.1", staged_at_s=0.0, host_ports=host_ports),
    )
    found = Match(Resources.parse("cpus:1;mem:128"), host_ports)
    return build(Known(app, compile_app(app, settings)), instance, found, settings, SeededIds(1))


def environment(info: TaskInfo) -> dict[str, str | None]:
    assert info.command is not None and info.command.environment is not None
    return {each.name: each.value for each in info.command.environment.variables}


def test_names_ids_and_user() -> None:
    info = task(cmd="sleep 1")
    assert (info.name, info.task_id.value, info.agent_id.value) == ("web.prod", "prod_web.instance-u._app.1", "s1")
    assert info.command is not None
    assert (info.command.shell, info.command.value, info.command.user) == (True, "sleep 1", "nobody")
    assert info.discovery is not None
    assert (info.discovery.visibility, info.discovery.name) == ("FRAMEWORK", "web.prod")
    assert info.container is None and info.health_check is None and info.kill_policy is None and info.labels is None


def test_args_are_a_program_unless_there_is_an_image() -> None:
    plain = task(args=("/bin/echo", "hi")).command
    assert plain is not None
    assert (plain.shell, plain.value, plain.arguments) == (False, "/bin/echo", ("/bin/echo", "hi"))
    image = task(args=("-v",), container=Container(docker=Docker(image="busybox"))).command
    assert image is not None
    assert (image.shell, image.value, image.arguments) == (False, None, ("-v",))


def test_the_environment_of_a_host_network_app() -> None:
    told = environment(
        task(
            (31005, 31006),
            cmd="x",
            env={"OWN": "1", "PORT1": "mine"},
            labels={"some-label": "v", "long": "x" * 600},
            port_definitions=(PortDefinition(port=10001, name="http-api"), PortDefinition(port=10002)),
        )
    )
    expected = {
        "MESOS_TASK_ID": "prod_web.instance-u._app.1",
        "MARATHON_APP_ID": "/prod/web",
        "MARATHON_APP_VERSION": "2026-01-01T00:00:00.000Z",
        "MARATHON_APP_RESOURCE_CPUS": "1.0",
        "MARATHON_APP_RESOURCE_MEM": "128.0",
        "MARATHON_APP_RESOURCE_DISK": "0.0",
        "MARATHON_APP_RESOURCE_GPUS": "0",
        "MARATHON_APP_LABELS": "SOME_LABEL",
        "MARATHON_APP_LABEL_SOME_LABEL": "v",
        "HOST": "h1",
        "PORT": "31005",
        "PORTS": "31005,31006",
        "PORT0": "31005",
        "PORT1": "mine",
        "PORT_10001": "31005",
        "PORT_10002": "31006",
        "PORT_HTTP-API": "31005",
        "OWN": "1",
    }
    assert {name: told.get(name) for name in expected} == expected
    assert "MARATHON_APP_DOCKER_IMAGE" not in told
    assert "MARATHON_APP_LABEL_LONG" not in told


def test_a_prefix_for_ports_and_host_only() -> None:
    told = environment(
        task((31005,), Settings(env_prefix="P_"), cmd="x", port_definitions=(PortDefinition(port=10001),))
    )
    assert told["P_HOST"] == "h1" and told["P_PORT0"] == "31005" and "PORT0" not in told
    assert told["MARATHON_APP_ID"] == "/prod/web"


def test_a_docker_app_on_a_bridge() -> None:
    mappings = (
        PortMapping(container_port=8080, host_port=0, service_port=9000, protocol="udp,tcp", name="http"),
        PortMapping(container_port=0, host_port=0),
    )
    docker = Docker(image="busybox", parameters=(DockerParameter("hostname", "a"),), force_pull_image=True)
    volumes = (Volume(container_path="/data", host_path="/srv", mode="RO"),)
    info = task(
        (31005, 31006),
        container=Container(docker=docker, port_mappings=mappings, volumes=volumes),
        networks=(Network(NetworkMode.BRIDGE),),
    )
    container = info.container
    assert container is not None and container.docker is not None
    assert (container.type, container.docker.network, container.docker.image) == ("DOCKER", "BRIDGE", "busybox")
    assert [(each.host_port, each.container_port, each.protocol) for each in container.docker.port_mappings] == [
        (31005, 8080, "udp"),
        (31005, 8080, "tcp"),
        (31006, 31006, "tcp"),
    ]
    assert [(each.key, each.value) for each in container.docker.parameters] == [
        ("hostname", "a"),
        ("label", "MESOS_TASK_ID=prod_web.instance-u._app.1"),
    ]
    assert container.docker.force_pull_image is True
    assert [(each.container_path, each.host_path, each.mode) for each in container.volumes] == [("/data", "/srv", "RO")]
    told = environment(info)
    assert (told["PORT_8080"], told["PORT_HTTP"], told["PORT_31006"]) == ("31005", "31005", "31006")
    assert told["MARATHON_APP_DOCKER_IMAGE"] == "busybox"
    assert info.discovery is not None and info.discovery.ports is not None
    first = info.discovery.ports.ports[0]
    assert (first.number, first.name, first.protocol) == (31005, "http", "udp")
    assert first.labels is not None and first.labels.labels[0].value == "host"


def test_a_mesos_container_on_a_named_network() -> None:
    info = task(
        cmd="x",
        container=Container(
            type=EngineType.MESOS, docker=Docker(image="alpine"), port_mappings=(PortMapping(container_port=80),)
        ),
        networks=(Network(NetworkMode.CONTAINER, "overlay"),),
    )
    assert info.container is not None and info.container.mesos is not None and info.container.mesos.image is not None
    assert info.container.mesos.image.docker is not None
    assert info.container.mesos.image.docker.name == "alpine"
    (network,) = info.container.network_infos
    assert (network.name, network.port_mappings) == ("overlay", ())
    assert info.discovery is not None and info.discovery.ports is not None
    assert info.discovery.ports.ports[0].number == 80


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (HealthCheck(protocol="MESOS_HTTP", path="/ping", port_index=0), ("HTTP", 31005, "/ping", "http")),
        (HealthCheck(protocol="MESOS_HTTPS", port=443), ("HTTP", 443, "/", "https")),
    ],
)
def test_health_checks_for_the_agent(check: HealthCheck, expected: tuple[Any, ...]) -> None:
    info = task((31005,), cmd="x", port_definitions=(PortDefinition(),), health_checks=(check,))
    found = info.health_check
    assert found is not None and found.http is not None
    assert (found.type, found.http.port, found.http.path, found.http.scheme) == expected
    assert (found.grace_period_seconds, found.consecutive_failures, found.delay_seconds) == (300.0, 3, 15.0)


def test_command_and_tcp_checks_for_the_agent_and_none_for_our_own() -> None:
    command = task(cmd="x", health_checks=(HealthCheck(protocol="COMMAND", command=Command("true")),)).health_check
    assert command is not None and command.command is not None and command.command.value == "true"
    tcp = task(
        (31005,), cmd="x", port_definitions=(PortDefinition(),), health_checks=(HealthCheck(protocol="MESOS_TCP"),)
    )
    assert tcp.health_check is not None and tcp.health_check.tcp is not None and tcp.health_check.tcp.port == 31005
    assert (
        task((31005,), cmd="x", port_definitions=(PortDefinition(),), health_checks=(HealthCheck(),)).health_check
        is None
    )


def test_kill_policy_labels_fetch_and_limits() -> None:
    info = task(
        cmd="x",
        task_kill_grace_period_seconds=20,
        labels={"a": "b"},
        fetch=(Fetch(uri="http://x/y.tgz", dest_path="z"),),
        resource_limits=ResourceLimits(cpus="unlimited", mem=256.0),
    )
    assert info.kill_policy is not None and info.kill_policy.grace_period is not None
    assert info.kill_policy.grace_period.nanoseconds == 20 * 10**9
    assert info.labels is not None and (info.labels.labels[0].key, info.labels.labels[0].value) == ("a", "b")
    assert info.command is not None and info.command.uris[0].output_file == "z"
    assert {name: each.value for name, each in info.limits.items()} == {"cpus": float("inf"), "mem": 256.0}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, 0.0),
        ({"HAPROXY_GROUP": "external"}, 1.0),
        ({"HAPROXY_0_GROUP": "external"}, 1.0),
        ({"HAPROXY_0_VHOST": "x"}, 0.0),
        ({"HAPROXY_GROUP": "external", "MEZZO_DRAIN_SECONDS": "2.5"}, 2.5),
        ({"MEZZO_DRAIN_SECONDS": "2"}, 2.0),
        ({"HAPROXY_GROUP": "external", "MEZZO_DRAIN_SECONDS": "soon"}, 1.0),
    ],
)
def test_drain_times(labels: dict[str, str], expected: float) -> None:
    assert drain_s(labels, 1.0) == expected
