from __future__ import annotations

import msgspec
import pytest

from master.core.settings import Settings
from master.core.validation import update_problem
from mesos import link
from mesos.types.containers import CommandInfo
from mesos.types.ids import AgentID, TaskID
from mesos.types.offers import Filters
from mesos.types.scheduler import CallType, EventType, Kill, Reconcile, ReconcileTask, Roles, UpdateFramework
from mesos.types.tasks import Reason, Source, TaskState
from tests.unit.master.driver import Driver, task


@pytest.fixture
def driver() -> Driver:
    return Driver()


def test_the_life_of_a_task(driver: Driver) -> None:
    agent, framework = driver.agent(), driver.framework()
    (offer,) = framework.take_offers()
    framework.launch(offer, task("t", offer))
    agent.run_tasks()
    (running,) = framework.take_updates()
    assert (running.state, running.source) == (TaskState.TASK_RUNNING, Source.SOURCE_EXECUTOR)
    framework.acknowledge(running)
    assert [m.uuid for m in agent.take(link.AcknowledgeUpdate)] == [running.uuid]
    finished = agent.update("t", TaskState.TASK_FINISHED)
    assert driver.machine.state.task(framework.id, "t") is not None
    framework.acknowledge(finished)
    assert driver.machine.state.task(framework.id, "t") is None
    assert [t.state for t in driver.machine.state.completed_tasks[framework.id]] == [TaskState.TASK_FINISHED]
    assert [kind for kind, _ in driver.published].count("TASK_UPDATED") == 2


def test_resources_are_offered_again_as_soon_as_a_task_ends(driver: Driver) -> None:
    agent, framework = driver.agent(), driver.framework()
    (offer,) = framework.take_offers()
    framework.launch(offer, task("t", offer, "cpus:4;mem:4096"))
    agent.run_tasks()
    framework.take_offers()
    agent.update("t", TaskState.TASK_FAILED)
    (again,) = framework.take_offers()
    assert {r.name: r.scalar.value for r in again.resources if r.scalar}["cpus"] == 4.0


@pytest.mark.parametrize(
    ("wrong", "reason", "message"),
    [
        ({"resources": "cpus:9"}, Reason.REASON_TASK_INVALID, "Total resources cpus(allocated: *):9 required by task"),
        ({"resources": ""}, Reason.REASON_TASK_INVALID, "Task uses no resources"),
        ({"command": None}, Reason.REASON_TASK_INVALID, "Task should have at least one (but not both)"),
        ({"task_id": TaskID("bad/id")}, Reason.REASON_TASK_INVALID, "'bad/id' contains invalid characters"),
        ({"agent_id": AgentID("x")}, Reason.REASON_TASK_INVALID, "Task uses invalid agent x while agent m-S0"),
    ],
)
def test_a_bad_task_is_an_error_and_costs_nothing(
    driver: Driver, wrong: dict[str, object], reason: Reason, message: str
) -> None:
    driver.agent()
    framework = driver.framework()
    (offer,) = framework.take_offers()
    resources = wrong.pop("resources", "cpus:1")
    assert isinstance(resources, str)
    bad = msgspec.structs.replace(task("t", offer, resources), **wrong)
    framework.launch(offer, bad, task("good", offer))
    (status,) = framework.take_updates()
    assert (status.state, status.reason) == (TaskState.TASK_ERROR, reason)
    assert message in (status.message or "")
    assert driver.machine.state.task(framework.id, "good") is not None


def test_a_stale_offer_drops_its_tasks(driver: Driver) -> None:
    driver.agent()
    framework = driver.framework()
    (offer,) = framework.take_offers()
    framework.decline(offer)
    framework.launch(offer, task("t", offer))
    (status,) = framework.take_updates()
    assert (status.state, status.reason) == (TaskState.TASK_DROPPED, Reason.REASON_INVALID_OFFERS)
    assert status.message == f"Task launched with invalid offers: Offer {offer.id.value} is no longer valid"
    assert status.uuid is None


def test_a_declined_offer_comes_back_after_its_filter_and_at_once_after_a_revive(driver: Driver) -> None:
    driver.agent()
    framework = driver.framework()
    framework.decline(*framework.take_offers(), seconds=30)
    driver.pass_time(29)
    assert framework.take_offers() == []
    driver.pass_time(2)
    (offer,) = framework.take_offers()
    framework.decline(offer, seconds=1000)
    driver.pass_time(5)
    framework.call(CallType.REVIVE)
    assert len(framework.take_offers()) == 1


def test_what_one_declines_goes_to_the_other(driver: Driver) -> None:
    driver.agent()
    first, second = driver.framework(), driver.framework()
    (offer,) = first.take_offers() or second.take_offers()
    holder, other = (first, second) if offer.framework_id.value == first.id else (second, first)
    holder.decline(offer, seconds=100)
    driver.pass_time(1)
    assert len(other.take_offers()) == 1
    assert holder.take_offers() == []


def test_a_filter_blocks_the_same_or_less_but_not_more(driver: Driver) -> None:
    agent, framework = driver.agent(), driver.framework()
    (offer,) = framework.take_offers()
    framework.launch(offer, task("t", offer), filters=Filters(1000.0))
    agent.run_tasks()
    driver.pass_time(10)
    assert framework.take_offers() == []
    agent.update("t", TaskState.TASK_FINISHED)
    assert len(framework.take_offers()) == 1


def test_suppressed_roles_get_nothing_until_they_are_revived(driver: Driver) -> None:
    framework = driver.framework(capabilities=("MULTI_ROLE",), roles=("a", "b"))
    framework.call(CallType.SUPPRESS, suppress=Roles(("a",)))
    driver.agent()
    assert {offer.allocation_info and offer.allocation_info.role for offer in framework.take_offers()} == {"b"}
    framework.call(CallType.SUPPRESS)
    driver.agent()
    assert framework.take_offers() == []
    framework.call(CallType.REVIVE, revive=Roles(("a",)))
    assert {offer.allocation_info and offer.allocation_info.role for offer in framework.take_offers()} == {"a"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"roles": ("a/*",)}, "Role 'a/*' cannot include '*' as a component"),
        ({"roles": ("a", "a")}, "'FrameworkInfo.roles' contains duplicate items: { a }"),
        ({"roles": ("a",), "suppressed": ("zz",)}, "Suppressed role 'zz' is not contained in the list of roles"),
        ({"roles": ("a",), "role": "b"}, "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE"),
        ({"failover_timeout": 1e300}, "The framework failover_timeout (1e+300) is invalid"),
    ],
)
def test_a_subscription_that_is_refused_gets_an_error_and_its_end(
    driver: Driver, fields: dict[str, object], message: str
) -> None:
    framework = driver.framework(capabilities=("MULTI_ROLE",), **fields)
    (event,) = framework.seen(EventType.ERROR)
    assert event.error is not None
    assert message in event.error.message
    assert driver.closed_streams == [framework.stream]
    assert driver.machine.state.frameworks == {}


def test_failing_over_ends_the_old_stream_and_its_offers(driver: Driver) -> None:
    driver.agent()
    framework = driver.framework()
    (old,) = framework.take_offers()
    first = framework.stream
    framework.subscribe()
    assert driver.streams[first][-1].error is not None
    assert driver.streams[first][-1].error.message == "Framework failed over"
    assert first in driver.closed_streams
    (new,) = framework.take_offers()
    framework.launch(old, task("t", old))
    assert framework.take_updates()[0].reason is Reason.REASON_INVALID_OFFERS
    framework.launch(new, task("t", new))
    assert framework.take_updates() == []


def test_a_framework_that_does_not_come_back_in_time_is_removed(driver: Driver) -> None:
    agent, framework = driver.agent(), driver.framework(failover_timeout=60.0)
    (offer,) = framework.take_offers()
    framework.launch(offer, task("t", offer))
    agent.run_tasks()
    framework.disconnect()
    driver.pass_time(59)
    assert agent.take(link.ShutdownFramework) == []
    driver.pass_time(2)
    assert len(agent.take(link.ShutdownFramework)) == 1
    framework.subscribe()
    (event,) = framework.seen(EventType.ERROR)
    assert event.error is not None
    assert event.error.message == "Framework has been removed"


def test_an_agent_that_misses_its_pings_is_unreachable_and_may_come_back(driver: Driver) -> None:
    agent, framework = driver.agent(), driver.framework()
    (offer,) = framework.take_offers()
    framework.launch(offer, task("t", offer))
    agent.run_tasks()
    framework.take_updates()
    driver.pass_time(15 * 6)
    (status,) = framework.take_updates()
    assert (status.state, status.reason) == (TaskState.TASK_UNREACHABLE, Reason.REASON_AGENT_REMOVED)
    assert status.unreachable_time is not None
    assert framework.seen(EventType.FAILURE)
    assert list(driver.stored) == [f"unreachable/{agent.id}"]
    agent.reregister()
    (back,) = framework.take_updates()
    assert (back.state, back.reason) == (TaskState.TASK_RUNNING, Reason.REASON_AGENT_REREGISTERED)
    assert list(driver.stored) == [f"agents/{agent.id}"]


def test_old_frameworks_see_lost_for_what_they_do_not_know(driver: Driver) -> None:
    agent, framework = driver.agent(), driver.framework(capabilities=())
    (offer,) = framework.take_offers()
    framework.launch(offer, task("t", offer))
    agent.run_tasks()
    framework.take_updates()
    driver.pass_time(15 * 6)
    assert [status.state for status in framework.take_updates()] == [TaskState.TASK_LOST]


def test_tasks_of_frameworks_that_do_not_checkpoint_are_lost_with_the_connection(driver: Driver) -> None:
    agent, framework = driver.agent(), driver.framework(checkpoint=False)
    (offer,) = framework.take_offers()
    framework.launch(offer, task("t", offer))
    agent.run_tasks()
    framework.take_updates()
    agent.disconnect()
    (status,) = framework.take_updates()
    assert (status.state, status.reason) == (TaskState.TASK_LOST, Reason.REASON_AGENT_DISCONNECTED)
    assert status.message == "Agent h disconnected"


def test_tasks_that_never_arrived_are_asked_for_at_reregistration(driver: Driver) -> None:
    agent, framework = driver.agent(), driver.framework()
    (offer,) = framework.take_offers()
    framework.launch(offer, task("t", offer))
    agent.disconnect()  # the order to run it was lost
    agent.reregister()
    (answer,) = agent.take(link.AgentReregistered)
    assert answer.reconcile == ((framework.id, "t"),)


def test_another_master_learns_everything_from_those_who_come_back(driver: Driver) -> None:
    agent, framework = driver.agent(), driver.framework()
    (offer,) = framework.take_offers()
    framework.launch(offer, task("t", offer))
    agent.run_tasks()
    successor = Driver(stored=driver.stored)
    assert list(successor.machine.state.recovered) == [agent.id]
    agent.reregister(successor)
    assert successor.machine.state.frameworks[framework.id].recovered
    framework.driver = successor
    framework.subscribe()
    assert not successor.machine.state.frameworks[framework.id].recovered
    assert successor.machine.state.task(framework.id, "t") is not None
    (offer,) = framework.take_offers()
    assert {r.name: r.scalar.value for r in offer.resources if r.scalar}["cpus"] == 3.0


def test_agents_that_do_not_come_back_after_a_failover_are_unreachable(driver: Driver) -> None:
    agent = driver.agent()
    successor = Driver(Settings(agent_reregister_timeout_s=60.0), stored=driver.stored)
    successor.pass_time(61)
    assert list(successor.stored) == [f"unreachable/{agent.id}"]


def test_reconciliation_answers_what_can_be_known(driver: Driver) -> None:
    agent, framework = driver.agent(), driver.framework()
    (offer,) = framework.take_offers()
    framework.launch(offer, task("t", offer))
    agent.run_tasks()
    framework.take_updates()
    framework.call(CallType.RECONCILE, reconcile=Reconcile())
    (known,) = framework.take_updates()
    assert (known.state, known.reason, known.uuid) == (TaskState.TASK_RUNNING, Reason.REASON_RECONCILIATION, None)
    asked = (
        ReconcileTask(TaskID("t")),
        ReconcileTask(TaskID("x"), AgentID(agent.id)),
        ReconcileTask(TaskID("y"), AgentID("nobody")),
    )
    framework.call(CallType.RECONCILE, reconcile=Reconcile(asked))
    assert [status.state for status in framework.take_updates()] == [
        TaskState.TASK_RUNNING,
        TaskState.TASK_GONE,
        TaskState.TASK_UNKNOWN,
    ]


def test_kills_reach_the_agent_now_or_when_it_is_back(driver: Driver) -> None:
    agent, framework = driver.agent(), driver.framework()
    (offer,) = framework.take_offers()
    framework.launch(offer, task("t", offer, command=CommandInfo(value="sleep 100")))
    agent.run_tasks()
    framework.call(CallType.KILL, kill=Kill(TaskID("t")))
    assert len(agent.take(link.KillTask)) == 1
    agent.disconnect()
    framework.call(CallType.KILL, kill=Kill(TaskID("t")))
    agent.reregister()
    assert len(agent.take(link.KillTask)) == 1
    framework.call(CallType.KILL, kill=Kill(TaskID("t"), AgentID("wrong")))
    assert agent.take(link.KillTask) == []


def test_shares_are_fair(driver: Driver) -> None:
    frameworks = [driver.framework() for _ in range(3)]
    for number in range(9):
        driver.agent(hostname=f"h{number}")
    assert [len(each.take_offers()) for each in frameworks] == [3, 3, 3]


def test_gpus_go_to_those_who_take_them(driver: Driver) -> None:
    plain, fast = driver.framework(), driver.framework(capabilities=("GPU_RESOURCES",))
    driver.agent("cpus:4;mem:100;gpus:1")
    assert plain.take_offers() == []
    assert len(fast.take_offers()) == 1


def test_an_offer_that_nobody_answers_is_taken_back() -> None:
    driver = Driver(Settings(offer_timeout_s=10.0))
    driver.agent()
    framework = driver.framework()
    (offer,) = framework.take_offers()
    driver.pass_time(11)
    assert [e.rescind.offer_id for e in framework.seen(EventType.RESCIND) if e.rescind] == [offer.id]
    assert len(framework.take_offers()) == 1


def test_a_framework_changes_its_roles_in_place(driver: Driver) -> None:
    framework = driver.framework(capabilities=("MULTI_ROLE",), roles=("a",))
    driver.agent()
    (old,) = framework.take_offers()
    info = msgspec.structs.replace(framework.info, roles=("b",))
    framework.call(CallType.UPDATE_FRAMEWORK, update_framework=UpdateFramework(framework_info=info))
    assert [e.rescind.offer_id for e in framework.seen(EventType.RESCIND) if e.rescind] == [old.id]
    (new,) = framework.take_offers()
    assert new.allocation_info is not None
    assert new.allocation_info.role == "b"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"user": "other"}, "Updating 'FrameworkInfo.user' is unsupported"),
        ({"checkpoint": False}, "Updating 'FrameworkInfo.checkpoint' is unsupported"),
        ({"roles": ("a/..",)}, "cannot include '..' as a component"),
        ({"name": "new", "failover_timeout": 5.0}, None),
    ],
)
def test_what_a_framework_may_change(driver: Driver, change: dict[str, object], problem: str | None) -> None:
    framework = driver.framework(capabilities=("MULTI_ROLE",), roles=("a",))
    row = driver.machine.state.frameworks[framework.id]
    update = UpdateFramework(framework_info=msgspec.structs.replace(framework.info, **change))
    found = update_problem(Settings(), row, update)
    assert found == problem if problem is None else problem in (found or "")
