"""Instances through failures, losses and restarts."""

from __future__ import annotations

import pytest

from marathon.core import events as ev
from marathon.core.matcher.reasons import RejectReason
from marathon.core.model.app import Constraint, Operator, UnreachableStrategy
from marathon.core.model.checks import HealthCheck
from marathon.core.model.instance import Condition
from marathon.core.model.network import PortDefinition
from mesos.types.ids import AgentID, TaskID
from mesos.types.scheduler import CallType
from mesos.types.tasks import Reason, TaskState, TaskStatus
from tests.fakes.cluster import Cluster
from tests.support.world import World, app


def only_instance(world: World):  # type: ignore[no-untyped-def]
    (instance,) = world.state.instances.values()
    return instance


def test_a_failed_task_comes_back_as_the_next_incarnation_after_a_delay() -> None:
    world = World()
    world.put(app())
    first = only_instance(world)
    world.report(first.task.id, TaskState.TASK_FAILED, message="boom")
    assert only_instance(world).condition is Condition.SCHEDULED
    assert world.cluster.alive() == []
    world.advance(0.9)
    assert world.cluster.alive() == []
    world.advance(0.2)
    again = only_instance(world)
    assert again.id == first.id
    assert again.task.id == f"{first.id}._app.2"
    failure = world.state.failures["/web"]
    assert (failure.state, failure.message, failure.task_id) == ("TASK_FAILED", "boom", first.task.id)


def test_the_delay_of_an_app_can_be_reset() -> None:
    world = World()
    world.put(app(backoff_seconds=100))
    world.report(only_instance(world).task.id, TaskState.TASK_FAILED)
    assert world.state.queue.entries["/web"].waiting
    assert world.ask(lambda ask: ev.ResetDelay(ask_id=ask, app_id="/web")) is True
    assert len(world.cluster.running()) == 1
    assert world.ask(lambda ask: ev.ResetDelay(ask_id=ask, app_id="/web")) is False


def test_a_restart_does_not_wait_for_the_delay() -> None:
    world = World()
    world.put(app(backoff_seconds=100))
    world.report(only_instance(world).task.id, TaskState.TASK_FAILED)
    world.update("/web", restart=True)
    assert len(world.cluster.running()) == 1


def test_a_killed_task_comes_back_at_once_and_with_wipe_as_another_instance() -> None:
    world = World()
    world.put(app())
    first = only_instance(world)
    world.ask(lambda ask: ev.KillInstances(ask_id=ask, instance_ids=(first.id,)))
    second = only_instance(world)
    assert (second.id, second.incarnation) == (first.id, 2)
    world.ask(lambda ask: ev.KillInstances(ask_id=ask, instance_ids=(second.id,), wipe=True))
    assert only_instance(world).id != first.id
    assert len(world.cluster.running()) == 1


def test_every_update_is_stored_before_it_is_acknowledged_and_each_only_once() -> None:
    world = World()
    world.put(app(instances=3))
    assert world.cluster.unacknowledged == {}
    acknowledged = [each.acknowledge.uuid for each in world.cluster.calls if each.acknowledge]
    assert len(acknowledged) == len(set(acknowledged)) == 3


def test_repeated_updates_change_nothing() -> None:
    world = World()
    world.put(app())
    task = only_instance(world).task
    before, published = dict(world.rows), len(world.published)
    status = TaskStatus(task_id=TaskID(task.id), state=TaskState.TASK_RUNNING, agent_id=AgentID("S0"), uuid=b"x" * 16)
    world.post(ev.StatusArrived(status))
    assert world.rows == before
    assert len(world.published) == published


def test_a_task_that_nobody_knows_is_killed() -> None:
    world = World()
    status = TaskStatus(
        task_id=TaskID("gone.instance-x._app.1"), state=TaskState.TASK_RUNNING, agent_id=AgentID("S0"), uuid=b"u" * 16
    )
    world.post(ev.StatusArrived(status))
    kinds = [each.type for each in world.cluster.calls]
    assert CallType.KILL in kinds and CallType.ACKNOWLEDGE in kinds
    assert world.events("unknown_instance_terminated_event")[0]["condition"] == "Unknown"
    assert world.state.kills.in_flight == {}


def test_a_kill_that_is_not_answered_is_sent_again() -> None:
    world = World()
    world.put(app())
    world.cluster.kills = False
    world.update("/web", instances=0)
    world.advance(31)
    assert len([each for each in world.cluster.calls if each.type is CallType.KILL]) == 2
    world.cluster.kills = True
    world.advance(31)
    assert world.state.instances == {}
    assert world.state.deployments == {}


def test_not_more_kills_at_once_than_allowed() -> None:
    from marathon.core.settings import Settings

    world = World(settings=Settings(kill_chunk=2))
    world.put(app(instances=5))
    world.cluster.kills = False
    world.update("/web", instances=0)
    assert len(world.state.kills.in_flight) == 2
    for task_id in world.cluster.running():
        world.report(task_id, TaskState.TASK_KILLED)
    assert world.state.instances == {}
    assert (world.state.kills.in_flight, world.state.kills.waiting) == ({}, {})


@pytest.mark.parametrize(
    ("strategy", "wait_s", "replaced", "forgotten"),
    [
        (UnreachableStrategy(), 0, True, True),
        (UnreachableStrategy(inactive_after_seconds=60, expunge_after_seconds=120), 59, False, False),
        (UnreachableStrategy(inactive_after_seconds=60, expunge_after_seconds=120), 61, True, False),
        (UnreachableStrategy(inactive_after_seconds=60, expunge_after_seconds=120), 121, True, True),
        (None, 100_000, False, False),
    ],
)
def test_unreachable_instances(
    strategy: UnreachableStrategy | None, wait_s: float, replaced: bool, forgotten: bool
) -> None:
    world = World()
    world.put(app(unreachable_strategy=strategy))
    first = only_instance(world)
    world.report(first.task.id, TaskState.TASK_UNREACHABLE)
    world.advance(wait_s)
    assert (len(world.cluster.running()) == 1) is replaced
    assert (first.id not in world.state.instances) is forgotten


def test_an_unreachable_instance_that_returns_is_one_too_many() -> None:
    world = World()
    world.put(app(unreachable_strategy=UnreachableStrategy(inactive_after_seconds=0, expunge_after_seconds=600)))
    first = only_instance(world)
    world.report(first.task.id, TaskState.TASK_UNREACHABLE)
    assert len(world.state.instances) == 2
    world.clock.advance(5)
    world.report(first.task.id, TaskState.TASK_RUNNING)
    assert len(world.cluster.running()) == 1
    assert len(world.state.instances) == 1


def test_an_instance_that_never_starts_is_killed_and_tried_again() -> None:
    world = World()
    world.cluster.behaviour = lambda task: None if task.task_id.value.endswith(".1") else TaskState.TASK_RUNNING
    world.put(app())
    world.advance(330)
    assert only_instance(world).incarnation == 2
    assert only_instance(world).condition is Condition.RUNNING


def test_a_crash_loses_nothing() -> None:
    world = World(Cluster(agents=2))
    world.put(app(instances=3))
    world.put(app("/group/other"))
    root, instances, running = world.state.root, dict(world.state.instances), world.cluster.running()
    world.restart()
    world.advance(1000)
    assert world.state.root == root
    assert world.state.instances == instances
    assert world.cluster.running() == running


def test_what_happened_while_nobody_led_is_learnt_by_reconciliation() -> None:
    world = World()
    world.put(app(backoff_seconds=0))
    task = only_instance(world).task
    world.cluster.report(task.id, TaskState.TASK_FAILED)
    world.cluster.unacknowledged.clear()
    world.restart()
    world.advance(16)
    assert only_instance(world).incarnation == 2
    assert only_instance(world).condition is Condition.RUNNING


def test_failing_health_checks_kill_one_failure_after_the_maximum() -> None:
    check = HealthCheck(grace_period_seconds=0, interval_seconds=10, max_consecutive_failures=2, port_index=0)
    world = World()
    world.put(app(port_definitions=(PortDefinition(),), health_checks=(check,)))
    world.advance(1)
    first = only_instance(world)
    world.healthy = lambda probe: False
    world.advance(25)
    assert len(world.events("failed_health_check_event")) == 2
    assert only_instance(world).incarnation == 1
    world.healthy = lambda probe: True
    world.healthy = lambda probe: probe.token.task_id != first.task.id
    world.advance(12)
    (killed,) = world.events("unhealthy_instance_kill_event")
    assert killed["taskId"] == first.task.id and killed["reason"] == "no"
    assert only_instance(world).incarnation == 2
    assert world.state.backoff.until_s("/web", world.state.current["/web"].spec.config, world.clock.now_s()) == (
        world.clock.now_s()
    )


def test_failures_in_the_grace_period_do_not_count() -> None:
    check = HealthCheck(grace_period_seconds=60, interval_seconds=10, max_consecutive_failures=1, port_index=0)
    world = World()
    world.healthy = lambda probe: False
    world.put(app(port_definitions=(PortDefinition(),), health_checks=(check,)))
    world.advance(59)
    assert world.events("failed_health_check_event") == []
    world.healthy = lambda probe: True
    world.advance(11)
    assert [each["alive"] for each in world.events("health_status_changed_event")] == [True]
    assert [each["healthy"] for each in world.events("instance_health_changed_event")] == [True]
    assert world.state.deployments == {}


def test_health_reported_by_the_agent_counts() -> None:
    check = HealthCheck(protocol="MESOS_HTTP", port_index=0)
    world = World()
    world.put(app(port_definitions=(PortDefinition(),), health_checks=(check,)))
    task = only_instance(world).task
    assert len(world.state.deployments) == 1
    assert world.cluster.tasks[task.id].health_check is not None
    world.report(task.id, TaskState.TASK_RUNNING, healthy=True)
    assert world.state.deployments == {}
    fleet = world.state.fleet("/web")
    assert (fleet.running, fleet.healthy, fleet.unhealthy) == (1, 1, 0)
    world.report(task.id, TaskState.TASK_RUNNING, healthy=False)
    assert (fleet.running, fleet.healthy, fleet.unhealthy) == (1, 0, 1)


def test_unique_hosts_are_respected_and_the_queue_says_why() -> None:
    world = World(Cluster(agents=2))
    world.put(app(instances=3, constraints=(Constraint("hostname", Operator.UNIQUE),)))
    assert len(world.cluster.running()) == 2
    entry = world.state.queue.entries["/web"]
    assert len(entry.waiting) == 1
    summary = entry.summary()
    declined = {each.reason: each.declined for each in summary.last_offers}
    assert declined[RejectReason.UNFULFILLED_CONSTRAINT.value] == 2
    assert world.state.deployments != {}


def test_several_apps_share_an_offer_and_no_offer_gets_too_many() -> None:
    world = World()
    world.cluster.behaviour = lambda _: TaskState.TASK_RUNNING

    def both(root, _):  # type: ignore[no-untyped-def]
        from marathon.core import groups

        return groups.put_app(groups.put_app(root, app("/a", instances=4)), app("/b", instances=4))

    world.change(both)
    first = next(each.accept for each in world.cluster.calls if each.accept)
    assert first is not None
    launched = [task.name for each in first.operations if each.launch for task in each.launch.task_infos]
    assert sorted(launched) in (["a", "a", "a", "b", "b"], ["a", "a", "b", "b", "b"])
    assert len(world.cluster.running()) == 8


def test_an_idle_marathon_suppresses_and_a_new_app_revives_at_once() -> None:
    world = World()

    def kinds() -> list[CallType | None]:
        return [each.type for each in world.cluster.calls]

    assert kinds()[-2:] in ([CallType.SUPPRESS, CallType.DECLINE], [CallType.DECLINE, CallType.SUPPRESS])
    decline = next(each.decline for each in world.cluster.calls if each.decline)
    assert decline is not None and decline.filters is not None and decline.filters.refuse_seconds == 120.0
    world.put(app())
    assert CallType.REVIVE in kinds()
    assert CallType.SUPPRESS in kinds()[-4:]
    assert len(world.cluster.running()) == 1


def test_a_draining_agent_resets_the_delay() -> None:
    world = World()
    world.put(app(backoff_seconds=100))
    world.report(only_instance(world).task.id, TaskState.TASK_FAILED)
    world.ask(lambda ask: ev.ResetDelay(ask_id=ask, app_id="/web"))
    world.report(only_instance(world).task.id, TaskState.TASK_FAILED, reason=Reason.REASON_AGENT_DRAINING)
    assert len(world.cluster.running()) == 1


def test_a_launch_that_was_lost_with_the_connection_is_made_again() -> None:
    world = World()
    receive = world.cluster.receive
    world.cluster.receive = lambda call: [] if call.accept else receive(call)  # type: ignore[method-assign]
    world.put(app())
    assert world.cluster.tasks == {}
    world.cluster.receive = receive  # type: ignore[method-assign]
    world.post(ev.Disconnected("gone"))
    world.post(*world.cluster.subscribe())
    world.advance(2)
    assert len(world.cluster.running()) == 1
    assert only_instance(world).incarnation == 2
