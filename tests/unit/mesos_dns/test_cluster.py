"""The state machine: every event changes its own names, and the zone is always what the rows give."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mesos.effects import Note
from mesos_dns.core import events
from mesos_dns.core.cluster import CONFIRM_S, RETURN_S, Cluster, Event
from mesos_dns.core.model import Addresses, Agent, Endpoint, Framework
from mesos_dns.core.rules import Rules
from tests.unit.mesos_dns.build import AGENT, MARATHON, OTHER_AGENT, cluster, names_changed, snapshot, task, values

WEB = "web.marathon.mesos."


def changed(task_id: str, *, running: bool = False, terminal: bool = False, ip: str | None = None) -> Event:
    addresses = Addresses(2.0, (ip,)) if ip else None
    return events.TaskChanged(
        framework_id=MARATHON.id, task_id=task_id, running=running, terminal=terminal, addresses=addresses
    )


def test_a_snapshot_loads_the_zone_once() -> None:
    made = Cluster(Rules())
    first = made.step(snapshot(task()), 0.0)
    assert events.Loaded() in first
    assert values(made, WEB) == ["12.0.0.1"]
    assert made.step(snapshot(task()), 1.0) == []


def test_a_change_touches_only_its_names() -> None:
    made = cluster(task(), task("db.1", "db"))
    touched = names_changed(made.step(events.TaskSeen(task("db.2", "db", ip="12.0.0.2")), 1.0))
    assert touched
    assert all("db" in name for name in touched)


def test_a_task_has_names_while_it_runs() -> None:
    made = cluster()
    made.step(events.TaskSeen(task(running=False, ip=None)), 1.0)
    assert values(made, WEB) == []
    made.step(changed("web.1", running=True, ip="12.0.0.9"), 2.0)
    assert values(made, WEB) == ["12.0.0.9"]
    made.step(changed("web.1", terminal=True), 3.0)
    assert values(made, WEB) == []
    assert not made.tasks
    made.check()


def test_the_latest_running_status_has_the_addresses() -> None:
    made = cluster(task(addresses=Addresses(5.0, ("12.0.0.5",))))
    made.step(changed("web.1", running=True, ip="12.0.0.9"), 2.0)
    assert values(made, WEB) == ["12.0.0.5"]


def test_the_last_of_several_takes_the_name() -> None:
    made = cluster(task("web.1", ip="12.0.0.1"), task("web.2", ip="12.0.0.1"), task("web.3", ip="12.0.0.3"))
    made.step(changed("web.1", terminal=True), 1.0)
    assert values(made, WEB) == ["12.0.0.1", "12.0.0.3"]
    made.step(changed("web.2", terminal=True), 1.0)
    assert values(made, WEB) == ["12.0.0.3"]


def test_services_change_with_the_address_of_their_host() -> None:
    made = cluster(task())
    moved = Agent(AGENT.id, Endpoint("10.0.0.7", 5051))
    assert "_web._tcp.marathon.mesos." in names_changed(made.step(events.AgentSeen(moved), 1.0))
    assert values(made, "web.marathon.slave.mesos.") == ["10.0.0.7"]
    made.check()


def test_order_of_arrival_does_not_matter() -> None:
    made = Cluster(Rules())
    made.step(events.TaskSeen(task()), 0.0)
    made.step(events.FrameworkSeen(MARATHON), 0.0)
    assert values(made, WEB) == []
    made.step(events.AgentSeen(AGENT), 0.0)
    assert values(made, WEB) == ["12.0.0.1"]
    made.step(events.AgentGone(AGENT.id), 0.0)
    assert values(made, WEB) == []
    made.check()


def test_a_renamed_framework_takes_its_tasks_along() -> None:
    made = cluster(task())
    made.step(events.FrameworkSeen(Framework(MARATHON.id, "prod", MARATHON.endpoint)), 1.0)
    assert values(made, WEB) == []
    assert values(made, "web.prod.mesos.") == ["12.0.0.1"]
    made.step(events.FrameworkGone(MARATHON.id), 2.0)
    assert not made.tasks
    made.check()


def test_a_host_name_is_looked_up() -> None:
    named = Agent(AGENT.id, Endpoint("node1.example", 5051))
    made = Cluster(Rules())
    assert events.ResolveHost("node1.example") in made.step(snapshot(task(), agents=(named,)), 0.0)
    assert values(made, "web.marathon.slave.mesos.") == []
    made.step(events.HostResolved("node1.example", ("10.0.0.1",)), 1.0)
    assert values(made, "web.marathon.slave.mesos.") == ["10.0.0.1"]
    made.check()


def test_marathon_takes_a_name_before_the_task_ends() -> None:
    instance = "web.instance-00000000-562f-11e4-a088-c20493233aa5"
    made = cluster(task(f"{instance}._app.1"), task("web.2", ip="12.0.0.2"))
    made.step(events.Withdrawn(instance), 1.0)
    assert values(made, WEB) == ["12.0.0.2"]
    made.step(changed(f"{instance}._app.1", running=True), 2.0)
    assert values(made, WEB) == ["12.0.0.2"], "a health update of a task that ends does not bring it back"
    made.step(snapshot(task(f"{instance}._app.1")), 3.0)
    assert values(made, WEB) == ["12.0.0.1"], "the whole state overrules"


def test_marathon_confirms_only_what_the_master_told() -> None:
    made = cluster(task(running=False, ip=None))
    made.step(events.Confirmed("web.1", Addresses(netinfo=("12.0.0.4",))), 1.0)
    assert values(made, WEB) == ["12.0.0.4"]
    assert made.step(events.Confirmed("unknown", None), 1.0) == []


def test_a_new_leader_does_not_empty_the_zone() -> None:
    made = cluster(task("a.1", "a"), task("b.1", "b", agent=OTHER_AGENT), agents=(AGENT, OTHER_AGENT))
    made.step(snapshot(agents=(), recovered=frozenset((AGENT.id, OTHER_AGENT.id))), 10.0)
    assert values(made, "a.marathon.mesos.") and values(made, "b.marathon.mesos.")
    made.step(events.AgentSeen(AGENT), 11.0)
    made.step(events.TaskSeen(task("a.1", "a")), 11.0)
    made.step(events.AgentGone(OTHER_AGENT.id), 12.0)
    assert values(made, "b.marathon.mesos.") == []
    made.step(events.Tick(), 11.0 + CONFIRM_S)
    assert values(made, "a.marathon.mesos.") == ["12.0.0.1"]
    made.check()


def test_what_a_returned_agent_does_not_tell_goes() -> None:
    made = cluster(task("a.1", "a"), task("b.1", "b"))
    made.step(snapshot(agents=(), recovered=frozenset((AGENT.id,))), 10.0)
    made.step(events.AgentSeen(AGENT), 11.0)
    made.step(events.TaskSeen(task("a.1", "a")), 11.0)
    made.step(events.Tick(), 12.0)
    assert values(made, "b.marathon.mesos.") == ["12.0.0.1"]
    made.step(events.Tick(), 11.0 + CONFIRM_S)
    assert values(made, "b.marathon.mesos.") == []
    assert values(made, "a.marathon.mesos.") == ["12.0.0.1"]


def test_an_agent_that_never_returns_is_given_up() -> None:
    made = cluster(task())
    made.step(snapshot(agents=(), recovered=frozenset((AGENT.id,))), 10.0)
    made.step(events.Tick(), 10.0 + RETURN_S)
    assert values(made, WEB) == []
    made.check()


def test_a_lost_leader_keeps_its_name() -> None:
    made = cluster()
    masters = (Endpoint("1.1.1.1", 5050),)
    made.step(events.MastersSeen(leader=masters[0], masters=masters), 0.0)
    made.step(events.MastersSeen(leader=None, masters=masters), 1.0)
    assert values(made, "leader.mesos.") == ["1.1.1.1"]


def test_an_unannounced_task_is_noted() -> None:
    assert [type(effect) for effect in cluster().step(changed("ghost", running=True), 1.0)] == [Note]


_TASKS = [task(f"t.{i}", f"n{i % 3}", ip=f"12.0.0.{i % 4}", agent=(AGENT, OTHER_AGENT)[i % 2]) for i in range(6)]
_EVENTS = st.one_of(
    st.sampled_from(_TASKS).map(events.TaskSeen),
    st.sampled_from(_TASKS).map(lambda row: changed(row.id, terminal=True)),
    st.sampled_from(_TASKS).map(lambda row: changed(row.id, running=True, ip="12.0.0.77")),
    st.sampled_from(_TASKS).map(lambda row: events.Withdrawn(row.id)),
    st.sampled_from([AGENT, OTHER_AGENT]).map(events.AgentSeen),
    st.sampled_from([AGENT, OTHER_AGENT]).map(lambda row: events.AgentGone(row.id)),
    st.just(events.FrameworkGone(MARATHON.id)),
    st.just(events.FrameworkSeen(MARATHON)),
    st.just(events.Tick()),
    st.lists(st.sampled_from(_TASKS), unique_by=lambda row: row.id).map(lambda rows: snapshot(*rows)),
    st.just(snapshot(agents=(), recovered=frozenset((AGENT.id,)))),
)


@given(st.lists(_EVENTS, max_size=30))
def test_the_zone_is_what_the_rows_give(history: list[Event]) -> None:
    made = Cluster(Rules())
    for now_s, event in enumerate(history):
        made.step(event, now_s * 7.0)
    made.check()
