"""From an app to services and servers."""

from __future__ import annotations

from typing import Any

import pytest

from marathon_lb.core.build import AppProblem, Rules, services
from marathon_lb.core.ports import PortRange
from tests.unit.marathon_lb.apps import RULES, app, around, task

CHECK = {"protocol": "HTTP", "portIndex": 0, "path": "/h"}


def built(document: Any, rules: Rules = RULES, **known: Any) -> Any:
    return services(document, rules, around(**known), PortRange())


def addresses(document: Any, rules: Rules = RULES, **known: Any) -> list[str]:
    return [f"{server.ip}:{server.port}" for service in built(document, rules, **known) for server in service.servers]


@pytest.mark.parametrize(
    ("state", "used"),
    [
        ("TASK_RUNNING", True),
        ("TASK_UNREACHABLE", True),
        ("TASK_LOST", True),
        ("TASK_STAGING", False),
        ("TASK_STARTING", False),
        ("TASK_KILLED", False),
        ("TASK_GONE_BY_OPERATOR", False),
        ("TASK_UNKNOWN", False),
    ],
)
def test_states_that_serve(state: str, used: bool) -> None:
    assert bool(addresses(app(tasks=[task("t", (1,), state=state)]))) is used


@pytest.mark.parametrize(
    ("alive", "checks", "used"),
    [
        pytest.param({"t": True}, [CHECK], True, id="alive"),
        pytest.param({"t": False}, [CHECK], False, id="not alive"),
        pytest.param({}, [CHECK], False, id="not known"),
        pytest.param({}, [], True, id="no checks"),
    ],
)
def test_health_is_what_marathon_finds(alive: dict[str, bool], checks: list[Any], used: bool) -> None:
    rules = Rules(groups=frozenset("*"), health=True)
    assert bool(addresses(app(healthChecks=checks), rules, alive=alive)) is used


def test_a_task_that_will_be_killed_leaves_and_one_that_ended_is_gone() -> None:
    document = app(tasks=[task("a.instance-1._app.1", (1,)), task("b", (2,)), task("c", (3,), state="TASK_KILLING")])
    (service,) = built(document, killing={"a.instance-1": None}, gone={"b": None})
    assert [(server.port, server.leaving) for server in service.servers] == [(1, True), (3, True)]


def test_at_one_place_who_stays_goes_before_who_leaves() -> None:
    document = app(tasks=[task("new", (1,)), task("old", (1,), state="TASK_KILLING")])
    (service,) = built(document)
    assert [server.leaving for server in service.servers] == [False]


@pytest.mark.parametrize(
    ("labels", "groups", "strict", "admitted"),
    [
        pytest.param({}, ["external"], False, [0, 1], id="the app's group"),
        pytest.param({}, ["internal"], False, [], id="another group"),
        pytest.param({"HAPROXY_1_GROUP": "internal"}, ["external"], False, [0], id="a service's own group"),
        pytest.param({"HAPROXY_1_GROUP": "internal"}, ["internal", "external"], False, [0, 1], id="both groups"),
        pytest.param({"HAPROXY_GROUP": ""}, ["*"], False, [0, 1], id="everything"),
        pytest.param({"HAPROXY_0_ENABLED": "false"}, ["external"], False, [1], id="switched off"),
        pytest.param({"HAPROXY_0_ENABLED": "true"}, ["external"], True, [0], id="strict"),
    ],
)
def test_who_is_balanced(labels: dict[str, str], groups: list[str], strict: bool, admitted: list[int]) -> None:
    document = app(ports=(10000, 10001), labels=labels, tasks=[task("t", (1, 2))])
    rules = Rules(groups=frozenset(groups), strict=strict, health=False)
    assert [service.index for service in built(document, rules)] == admitted


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({}, ["1.1.1.1:1024"], id="host"),
        pytest.param(
            {
                "networks": [{"mode": "container/bridge"}],
                "container": {"portMappings": [{"containerPort": 80, "servicePort": 10000}]},
            },
            ["1.1.1.1:1024"],
            id="bridge",
        ),
        pytest.param(
            {
                "networks": None,
                "container": {
                    "docker": {"network": "BRIDGE", "portMappings": [{"containerPort": 80, "servicePort": 1}]}
                },
            },
            ["1.1.1.1:1024"],
            id="bridge as it was written before 1.5",
        ),
        pytest.param(
            {
                "networks": [{"mode": "container", "name": "n"}],
                "container": {"portMappings": [{"containerPort": 80, "servicePort": 10000}]},
                "tasks": [task("t", (), ipAddresses=[{"ipAddress": "10.1.1.1"}])],
            },
            ["10.1.1.1:80"],
            id="container",
        ),
        pytest.param(
            {
                "networks": None,
                "ipAddress": {"discovery": {"ports": [{"number": 81}]}},
                "tasks": [task("t", (), ipAddresses=[{"ipAddress": "10.1.1.1"}])],
            },
            ["10.1.1.1:81"],
            id="address per task",
        ),
        pytest.param({"tasks": [task("t", (1,), host="nowhere")]}, [], id="an unknown host"),
        pytest.param({"tasks": [task("t", ())], "portDefinitions": [{"port": 5}]}, ["1.1.1.1:5"], id="defined ports"),
    ],
)
def test_where_tasks_are_reached(more: dict[str, Any], expected: list[str]) -> None:
    assert addresses(app(**more)) == expected


@pytest.mark.parametrize(
    ("labels", "checks", "mode"),
    [
        ({}, [], "tcp"),
        ({}, [CHECK], "http"),
        ({}, [{"protocol": "MESOS_HTTP", "portIndex": 0}], "tcp"),
        ({}, [{"protocol": "COMMAND"}], "tcp"),
        ({"HAPROXY_0_VHOST": "a"}, [], "http"),
        ({"HAPROXY_0_MODE": "tcp"}, [CHECK], "tcp"),
    ],
)
def test_modes(labels: dict[str, str], checks: list[Any], mode: str) -> None:
    (service,) = built(app(labels=labels, healthChecks=checks))
    assert service.mode == mode


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(app("/a b"), id="an id that is none"),
        pytest.param(app(labels={"HAPROXY_0_MODE": "tcp", "HAPROXY_0_VHOST": "a"}), id="a vhost of tcp"),
        pytest.param(app(labels={"HAPROXY_0_AUTH": "x"}), id="a label"),
    ],
)
def test_an_app_that_cannot_be_balanced_says_why(document: Any) -> None:
    with pytest.raises(AppProblem):
        built(document)


@pytest.mark.parametrize(("index", "port"), [("1", 2), ("7", None)])
def test_the_check_may_go_to_another_port_of_the_task(index: str, port: int | None) -> None:
    labels = {"HAPROXY_0_BACKEND_HEALTHCHECK_PORT_INDEX": index}
    document = app(ports=(10000, 10001), labels=labels, tasks=[task("t", (1, 2))], healthChecks=[CHECK])
    assert built(document)[0].servers[0].check_port == port


def test_service_ports_are_assigned_by_hash_and_stay() -> None:
    networks = {"networks": [{"mode": "container"}], "portDefinitions": None}
    container = {"container": {"portMappings": [{"containerPort": 80}]}}
    tasks = {"tasks": [task("t", (), ipAddresses=[{"ipAddress": "10.1.1.1"}])]}
    assigned = PortRange(10050, 10052)
    found = [
        services(app(app_id, **networks, **container, **tasks), RULES, around(), assigned)
        for app_id in ("/a", "/b", "/c", "/d", "/a")
    ]
    ports = [own[0].port if own else None for own in found]
    assert set(ports[:3]) == {10050, 10051, 10052}
    assert (ports[3], ports[4]) == (None, ports[0])
