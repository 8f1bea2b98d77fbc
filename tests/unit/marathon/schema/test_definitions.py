"""Every rule of a definition: what is sent, where it is wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from marathon.core.model.app import AppDefinition, decode_app, encode_app
from marathon.core.model.group import Group
from marathon.core.paths import absolute
from marathon.errors import Invalid
from marathon.schema.body import load
from marathon.schema.build import as_written
from marathon.schema.context import Context
from marathon.schema.definition import complete, updated
from marathon.schema.forms import AppForm

CONTEXT = Context(bridge_name="mesos-bridge")
EVERYTHING = Context(features=frozenset({"secrets", "gpu_resources", "external_volumes"}))
DOCKER = {"docker": {"image": "i"}}
MESOS = {"type": "MESOS"}
BRIDGE = [{"mode": "container/bridge"}]


def read(fields: dict[str, Any], context: Context = CONTEXT) -> AppDefinition:
    given = {"id": "/x", "cmd": "sleep 1", **fields}
    value = load(AppForm, {key: each for key, each in given.items() if each is not ...})
    return complete(value, absolute(value["id"]), Group(), context)


def paths(fields: dict[str, Any], context: Context = CONTEXT) -> dict[str, str]:
    try:
        read(fields, context)
    except Invalid as error:
        return {each.path: each.text for each in error.violations}
    return {}


def volume(**fields: Any) -> dict[str, Any]:
    return {"container": {"type": "MESOS", "volumes": [{"containerPath": "data", "mode": "RW", **fields}]}}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"id": 3}, "/id"),
        ({"id": "/A"}, "/id"),
        ({"id": "a_b"}, "/id"),
        ({"id": "-a"}, "/id"),
        ({"id": "/"}, "/id"),
        ({"id": "/a/restart"}, "/id"),
        ({"id": "/a/tasks"}, "/id"),
        ({"id": "/versions"}, "/id"),
        ({"cmd": ""}, "/cmd"),
        ({"cmd": "x"}, "/"),
        ({"cmd": ["x"]}, "/cmd"),
        ({"cmd": ...}, "/"),
        ({"args": ["a"]}, "/"),
        ({"args": "a"}, "/args"),
        ({"args": ["a", 1]}, "/args(1)"),
        ({"env": {"A": 1}}, "/env/A"),
        ({"env": {"A": {"secret": "s"}}}, "/env/A/secret"),
        ({"env": []}, "/env"),
        ({"instances": -3}, "/instances"),
        ({"instances": 1.5}, "/instances"),
        ({"instances": True}, "/instances"),
        ({"instances": "1"}, "/instances"),
        ({"cpus": 0}, "/cpus"),
        ({"cpus": "1"}, "/cpus"),
        ({"mem": -1}, "/mem"),
        ({"disk": -1}, "/disk"),
        ({"gpus": 1}, "/gpus"),
        ({"executor": "a//b"}, "/executor"),
        ({"executorResources": {"cpus": 0.01}}, "/executorResources/cpus"),
        ({"constraints": [["hostname"]]}, "/constraints(0)"),
        ({"constraints": [["a", "b", "c", "d"]]}, "/constraints(0)"),
        ({"constraints": [["hostname", "NEAR"]]}, "/constraints(0)"),
        ({"constraints": [["hostname", "unique"]]}, "/constraints(0)"),
        ({"constraints": [["hostname", "UNIQUE", "x"]]}, "/constraints(0)"),
        ({"constraints": [["hostname", "UNIQUE"], ["rack", "MAX_PER"]]}, "/constraints(1)"),
        ({"constraints": [["rack", "MAX_PER", "many"]]}, "/constraints(0)"),
        ({"constraints": [["rack", "GROUP_BY", "x"]]}, "/constraints(0)"),
        ({"constraints": [["rack", "LIKE"]]}, "/constraints(0)"),
        ({"constraints": [["rack", "LIKE", "("]]}, "/constraints(0)"),
        ({"constraints": [["rack", "IS", "a b"]]}, "/constraints(0)"),
        ({"constraints": [["", "UNIQUE"]]}, "/constraints(0)"),
        ({"constraints": [[1, "UNIQUE"]]}, "/constraints(0)(0)"),
        ({"acceptedResourceRoles": []}, "/acceptedResourceRoles"),
        ({"acceptedResourceRoles": ["other"]}, "/acceptedResourceRoles"),
        ({"acceptedResourceRoles": ["*", "a b"]}, "/acceptedResourceRoles"),
        ({"role": ""}, "/role"),
        ({"role": "other"}, "/role"),
        ({"fetch": [{}]}, "/fetch(0)/uri"),
        ({"fetch": [{"uri": "a b"}]}, "/fetch(0)/uri"),
        ({"fetch": [{"uri": "http://a"}], "uris": ["http://b"]}, "/uris"),
        ({"backoffSeconds": -1}, "/backoffSeconds"),
        ({"backoffFactor": 0.9}, "/backoffFactor"),
        ({"maxLaunchDelaySeconds": -1}, "/maxLaunchDelaySeconds"),
        ({"ports": [8080, 8080]}, "/ports"),
        ({"ports": [70000]}, "/ports(0)"),
        ({"ports": [1], "portDefinitions": [{"port": 2}]}, "/"),
        ({"portDefinitions": [{"port": 1}, {"port": 1}]}, "/portDefinitions"),
        ({"portDefinitions": [{"port": 1, "protocol": "udp,tcp"}, {"port": 1}]}, "/portDefinitions"),
        ({"portDefinitions": [{"name": "a"}, {"name": "a"}]}, "/portDefinitions"),
        ({"portDefinitions": [{"name": "A"}]}, "/portDefinitions(0)/name"),
        ({"portDefinitions": [{"protocol": "sctp"}]}, "/portDefinitions(0)/protocol"),
        ({"dependencies": ["/A"]}, "/dependencies(0)"),
        ({"dependencies": ["/a", "/a"]}, "/dependencies"),
        ({"upgradeStrategy": {"minimumHealthCapacity": 1}}, "/upgradeStrategy/maximumOverCapacity"),
        (
            {"upgradeStrategy": {"minimumHealthCapacity": 1.2, "maximumOverCapacity": 0}},
            "/upgradeStrategy/minimumHealthCapacity",
        ),
        ({"labels": {"a": 1}}, "/labels/a"),
        ({"labels": {"MARATHON_SINGLE_INSTANCE_APP": "true"}, "instances": 2}, "/"),
        (
            {
                "labels": {"MARATHON_SINGLE_INSTANCE_APP": "true"},
                "upgradeStrategy": {"minimumHealthCapacity": 0, "maximumOverCapacity": 1},
            },
            "/upgradeStrategy/maximumOverCapacity",
        ),
        ({"labels": {"DCOS_MIGRATION_API_VERSION": "v1"}}, "/labels"),
        ({"healthChecks": [{"protocol": "ICMP"}]}, "/healthChecks(0)/protocol"),
        ({"healthChecks": [{"portIndex": 1}]}, "/healthChecks(0)"),
        ({"healthChecks": [{}], "ports": []}, "/healthChecks(0)"),
        ({"healthChecks": [{"portIndex": 0, "port": 80}]}, "/healthChecks(0)"),
        ({"healthChecks": [{"protocol": "COMMAND"}]}, "/healthChecks(0)/command"),
        ({"healthChecks": [{"protocol": "MESOS_TCP"}, {"protocol": "MESOS_HTTP"}]}, "/healthChecks"),
        ({"healthChecks": [{"ipProtocol": "IPv6"}]}, "/healthChecks(0)"),
        ({"check": {}}, "/check"),
        ({"check": {"http": {"portIndex": 3}}}, "/check/http"),
        ({"check": {"exec": {"command": {}}}}, "/check/exec/command"),
        ({"check": {"tcp": {}}, "container": DOCKER}, "/"),
        ({"readinessChecks": [{}]}, "/readinessChecks(0)/portName"),
        ({"readinessChecks": [{"portName": "default"}] * 2}, "/readinessChecks"),
        (
            {"readinessChecks": [{"portName": "default", "timeoutSeconds": 30}]},
            "/readinessChecks(0)/timeoutSeconds",
        ),
        ({"secrets": {"s": {"source": "/s"}}}, "/secrets"),
        ({"taskKillGracePeriodSeconds": -1}, "/taskKillGracePeriodSeconds"),
        ({"killSelection": "RANDOM"}, "/killSelection"),
        ({"unreachableStrategy": "enabled"}, "/unreachableStrategy"),
        (
            {"unreachableStrategy": {"inactiveAfterSeconds": 5, "expungeAfterSeconds": 2}},
            "/unreachableStrategy",
        ),
        ({"tty": "yes"}, "/tty"),
        ({"resourceLimits": {"cpus": 0.5}}, "/resourceLimits/cpus"),
        ({"resourceLimits": {"mem": "lots"}}, "/resourceLimits/mem"),
        ({"networks": [{"mode": "host", "name": "a"}]}, "/networks(0)"),
        ({"networks": [{"mode": "container/bridge", "name": "a"}]}, "/networks(0)"),
        ({"networks": [{}]}, "/networks(0)"),
        ({"networks": [{"name": "a"}, {"name": "a"}]}, "/networks"),
        ({"networks": [{"mode": "host"}, {"name": "a"}]}, "/networks"),
        ({"networks": [{"mode": "overlay"}]}, "/networks(0)/mode"),
        ({"networks": [{"name": "a"}, {"name": "b"}], "container": DOCKER}, "/networks"),
        ({"networks": [{"mode": "host"}], "container": {**DOCKER, "portMappings": [{}]}}, "/container/portMappings"),
        (
            {"networks": BRIDGE, "container": {**DOCKER, "portMappings": [{"name": "a"}, {"name": "a"}]}},
            "/container/portMappings",
        ),
        (
            {"networks": [{"name": "a"}], "container": {**MESOS, "portMappings": [{"networkNames": ["b"]}]}},
            "/container/portMappings(0)/networkNames(0)",
        ),
        (
            {
                "networks": [{"name": "a"}, {"name": "b"}],
                "container": {**MESOS, "portMappings": [{"hostPort": 0}]},
            },
            "/container/portMappings(0)",
        ),
        ({"container": {"docker": {}}}, "/container/docker/image"),
        ({"container": {}}, "/container/docker"),
        ({"container": {"type": "APPC"}}, "/container/type"),
        ({"container": {"docker": {"image": "i", "network": "NONE"}}}, "/container/docker/network"),
        ({"container": {"docker": {"image": "i", "network": "HOST"}}, "networks": BRIDGE}, "/"),
        ({"container": {"type": "MESOS", "docker": {"image": "i", "network": "HOST"}}}, "/container/docker/network"),
        (
            {"container": {"type": "MESOS", "docker": {"image": "i", "parameters": [{"key": "a", "value": "b"}]}}},
            "/container/docker/parameters",
        ),
        ({"container": {"docker": {"image": "i", "credential": {"principal": "p"}}}}, "/container/docker/credential"),
        (
            {
                "container": {
                    "docker": {"image": "i", "network": "BRIDGE", "portMappings": [{"containerPort": 1}]},
                    "portMappings": [{"containerPort": 2}],
                }
            },
            "/container",
        ),
        ({"container": {**MESOS, "linuxInfo": {"seccomp": {"unconfined": False}}}}, "/container/linuxInfo/seccomp"),
        (
            {"container": {**MESOS, "linuxInfo": {"ipcInfo": {"mode": "SHARE_PARENT", "shmSize": 1}}}},
            "/container/linuxInfo/ipcInfo",
        ),
        ({"ipAddress": {}, "ports": [1]}, "/"),
        ({"ipAddress": {}, "networks": BRIDGE}, "/"),
        (
            {"ipAddress": {"discovery": {"ports": [{"number": 1, "name": "a"}]}}, "container": DOCKER},
            "/ipAddress/discovery",
        ),
        (volume(), "/container/volumes(0)"),
        (volume(hostPath="/a", secret="s"), "/container/volumes(0)"),
        (volume(hostPath="/a", mode="WO"), "/container/volumes(0)/mode"),
        (volume(persistent={}), "/container/volumes(0)/persistent/size"),
        (volume(persistent={"size": 1}, mode="RO"), "/container/volumes(0)/mode"),
        (volume(persistent={"size": 1}, containerPath="a/b"), "/container/volumes(0)/containerPath"),
        (volume(persistent={"size": 1}, containerPath=".."), "/container/volumes(0)/containerPath"),
        (volume(persistent={"size": 1, "maxSize": 2}), "/container/volumes(0)/persistent/maxSize"),
        (volume(persistent={"size": 2, "maxSize": 2, "type": "mount"}), "/container/volumes(0)/persistent/maxSize"),
        (
            volume(persistent={"size": 1, "constraints": [["path", "LIKE", "a"]]}),
            "/container/volumes(0)/persistent/constraints",
        ),
        (
            volume(persistent={"size": 1}) | {"unreachableStrategy": {"inactiveAfterSeconds": 1}},
            "/unreachableStrategy",
        ),
        (volume(secret="s"), "/container/volumes(0)/secret"),
        (volume(external={"name": "n", "provider": "dvdi"}), "/container/volumes(0)/external"),
    ],
)
def test_a_broken_rule_is_named_with_its_path(fields: dict[str, Any], path: str) -> None:
    assert path in paths(fields)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"env": {"A": {"secret": "s"}}}, "/env/A/secret"),
        ({"gpus": 1, "container": DOCKER}, "/"),
        (volume(secret="s"), "/container/volumes(0)/secret"),
        (volume(external={"name": "n", "provider": "nfs"}), "/container/volumes(0)/external/provider"),
        (volume(external={"name": "n", "provider": "dvdi"}), "/container/volumes(0)/external/options"),
        (
            volume(external={"name": "n", "provider": "dvdi", "options": {"dvdi/driver": "d"}}) | {"instances": 2},
            "/instances",
        ),
        (
            volume(external={"name": "n", "provider": "csi", "options": {"pluginName": "p"}}),
            "/container/volumes(0)/external/options/capability",
        ),
        (
            {"container": {**MESOS, "docker": {"image": "i", "pullConfig": {"secret": "s"}}}},
            "/container/docker/pullConfig/secret",
        ),
        ({"container": {"docker": {"image": "i", "pullConfig": {"secret": "s"}}}}, "/container/docker/pullConfig"),
    ],
)
def test_rules_of_features_that_are_on(fields: dict[str, Any], path: str) -> None:
    assert path in paths(fields, EVERYTHING)


def test_every_wrong_path_is_named_at_once() -> None:
    wrong = paths({"cpus": "1", "instances": -1, "ports": ["a"], "labels": {"x": None}})
    assert list(wrong) == ["/instances", "/cpus", "/ports(0)", "/labels/x"]
    assert wrong["/cpus"] == "error.expected.jsnumber"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {"container": {"docker": {"image": "i", "network": "HOST", "portMappings": [{}]}}},
            {"networks": [{"mode": "host"}], "mappings": None},
            id="the host's network, whatever was mapped",
        ),
        pytest.param(
            {"container": {"docker": {"image": "i", "network": "BRIDGE", "portMappings": [{"containerPort": 80}]}}},
            {"networks": [{"mode": "container/bridge"}], "mappings": [(80, 0)], "definitions": None},
            id="a bridge, with mappings moved up and host ports at random",
        ),
        pytest.param(
            {"container": {"docker": {"image": "i", "network": "BRIDGE"}}, "ports": [1, 2]},
            {"networks": [{"mode": "container/bridge"}], "mappings": [(0, 0), (0, 0)]},
            id="ports become mappings",
        ),
        pytest.param(
            {"container": {"docker": {"image": "i", "network": "USER"}}, "ipAddress": {"networkName": "n"}},
            {"networks": [{"mode": "container", "name": "n"}], "mappings": [(0, None)]},
            id="a user network with its name",
        ),
        pytest.param(
            {"ipAddress": {"networkName": "mesos-bridge", "labels": {"a": "b"}}},
            {"networks": [{"mode": "container/bridge", "labels": {"a": "b"}}], "type": "MESOS"},
            id="an address of its own on the bridge",
        ),
        pytest.param(
            {"ipAddress": {"networkName": "n", "discovery": {"ports": [{"number": 80, "name": "web"}]}}},
            {"mappings": [(80, None)], "type": "MESOS"},
            id="ports to be discovered",
        ),
        pytest.param({"networks": BRIDGE}, {"type": "MESOS", "mappings": [(0, 0)]}, id="a bridge alone"),
        pytest.param(
            {"networks": BRIDGE, "container": {**DOCKER, "portMappings": []}}, {"mappings": []}, id="no port at all"
        ),
        pytest.param({}, {"networks": [{"mode": "host"}], "definitions": [(0, "default")]}, id="nothing said"),
        pytest.param({"ports": [1, 0]}, {"definitions": [(1, None), (0, None)]}, id="ports of the host"),
        pytest.param({"portDefinitions": []}, {"definitions": []}, id="no port of the host"),
        pytest.param(
            {"ports": [5], "portDefinitions": [{"port": 5, "name": "a"}]}, {"definitions": [(5, "a")]}, id="both alike"
        ),
        pytest.param(
            {"uris": ["http://a/b.tar.gz", "http://a/b.txt"]}, {"extract": [True, False]}, id="files of the old kind"
        ),
        pytest.param(
            {"uris": ["http://a"], "fetch": [{"uri": "http://a", "cache": True}]},
            {"extract": [True]},
            id="both files alike",
        ),
    ],
)  # fmt: skip
def test_old_forms_become_new_ones(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    app = read(fields)
    container = app.container
    mappings = container.port_mappings if container else None
    shown = {
        "networks": [
            {key: each for key, each in msgspec.to_builtins(network).items() if each} for network in app.networks
        ],
        "mappings": [(each.container_port, each.host_port) for each in mappings] if mappings is not None else None,
        "definitions": (
            [(each.port, each.name) for each in app.port_definitions] if app.port_definitions is not None else None
        ),
        "type": container.type.value if container else None,
        "extract": [each.extract for each in app.fetch],
    }
    assert {key: shown[key] for key in expected} == expected


def test_defaults_depend_on_what_the_app_is() -> None:
    resident = read(volume(persistent={"size": 1}))
    assert (resident.upgrade_strategy.minimum_health_capacity, resident.upgrade_strategy.maximum_over_capacity) == (
        0.5,
        0,
    )
    assert resident.unreachable_strategy is None
    assert resident.residency is not None
    checked = read({"healthChecks": [{}, {"protocol": "COMMAND", "command": "true"}]})
    assert [each.port_index for each in checked.health_checks] == [0, None]
    assert [each.ignore_http1xx for each in checked.health_checks] == [False, None]
    named = read({"networks": [{}], "container": MESOS}, Context(default_network_name="n"))
    assert named.networks[0].name == "n"


@pytest.mark.parametrize("fields", [{}, {"networks": BRIDGE}, volume(persistent={"size": 1}), {"check": {"tcp": {}}}])
def test_a_definition_survives_store_and_rereading(fields: dict[str, Any]) -> None:
    app = read({"constraints": [["a", "IS", "b"]], "env": {"A": "b"}, **fields})
    assert decode_app(encode_app(app)) == app
    assert complete(load(AppForm, as_written(app)), app.id, Group(), CONTEXT) == app


@pytest.mark.parametrize(
    ("update", "changed"),
    [
        ({"instances": 5}, {"instances": 5}),
        ({"env": {"B": "2"}}, {"env": {"B": "2"}}),
        ({"uris": ["http://b"]}, {"fetch": [{"uri": "http://b", "extract": False}]}),
        ({"cpus": 2, "cmd": None}, {"cpus": 2.0}),
        ({"resourceLimits": {"cpus": "unlimited"}}, {"resourceLimits": {"cpus": "unlimited"}}),
    ],
)
def test_an_update_replaces_whole_fields_and_keeps_the_others(update: dict[str, Any], changed: dict[str, Any]) -> None:
    before = read({"env": {"A": "1"}, "fetch": [{"uri": "http://a"}], "ports": [7]})
    after = updated(before, load(AppForm, update), Group(), CONTEXT)
    assert after == complete(load(AppForm, as_written(before) | changed), before.id, Group(), CONTEXT)


def test_an_update_of_ports_replaces_port_definitions() -> None:
    after = updated(read({"ports": [7]}), load(AppForm, {"ports": [8, 9]}), Group(), CONTEXT)
    assert after.service_ports == (8, 9)
