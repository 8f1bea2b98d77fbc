"""What masters and marathons say, and what it means for names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mesos.errors import CodecError
from mesos_dns.core import events
from mesos_dns.core.model import Addresses, Agent, DiscoveryPort, Endpoint, Framework
from mesos_dns.schema.bus import read_bus_event
from mesos_dns.schema.operator import read_leader, read_master_event, read_pid, to_event
from tests.fakes import operator_master as wire


def read(kind: str, **payload: Any) -> Any:
    return to_event(read_master_event(json.dumps({"type": kind, kind.lower(): payload}).encode()))


def test_task() -> None:
    discovery = {"name": "svc", "ports": {"ports": [{"number": 80, "name": "http", "protocol": "tcp"}]}}
    document = wire.task("web.1", "web", ports=(31000, 31002), discovery=discovery)
    row = read("TASK_ADDED", task=document).task
    assert (row.id, row.name, row.agent_id, row.framework_id) == ("web.1", "web", wire.AGENT, wire.FRAMEWORK)
    assert row.running
    assert row.host_ports == ((31000, 31002),)
    assert (row.discovery_name, row.discovery_ports) == ("svc", (DiscoveryPort(80, "http", "tcp"),))
    assert row.addresses == Addresses(1.0, ("12.0.0.1",))


def test_the_greatest_timestamp_counts() -> None:
    document = wire.task("web.1", "web")
    document["statuses"] = [
        wire.status("web.1", "TASK_RUNNING", "12.0.0.2", 20.0),
        wire.status("web.1", "TASK_RUNNING", "12.0.0.1", 10.0),
        wire.status("web.1", "TASK_KILLING", "12.0.0.3", 30.0),
    ]
    assert read("TASK_ADDED", task=document).task.addresses.netinfo == ("12.0.0.2",)


def test_labels_and_old_network_infos_carry_addresses() -> None:
    document = wire.task("web.1", "web")
    document["statuses"] = [
        {
            "state": "TASK_RUNNING",
            "labels": {
                "labels": [
                    {"key": "Docker.NetworkSettings.IPAddress", "value": "2.2.2.2"},
                    {"key": "MesosContainerizer.NetworkSettings.IPAddress", "value": "3.3.3.3"},
                    {"key": "other"},
                ]
            },
            "container_status": {"network_infos": [{"ip_address": "1.1.1.1"}]},
        }
    ]
    assert read("TASK_ADDED", task=document).task.addresses == Addresses(0.0, ("1.1.1.1",), ("2.2.2.2",), ("3.3.3.3",))


@pytest.mark.parametrize(
    ("state", "running", "terminal"),
    [
        ("TASK_STAGING", False, False),
        ("TASK_RUNNING", True, False),
        ("TASK_KILLING", False, False),
        ("TASK_UNREACHABLE", False, False),
        ("TASK_KILLED", False, True),
        ("TASK_LOST", False, True),
        ("TASK_OF_THE_FUTURE", False, False),
    ],
)
def test_states(state: str, running: bool, terminal: bool) -> None:
    event = read("TASK_UPDATED", framework_id={"value": "f"}, status=wire.status("t", state), state=state)
    assert (event.running, event.terminal) == (running, terminal)


def test_agents_and_frameworks() -> None:
    assert read("AGENT_ADDED", agent=wire.agent()) == events.AgentSeen(Agent(wire.AGENT, Endpoint("10.0.0.1", 5051)))
    without_pid = {"agent_info": {"hostname": "node1", "port": 5052, "id": {"value": "a-S1"}}}
    assert read("AGENT_ADDED", agent=without_pid) == events.AgentSeen(Agent("a-S1", Endpoint("node1", 5052)))
    assert read("AGENT_REMOVED", agent_id={"value": "a-S1"}) == events.AgentGone("a-S1")
    expected = Framework(wire.FRAMEWORK, "marathon", Endpoint("10.0.9.9"))
    for kind in ("FRAMEWORK_ADDED", "FRAMEWORK_UPDATED"):
        assert read(kind, framework=wire.framework(hostname="10.0.9.9:1234")) == events.FrameworkSeen(expected)
    gone = wire.framework()["framework_info"]
    assert read("FRAMEWORK_REMOVED", framework_info=gone) == events.FrameworkGone(wire.FRAMEWORK)


def test_subscribed() -> None:
    state = {
        "get_agents": {"agents": [wire.agent()], "recovered_agents": [{"hostname": "h", "id": {"value": "a-S9"}}]},
        "get_frameworks": {"frameworks": [wire.framework()]},
        "get_tasks": {"tasks": [wire.task("web.1", "web"), wire.task("old.1", "old", state="TASK_FINISHED")]},
    }
    event = read("SUBSCRIBED", get_state=state)
    assert [task.id for task in event.tasks] == ["web.1"]
    assert event.recovered == {"a-S9"}
    assert read("SUBSCRIBED") == events.Snapshot(agents=(), recovered=frozenset(), frameworks=(), tasks=())


@pytest.mark.parametrize("ports", [[(31005, 31000)], [(0, 65536)], [(-1, 5)]])
def test_senseless_ports_are_passed_over(ports: list[tuple[int, int]]) -> None:
    row = read("TASK_ADDED", task=wire.task("t", "t", ports=ports[0])).task
    assert row.host_ports == ()


def test_what_is_no_event() -> None:
    assert to_event(read_master_event(b'{"type":"HEARTBEAT"}')) is None
    assert to_event(read_master_event(b'{"type":"TASK_ADDED"}')) is None
    for record in (b"", b"{", b'{"type":1}', b'{"type":"TASK_ADDED","task_added":{"task":{}}}', b"\xff"):
        with pytest.raises(CodecError):
            read_master_event(record)


@pytest.mark.parametrize(
    ("pid", "expected"),
    [
        ("slave(1)@10.0.0.1:5051", Endpoint("10.0.0.1", 5051)),
        ('"master@[fd00::1]:5050" ', Endpoint("fd00::1", 5050)),
        ("no-at:5050", None),
        ("x@:5050", None),
        ("x@host:port", None),
        ("", None),
        (None, None),
    ],
)
def test_pids(pid: str | None, expected: Endpoint | None) -> None:
    assert read_pid(pid) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"port": 5050, "address": {"ip": "1.1.1.1", "port": 5055}}, Endpoint("1.1.1.1", 5055)),
        ({"port": 5050, "pid": "master@1.1.1.1:5050"}, Endpoint("1.1.1.1", 5050)),
        ({"port": 5050, "hostname": "m1"}, Endpoint("m1", 5050)),
        ({"get_master": {"master_info": {"port": 1, "address": {"ip": "2.2.2.2", "port": 2}}}, "port": 0}, None),
        ({"port": 5050}, None),
        ([], None),
    ],
)
def test_leaders(document: Any, expected: Endpoint | None) -> None:
    if isinstance(document, dict) and "get_master" in document:
        expected = Endpoint("2.2.2.2", 2)
    assert read_leader(json.dumps(document).encode()) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"eventType": "status_update_event", "taskId": "t", "taskStatus": "TASK_RUNNING"},
            events.Confirmed("t", None),
        ),
        (
            {
                "eventType": "status_update_event",
                "taskId": "t",
                "taskStatus": "TASK_RUNNING",
                "ipAddresses": [{"ipAddress": "1.1.1.1", "protocol": "IPv4"}],
            },
            events.Confirmed("t", Addresses(netinfo=("1.1.1.1",))),
        ),
        ({"eventType": "status_update_event", "taskId": "t", "taskStatus": "TASK_KILLED"}, events.Withdrawn("t")),
        ({"eventType": "status_update_event", "taskId": "t", "taskStatus": "TASK_KILLING"}, events.Withdrawn("t")),
        ({"eventType": "status_update_event", "taskId": "t", "taskStatus": "TASK_STAGING"}, None),
        ({"eventType": "instance_changed_event", "instanceId": "i", "condition": "Killing"}, events.Withdrawn("i")),
        ({"eventType": "instance_changed_event", "instanceId": "i", "condition": "Unreachable"}, None),
        ({"eventType": "unhealthy_instance_kill_event", "instanceId": "i"}, events.Withdrawn("i")),
        ({"eventType": "unhealthy_task_kill_event", "taskId": "t"}, events.Withdrawn("t")),
        ({"eventType": "deployment_success", "id": "d"}, None),
        ([], None),
    ],
)
def test_marathons_bus(event: Any, expected: Any) -> None:
    assert read_bus_event(json.dumps(event).encode()) == expected
