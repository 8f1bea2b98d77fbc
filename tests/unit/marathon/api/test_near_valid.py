"""Definitions that are almost right are taken or refused with a path, and never break anything."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.marathon_node import Answer, running

NAMES = [
    "cmd",
    "args",
    "user",
    "env",
    "instances",
    "cpus",
    "mem",
    "disk",
    "gpus",
    "executor",
    "executorResources",
    "resourceLimits",
    "constraints",
    "acceptedResourceRoles",
    "role",
    "fetch",
    "uris",
    "backoffSeconds",
    "backoffFactor",
    "maxLaunchDelaySeconds",
    "container",
    "networks",
    "ipAddress",
    "ports",
    "portDefinitions",
    "requirePorts",
    "residency",
    "dependencies",
    "upgradeStrategy",
    "labels",
    "healthChecks",
    "check",
    "readinessChecks",
    "secrets",
    "taskKillGracePeriodSeconds",
    "killSelection",
    "unreachableStrategy",
    "tty",
    "version",
    "id",
]
INNER = [
    "type",
    "docker",
    "image",
    "network",
    "portMappings",
    "containerPort",
    "hostPort",
    "servicePort",
    "protocol",
    "name",
    "mode",
    "labels",
    "volumes",
    "containerPath",
    "hostPath",
    "persistent",
    "size",
    "external",
    "provider",
    "options",
    "secret",
    "path",
    "portIndex",
    "port",
    "command",
    "value",
    "uri",
    "source",
    "minimumHealthCapacity",
    "maximumOverCapacity",
    "http",
    "tcp",
    "exec",
    "shell",
    "inactiveAfterSeconds",
    "seccomp",
    "linuxInfo",
]
TEXTS = st.sampled_from(
    [
        "",
        "a",
        "sleep 1",
        "/x/y",
        "..",
        "HTTP",
        "MESOS_TCP",
        "COMMAND",
        "UNIQUE",
        "GROUP_BY",
        "LIKE",
        "(",
        "host",
        "container",
        "container/bridge",
        "BRIDGE",
        "USER",
        "MESOS",
        "DOCKER",
        "RW",
        "disabled",
        "unlimited",
        "tcp",
        "*",
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 70000), st.floats(-1, 3), st.just(1e308), st.just(10**30), TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(INNER), inner, max_size=4)),
    max_leaves=8,
)
APPS = st.fixed_dictionaries({"id": st.just("/fuzz"), "cmd": st.just("sleep 1"), "cpus": st.just(0.1)}).flatmap(
    lambda base: st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3).map(lambda more: base | more)
)


async def tried(app: dict[str, Any]) -> tuple[list[Answer], bool]:
    """Post an app, put it, and wrap it into a group; tell whether refusals left everything as it was."""
    async with running() as api:
        answers, unchanged = [], True
        for method, path, body in (
            ("POST", "/v2/apps", app),
            ("PUT", "/v2/apps/fuzz", app),
            ("PUT", "/v2/groups/g", {"apps": [app]}),
        ):
            before = (await api("GET", "/v2/groups")).json["version"]
            answer = await api(method, path, body, force=True)
            answers.append(answer)
            if answer.status >= 400:
                unchanged = unchanged and (await api("GET", "/v2/groups")).json["version"] == before
        return answers, unchanged


@given(app=APPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_almost_right_definitions_never_break_anything(app: dict[str, Any]) -> None:
    answers, unchanged = asyncio.run(tried(app))
    assert unchanged
    for answer in answers:
        assert answer.status < 500, answer.text
        if answer.status == 422:
            assert answer.json.get("message")
            assert all(each["path"].startswith(("/", "(")) for each in answer.json.get("details", []))
