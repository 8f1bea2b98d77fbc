"""Deployments from request to end, on a core with a cluster below it."""

from __future__ import annotations

import pytest

from marathon.core import events as ev
from marathon.core.model.app import UpgradeStrategy
from marathon.core.model.checks import HealthCheck, ReadinessCheck
from marathon.core.model.network import PortDefinition
from marathon.errors import Locked, TooManyDeployments
from mesos.types.scheduler import CallType
from mesos.types.tasks import TaskState
from tests.fakes.cluster import Cluster
from tests.support.world import World, app


def test_a_new_app_runs_and_its_deployment_succeeds() -> None:
    world = World()
    answer = world.put(app(instances=2))
    assert len(world.cluster.running()) == 2
    assert world.state.deployments == {}
    assert world.kinds("instance_changed_event", "status_update_event", "scheduler_registered_event") == [
        "group_change_success",
        "deployment_info",
        "deployment_step_success",
        "deployment_info",
        "deployment_step_success",
        "deployment_success",
    ]
    assert world.events("deployment_success")[0]["id"] == answer.deployment_id
    first, second = (each["currentStep"]["actions"][0]["action"] for each in world.events("deployment_info"))
    assert (first, second) == ("StartApplication", "ScaleApplication")


def test_an_instance_is_stored_before_its_launch_leaves() -> None:
    world = World()
    world.cluster.behaviour = lambda _: None
    world.put(app())
    launch = next(i for i, each in enumerate(world.effects) if getattr(each, "call", None) and each.call.accept)  # type: ignore[attr-defined]
    writes = [write.key for each in world.effects[:launch] for write in getattr(each, "writes", ())]
    assert any(key.startswith("instances/") for key in writes)
    task_id = next(iter(world.cluster.tasks))
    assert task_id.endswith("._app.1")
    assert task_id.startswith("web.instance-")


def test_the_same_definition_again_changes_nothing() -> None:
    world = World()
    world.put(app(instances=2))
    tasks, version = world.cluster.running(), world.state.root.version
    answer = world.put(app(instances=2))
    assert answer.version == version
    assert answer.deployment_id
    assert world.cluster.running() == tasks
    assert world.state.deployments == {}


def test_a_changed_command_replaces_every_instance() -> None:
    world = World()
    world.put(app(instances=3))
    before = set(world.cluster.running())
    world.update("/web", cmd="sleep 2000")
    after = {each for each in world.cluster.running() if world.cluster.states[each] is TaskState.TASK_RUNNING}
    assert len(after) == 3
    assert not before & after
    assert {each.version for each in world.state.instances.values()} == {world.state.root.version}


def test_scaling_leaves_the_others_alone() -> None:
    world = World()
    world.put(app(instances=2))
    before = set(world.cluster.running())
    world.update("/web", instances=5)
    assert before < set(world.cluster.running())
    assert len(world.cluster.running()) == 5
    world.update("/web", instances=1)
    assert len(world.cluster.running()) == 1


def test_removing_an_app_ends_its_instances() -> None:
    world = World()
    world.put(app(instances=2))
    world.remove("/web", force=True)
    assert world.cluster.running() == []
    assert world.state.instances == {}
    assert world.events("app_terminated_event") == [{"appId": "/web"}]
    assert world.state.versions == {}
    assert world.state.fleets == {}


def test_a_restart_replaces_unchanged_instances() -> None:
    world = World()
    world.put(app(instances=2))
    before = set(world.cluster.running())
    world.clock.advance(10)
    world.update("/web", restart=True)
    assert len(world.cluster.running()) == 2
    assert not before & set(world.cluster.running())
    info = world.state.current["/web"].app.version_info
    assert info is not None and info.last_config_change_at > info.last_scaling_at


def test_dependent_apps_come_after_what_they_depend_on() -> None:
    world = World()
    world.cluster.behaviour = lambda _: None
    world.put(app("/db"))
    world.cluster.behaviour = lambda _: TaskState.TASK_RUNNING
    world.report(next(iter(world.cluster.tasks)), TaskState.TASK_RUNNING)
    world.cluster.behaviour = lambda _: None

    def both(root, _):  # type: ignore[no-untyped-def]
        from marathon.core import groups

        return groups.put_app(groups.put_app(root, app("/a")), app("/b", dependencies=("/a",)))

    world.change(both)
    waiting = [each for each in world.cluster.tasks if each not in world.cluster.states]
    assert [each[:2] for each in waiting] == ["a."]
    world.report(waiting[0], TaskState.TASK_RUNNING)
    waiting = [each for each in world.cluster.tasks if each not in world.cluster.states]
    assert [each[:2] for each in waiting] == ["b."]


def test_a_second_change_of_an_app_has_to_wait_or_to_be_forced() -> None:
    world = World()
    world.cluster.behaviour = lambda _: None
    first = world.put(app())
    with pytest.raises(Locked) as refused:
        world.update("/web", cmd="sleep 2000")
    assert refused.value.deployment_ids == (first.deployment_id,)
    assert world.state.current["/web"].app.cmd == "sleep 1000"
    second = world.update("/web", cmd="sleep 2000", force=True)
    assert list(world.state.deployments) == [second.deployment_id]
    failed = world.events("deployment_failed")
    assert [each["id"] for each in failed] == [first.deployment_id]
    assert failed[0]["reason"] == "The upgrade has been cancelled"


def test_no_more_deployments_than_allowed() -> None:
    from marathon.core.settings import Settings

    world = World(settings=Settings(max_running_deployments=1))
    world.cluster.behaviour = lambda _: None
    world.put(app("/a"))
    with pytest.raises(TooManyDeployments):
        world.put(app("/b"))


def test_cancelling_by_force_leaves_everything_as_it_is() -> None:
    world = World()
    world.put(app())
    world.cluster.behaviour = lambda _: None
    answer = world.update("/web", cmd="sleep 2000")
    world.ask(lambda ask: ev.CancelDeployment(ask_id=ask, deployment_id=answer.deployment_id, force=True))
    assert world.state.deployments == {}
    assert world.state.current["/web"].app.cmd == "sleep 2000"


def test_cancelling_brings_the_old_definition_back() -> None:
    world = World()
    world.put(app())
    world.cluster.behaviour = lambda _: None
    answer = world.update("/web", cmd="sleep 2000")
    world.cluster.behaviour = lambda _: TaskState.TASK_RUNNING
    world.ask(lambda ask: ev.CancelDeployment(ask_id=ask, deployment_id=answer.deployment_id))
    assert world.state.deployments == {}
    assert world.state.current["/web"].app.cmd == "sleep 1000"
    assert len(world.cluster.alive()) == 1
    assert [each["id"] for each in world.events("deployment_failed")] == [answer.deployment_id]


def test_cancelling_a_creation_removes_the_app_and_its_group() -> None:
    world = World()
    world.cluster.behaviour = lambda _: None
    answer = world.put(app("/shop/web"))
    world.ask(lambda ask: ev.CancelDeployment(ask_id=ask, deployment_id=answer.deployment_id))
    assert world.state.current == {}
    assert world.state.root.groups == {}
    assert world.cluster.alive() == []


def test_an_upgrade_waits_for_health() -> None:
    check = HealthCheck(protocol="HTTP", port_index=0, grace_period_seconds=300, interval_seconds=10)
    world = World()
    ports = (PortDefinition(),)
    world.put(app(instances=2, port_definitions=ports, health_checks=(check,)))
    world.advance(1)
    assert world.state.deployments == {}
    world.healthy = lambda probe: "._app.1" in probe.token.task_id and probe.token.instance_id in old
    old = {each.rpartition("._app")[0] for each in world.cluster.running()}
    world.update("/web", cmd="sleep 2000", upgrade_strategy=UpgradeStrategy(maximum_over_capacity=0.5))
    world.advance(60)
    assert len(world.state.deployments) == 1
    assert old <= {each.rpartition("._app")[0] for each in world.cluster.running()}
    assert len(world.cluster.running()) == 3
    world.healthy = lambda _: True
    world.advance(60)
    assert world.state.deployments == {}
    assert len(world.cluster.running()) == 2
    assert not old & {each.rpartition("._app")[0] for each in world.cluster.running()}


def test_readiness_is_asked_until_the_answer_is_right() -> None:
    world = World()
    answers = iter([503, 503, 200])
    world.ready = lambda query: next(answers)
    ports = (PortDefinition(name="http-api"),)
    world.put(app(port_definitions=ports, readiness_checks=(ReadinessCheck(interval_seconds=30),)))
    assert len(world.state.deployments) == 1
    world.advance(31)
    assert len(world.state.deployments) == 1
    world.advance(30)
    assert world.state.deployments == {}


def test_a_killed_instance_of_a_deployment_comes_back_and_is_waited_for() -> None:
    world = World()
    world.cluster.behaviour = lambda _: None
    world.put(app())
    world.report(next(iter(world.cluster.tasks)), TaskState.TASK_KILLED)
    assert [each.rpartition(".")[2] for each in world.cluster.tasks] == ["1", "2"]
    assert len({each.rpartition("._app")[0] for each in world.cluster.tasks}) == 1
    world.report(list(world.cluster.tasks)[1], TaskState.TASK_RUNNING)
    assert world.state.deployments == {}


def test_a_balanced_instance_is_told_before_it_is_killed() -> None:
    world = World()
    world.put(app(labels={"HAPROXY_GROUP": "external"}))
    world.update("/web", instances=0)
    assert world.events("instance_changed_event")[-1]["condition"] == "Killing"
    assert CallType.KILL not in [each.type for each in world.cluster.calls]
    instance = next(iter(world.state.instances.values()))
    assert instance.task is not None and instance.task.state == "TASK_KILLING"
    world.advance(0.9)
    assert len(world.cluster.running()) == 1
    world.advance(0.2)
    assert world.cluster.running() == []
    assert world.state.deployments == {}


@pytest.mark.parametrize(("label", "seconds"), [("0", 0.0), ("3", 3.0)])
def test_an_app_may_set_its_own_drain_time(label: str, seconds: float) -> None:
    world = World()
    world.put(app(labels={"HAPROXY_0_GROUP": "external", "MEZZO_DRAIN_SECONDS": label}))
    world.update("/web", instances=0)
    world.advance(seconds)
    assert world.cluster.running() == []
    assert world.state.deployments == {}


def test_a_deployment_goes_on_after_a_crash() -> None:
    world = World(Cluster(agents=2))
    world.put(app(instances=4))
    old = set(world.cluster.running())
    world.cluster.behaviour = lambda _: None
    answer = world.update("/web", cmd="sleep 2000")
    world.restart()
    assert list(world.state.deployments) == [answer.deployment_id]
    assert len(world.cluster.alive()) == 8
    for task_id in list(world.cluster.tasks):
        if task_id not in world.cluster.states:
            world.report(task_id, TaskState.TASK_RUNNING)
    assert world.state.deployments == {}
    assert len(world.cluster.running()) == 4
    assert not old & set(world.cluster.running())


def test_versions_grow_even_within_a_millisecond() -> None:
    world = World()
    versions = [world.put(app(f"/a{n}")).version for n in range(3)]
    assert versions == sorted(set(versions))


def test_a_change_that_cannot_be_made_is_told_and_changes_nothing() -> None:
    world = World()
    world.cluster.behaviour = lambda _: None
    world.put(app("/shop/web"))
    before = dict(world.rows)
    with pytest.raises(Locked):
        world.update("/shop/web", cmd="sleep 2000")
    (failed,) = world.events("group_change_failed")
    assert failed["groupId"] == "/shop"
    assert world.rows == before


def test_checks_are_told_when_they_come_and_go() -> None:
    world = World()
    world.put(app(health_checks=(HealthCheck(protocol="MESOS_TCP", port=80),)))
    (added,) = world.events("add_health_check_event")
    assert added["healthCheck"]["protocol"] == "MESOS_TCP"
    world.remove("/web", force=True)
    assert world.events("remove_health_check_event") == [{"appId": "/web"}]
