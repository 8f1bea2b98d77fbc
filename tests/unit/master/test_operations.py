"""Reservations and volumes: made, used, told of, and taken apart, by frameworks."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from master.core import events as ev
from mesos import link
from mesos.resources import Resources
from mesos.types.containers import Volume
from mesos.types.ids import OperationID
from mesos.types.offers import (
    Create,
    Destroy,
    Filters,
    GrowVolume,
    Launch,
    Offer,
    Operation,
    OperationStatus,
    OperationType,
    Reserve,
    ShrinkVolume,
    Unreserve,
)
from mesos.types.resources import (
    DiskInfo,
    Persistence,
    ReservationInfo,
    ReservationType,
    Resource,
    Scalar,
    Shared,
    ValueType,
)
from mesos.types.scheduler import (
    AcknowledgeOperationStatus,
    CallType,
    EventType,
    ReconcileOperation,
    ReconcileOperations,
)
from mesos.types.tasks import TaskState
from tests.unit.master.driver import Driver, FakeFramework, task

ROLE = ReservationInfo(ReservationType.DYNAMIC, "r")
CAPABILITIES = ("MULTI_ROLE", "RESERVATION_REFINEMENT", "PARTITION_AWARE", "SHARED_RESOURCES")


def scalar(name: str, value: float, *stack: ReservationInfo, **fields: Any) -> Resource:
    return Resource(name=name, type=ValueType.SCALAR, scalar=Scalar(value), reservations=stack, **fields)


def volume(mb: float, name: str = "v", **fields: Any) -> Resource:
    disk = DiskInfo(Persistence(name), Volume(container_path="data", mode="RW"))
    return scalar("disk", mb, ROLE, disk=disk, **fields)


def operation(kind: str, payload: Any, name: str | None = None) -> Operation:
    fields: dict[str, Any] = {kind.lower(): payload}
    return Operation(type=OperationType(kind), id=OperationID(name) if name else None, **fields)


RESERVE = operation("RESERVE", Reserve((scalar("cpus", 1, ROLE), scalar("disk", 100, ROLE))), "reserve")
CREATE = operation("CREATE", Create((volume(64),)), "create")


@pytest.fixture
def driver() -> Driver:
    return Driver()


def framework_in(driver: Driver) -> FakeFramework:
    return driver.framework(roles=("r",), capabilities=CAPABILITIES)


def statuses(framework: FakeFramework) -> list[OperationStatus]:
    found = []
    for event in framework.seen(EventType.UPDATE_OPERATION_STATUS):
        assert event.update_operation_status is not None
        found.append(event.update_operation_status.status)
    return found


def held(offer: Offer) -> Resources:
    return Resources.from_wire(offer.resources).allocated_to(None)


def test_what_was_reserved_is_offered_again_at_once_and_told_until_acknowledged(driver: Driver) -> None:
    agent, framework = driver.agent(), framework_in(driver)
    (offer,) = framework.take_offers()
    framework.accept([offer.id], [RESERVE, CREATE])
    (again,) = framework.take_offers()
    wanted = Resources.from_wire((scalar("cpus", 1, ROLE), scalar("disk", 36, ROLE), volume(64)))
    assert held(again).contains(wanted)
    agent.operate()
    assert agent.total == driver.machine.state.agents[agent.id].total
    told = statuses(framework)
    assert [(s.state, s.operation_id.value) for s in told if s.operation_id] == [
        ("OPERATION_FINISHED", "reserve"),
        ("OPERATION_FINISHED", "create"),
    ]
    for status in told:
        assert status.uuid is not None
        assert status.operation_id is not None
        call = AcknowledgeOperationStatus(
            uuid=status.uuid.value, operation_id=status.operation_id, agent_id=status.agent_id
        )
        framework.call(CallType.ACKNOWLEDGE_OPERATION_STATUS, acknowledge_operation_status=call)
    agent.operate()
    assert not agent.operations
    assert not driver.machine.state.operations


def test_what_is_reserved_is_offered_to_its_role_alone_and_the_rest_to_whom_it_is_due(driver: Driver) -> None:
    driver.agent("cpus:4;mem:4096")
    framework = framework_in(driver)
    (offer,) = framework.take_offers()
    other = driver.framework(roles=("q",), capabilities=CAPABILITIES)
    framework.accept([offer.id], [operation("RESERVE", Reserve((scalar("cpus", 1, ROLE),)))], Filters(100.0))
    (mine,), (others,) = framework.take_offers(), other.take_offers()
    assert held(mine) == Resources.from_wire((scalar("cpus", 1, ROLE),))
    assert held(others) == Resources.parse("cpus:3;mem:4096")


def test_a_task_runs_on_a_volume_made_in_the_same_accept(driver: Driver) -> None:
    agent, framework = driver.agent(), framework_in(driver)
    (offer,) = framework.take_offers()
    info = task("t", offer, resources="mem:32")
    info = msgspec.structs.replace(info, resources=(scalar("cpus", 1, ROLE), volume(64), scalar("mem", 32)))
    launch = Operation(type=OperationType.LAUNCH, launch=Launch(task_infos=(info,)))
    framework.accept([offer.id], [RESERVE, CREATE, launch])
    orders = [type(each).__name__ for each in driver.links[agent.link]]
    assert orders[-3:] == ["ApplyOperation", "ApplyOperation", "RunTask"]
    agent.operate()
    agent.run_tasks()
    assert [status.state for status in framework.take_updates()] == ["TASK_RUNNING"]
    destroy = operation("DESTROY", Destroy((volume(64),)), "destroy")
    (again,) = framework.take_offers()
    framework.accept([again.id], [destroy])
    assert [(s.state, s.message) for s in statuses(framework)][-1] == ("OPERATION_ERROR", "Persistent volumes in use")


def test_the_way_back(driver: Driver) -> None:
    agent, framework = driver.agent(), framework_in(driver)
    before = driver.machine.state.agents[agent.id].total
    (offer,) = framework.take_offers()
    framework.accept([offer.id], [RESERVE, CREATE])
    (offer,) = framework.take_offers()
    back = [
        operation("GROW_VOLUME", GrowVolume(volume(64), scalar("disk", 36, ROLE))),
        operation("SHRINK_VOLUME", ShrinkVolume(volume(100), Scalar(50))),
        operation("DESTROY", Destroy((volume(50),))),
        operation("UNRESERVE", Unreserve((scalar("cpus", 1, ROLE), scalar("disk", 100, ROLE)))),
    ]
    framework.accept([offer.id], back)
    agent.operate()
    assert agent.total == before == driver.machine.state.agents[agent.id].total
    assert len(statuses(framework)) == 2  # only those with ids are told of
    agent.operate()
    assert len(agent.operations) == 2  # the master acknowledged the others


OTHER = ReservationInfo(ReservationType.DYNAMIC, "other")
REFUSED = [
    pytest.param("RESERVE", Reserve((scalar("cpus", 1),)), "Resource cpus:1 is not dynamically reserved", id="bare"),
    pytest.param("RESERVE", Reserve((scalar("cpus", 1, OTHER),)), "can only reserve resources with roles", id="role"),
    pytest.param("RESERVE", Reserve((scalar("cpus", 99, ROLE),)), "does not contain", id="too much"),
    pytest.param(
        "RESERVE",
        Reserve((scalar("cpus", 1, ReservationInfo(ReservationType.DYNAMIC, "r", "p")),)),
        "names principal 'p'",
        id="principal",
    ),
    pytest.param("UNRESERVE", Unreserve((scalar("cpus", 1),)), "is not dynamically reserved", id="unreserve bare"),
    pytest.param("CREATE", Create((scalar("disk", 1, ROLE),)), "does not have DiskInfo", id="no disk info"),
    pytest.param("CREATE", Create((volume(10), volume(10))), "Persistence ID 'v' is not unique", id="twice"),
    pytest.param("DESTROY", Destroy((volume(10),)), "Persistent volumes not found", id="unknown volume"),
    pytest.param("GROW_VOLUME", GrowVolume(scalar("disk", 1, ROLE), scalar("disk", 1, ROLE)), "is not a", id="grow"),
    pytest.param("SHRINK_VOLUME", ShrinkVolume(volume(10), Scalar(10)), "cannot be made smaller", id="shrink to 0"),
]


@pytest.mark.parametrize(("kind", "payload", "message"), REFUSED)
def test_a_bad_operation_is_told_and_changes_nothing(driver: Driver, kind: str, payload: Any, message: str) -> None:
    agent, framework = driver.agent(), framework_in(driver)
    before = driver.machine.state.agents[agent.id].total
    (offer,) = framework.take_offers()
    framework.accept([offer.id], [operation(kind, payload, "x")])
    (status,) = statuses(framework)
    assert (status.state, status.uuid) == ("OPERATION_ERROR", None)
    assert message in (status.message or "")
    assert driver.machine.state.agents[agent.id].total == before
    assert not agent.take(link.ApplyOperation)


def test_an_operation_that_did_not_arrive_is_dropped_with_what_it_made(driver: Driver) -> None:
    agent, framework = driver.agent(), framework_in(driver)
    (offer,) = framework.take_offers()
    framework.accept([offer.id], [RESERVE])
    driver.links[agent.link].clear()
    agent.disconnect()
    agent.reregister()
    assert [status.state for status in statuses(framework)] == ["OPERATION_DROPPED"]
    assert driver.machine.state.agents[agent.id].total == agent.total


def test_reservations_and_operations_survive_the_master(driver: Driver) -> None:
    agent, framework = driver.agent(), framework_in(driver)
    (offer,) = framework.take_offers()
    framework.accept([offer.id], [RESERVE, CREATE])
    agent.operate()
    successor = Driver(stored=driver.stored)
    agent.reregister(successor)
    assert successor.machine.state.agents[agent.id].total == agent.total
    assert len(successor.machine.state.operations) == 2


def test_an_unreachable_agent_takes_its_operations_along(driver: Driver) -> None:
    agent, framework = driver.agent(), framework_in(driver)
    (offer,) = framework.take_offers()
    framework.accept([offer.id], [RESERVE])
    agent.disconnect()
    driver.pass_time(700)
    assert [status.state for status in statuses(framework)] == ["OPERATION_UNREACHABLE"]
    agent.operations.clear()
    agent.reregister()
    framework.call(CallType.RECONCILE_OPERATIONS, reconcile_operations=ReconcileOperations())
    assert len(statuses(framework)) == 1


def test_reconciliation_of_operations(driver: Driver) -> None:
    agent, framework = driver.agent(), framework_in(driver)
    (offer,) = framework.take_offers()
    framework.accept([offer.id], [RESERVE])
    framework.call(CallType.RECONCILE_OPERATIONS, reconcile_operations=ReconcileOperations())
    assert [(s.state, s.uuid) for s in statuses(framework)] == [("OPERATION_PENDING", None)]
    agent.operate()
    asked = ReconcileOperations((ReconcileOperation(OperationID("nope")), ReconcileOperation(OperationID("reserve"))))
    framework.call(CallType.RECONCILE_OPERATIONS, reconcile_operations=asked)
    assert [s.state for s in statuses(framework)][-2:] == ["OPERATION_UNKNOWN", "OPERATION_FINISHED"]


def test_a_shared_volume_serves_several_tasks_and_is_offered_meanwhile(driver: Driver) -> None:
    agent, framework = driver.agent(), framework_in(driver)
    (offer,) = framework.take_offers()
    shared = volume(64, shared=Shared())
    framework.accept([offer.id], [RESERVE, operation("CREATE", Create((shared,)))])
    agent.operate()
    for name in ("a", "b"):
        (offer,) = framework.take_offers()
        assert held(offer).contains(Resources.from_wire((shared,)))
        info = task(name, offer)
        info = msgspec.structs.replace(info, resources=(scalar("cpus", 0.5), scalar("mem", 32), shared))
        framework.launch(offer, info, filters=Filters(0.0))
        agent.run_tasks()
        driver.pass_time(2)
    plain = driver.framework(roles=("r",), capabilities=CAPABILITIES[:3])
    (offer,) = framework.take_offers()
    framework.decline(offer, seconds=1000.0)
    driver.pass_time(2)
    (offer,) = plain.take_offers()
    assert not any(resource.shared for resource in offer.resources)
    agent.update("a", TaskState.TASK_FINISHED)
    agent.update("b", TaskState.TASK_FINISHED)


def test_garbage_in_an_operation_changes_nothing(driver: Driver) -> None:
    driver.agent()
    framework = framework_in(driver)
    (offer,) = framework.take_offers()
    framework.accept([offer.id], [Operation(), Operation(type=OperationType.RESERVE, id=OperationID("o"))])
    (status,) = statuses(framework)
    assert status.state == "OPERATION_ERROR"
    assert isinstance(driver.machine.step(ev.Tick(), driver.now_s), list)
