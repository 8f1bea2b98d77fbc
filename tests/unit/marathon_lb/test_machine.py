"""Bad news is taken from events, good news from documents."""

from __future__ import annotations

from typing import Any

import pytest

from marathon_lb.core.build import Rules
from marathon_lb.core.effects import Balance, FetchAll, FetchApp, Synced
from marathon_lb.core.events import AllFetched, AppFetched, BusEvent
from marathon_lb.core.machine import Machine
from marathon_lb.core.ports import PortRange
from mesos.effects import Note
from tests.unit.marathon_lb.apps import app, task

HOSTS = {"agent1": "1.1.1.1"}
ONE, TWO = "web.instance-1", "web.instance-2"
RULES = Rules(groups=frozenset(("external",)))


def web(*names: str, **more: Any) -> Any:
    tasks = [task(f"{name}._app.1", (int(name[-1]),)) for name in names or (ONE, TWO)]
    return app("/web", tasks=tasks, **more)


def machine(*apps: Any) -> Machine:
    started = Machine(RULES, PortRange())
    started.step(AllFetched(apps, {}, HOSTS), 0.0)
    return started


def bus(to: Machine, kind: str, **data: Any) -> list[Any]:
    return list(to.step(BusEvent(kind, data), 0.0))


def servers(effects: Any) -> list[tuple[int, bool]]:
    (balance,) = effects
    return [(server.port, server.leaving) for service in balance.services for server in service.servers]


def test_a_list_tells_every_app_once() -> None:
    started = Machine(RULES, PortRange())
    first = list(started.step(AllFetched((web(),), {}, HOSTS), 0.0))
    assert [type(effect) for effect in first] == [Balance, Synced]
    assert list(started.step(AllFetched((web(),), {}, HOSTS), 0.0)) == [Synced()]
    assert list(started.step(AllFetched((), {}, HOSTS), 0.0)) == [Balance("/web", ()), Synced()]


def test_an_app_that_cannot_be_read_stays_as_it_was() -> None:
    started = machine(web())
    effects = list(started.step(AllFetched((), {"/web": "odd"}, HOSTS), 0.0))
    assert [type(effect) for effect in effects] == [Note, Synced]
    assert len(started.table.services["/web"]) == 1


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("instance_changed_event", {"instanceId": ONE, "condition": "Killing", "runSpecId": "/web"}),
        ("status_update_event", {"taskId": f"{ONE}._app.1", "taskStatus": "TASK_KILLING", "appId": "/web"}),
        ("unhealthy_instance_kill_event", {"instanceId": ONE, "taskId": f"{ONE}._app.1", "appId": "/web"}),
    ],
)
def test_an_instance_that_will_be_killed_leaves_at_once(kind: str, data: dict[str, str]) -> None:
    started = machine(web())
    assert servers(bus(started, kind, **data)) == [(1, True), (2, False)]
    still = AppFetched("/web", web(), HOSTS)
    assert list(started.step(still, 0.0)) == []  # an older document does not bring it back
    ended = bus(started, "status_update_event", taskId=f"{ONE}._app.1", taskStatus="TASK_KILLED", appId="/web")
    assert servers(ended) == [(2, False)]
    assert list(started.step(still, 0.0)) == []


def test_a_new_connection_forgets_what_an_old_one_announced() -> None:
    started = machine(web())
    bus(started, "instance_changed_event", instanceId=ONE, condition="Killing", runSpecId="/web")
    effects = [e for e in started.step(AllFetched((web(),), {}, HOSTS, connected=True), 0.0) if isinstance(e, Balance)]
    assert servers(effects) == [(1, False), (2, False)]


def test_health_is_taken_from_the_event() -> None:
    started = machine(web(healthChecks=[{"protocol": "MESOS_TCP", "portIndex": 0}]))
    event = {"instanceId": ONE, "runSpecId": "/web"}
    assert servers(bus(started, "instance_health_changed_event", healthy=True, **event)) == [(1, False)]
    assert servers(bus(started, "instance_health_changed_event", healthy=False, **event)) == []
    old_form = {"taskId": f"{TWO}._app.1", "appId": "/web", "alive": True}
    assert servers(bus(started, "health_status_changed_event", **old_form)) == [(2, False)]


PLAN = {"plan": {"id": "d", "steps": [{"actions": [{"action": "ScaleApplication", "app": "/web"}]}]}}


@pytest.mark.parametrize(
    ("kind", "data", "asked"),
    [
        ("status_update_event", {"taskId": "x", "taskStatus": "TASK_RUNNING", "appId": "/web"}, [FetchApp("/web")]),
        ("status_update_event", {"taskId": "x", "taskStatus": "TASK_STAGING", "appId": "/web"}, []),
        ("api_post_event", {"appDefinition": {"id": "/web"}}, [FetchApp("/web")]),
        ("app_terminated_event", {"appId": "/web"}, [FetchApp("/web")]),
        ("deployment_success", PLAN, [FetchApp("/web")]),
        ("deployment_success", {"id": "d"}, [FetchAll()]),
        ("group_change_success", {"groupId": "/"}, [FetchAll()]),
        ("instance_health_changed_event", {"instanceId": "x", "runSpecId": "/y", "healthy": True}, [FetchApp("/y")]),
        ("event_stream_attached", {"remoteAddress": "::1"}, []),
    ],
)
def test_good_news_is_looked_up(kind: str, data: dict[str, Any], asked: list[Any]) -> None:
    assert bus(machine(web()), kind, **data) == asked


def test_a_service_waits_for_its_first_server_and_then_keeps_its_port() -> None:
    started = machine(app("/web", tasks=[]))
    assert started.table.services == {}
    started.step(AppFetched("/web", web(ONE), HOSTS), 0.0)
    ended = bus(started, "status_update_event", taskId=f"{ONE}._app.1", taskStatus="TASK_FAILED", appId="/web")
    assert [len(effect.services) for effect in ended] == [1]
    suspended = list(started.step(AppFetched("/web", app("/web", tasks=[], instances=0), HOSTS), 0.0))
    assert suspended == [Balance("/web", ())]


def test_a_bad_app_is_told_once_and_taken_back_when_it_is_mended() -> None:
    started = machine(web())
    bad = web(labels={"HAPROXY_0_PORT": "many"})
    effects = list(started.step(AppFetched("/web", bad, HOSTS), 0.0))
    assert [type(effect) for effect in effects] == [Note, Balance]
    assert list(started.step(AppFetched("/web", bad, HOSTS), 0.0)) == []
    assert [type(effect) for effect in started.step(AppFetched("/web", web(), HOSTS), 0.0)] == [Balance]


def test_an_app_that_is_gone_is_dropped() -> None:
    started = machine(web())
    assert list(started.step(AppFetched("/web", None, {}), 0.0)) == [Balance("/web", ())]
    assert (started.table.apps, started.table.app_of) == ({}, {})
