"""What deployments say they wait for."""

from __future__ import annotations

from marathon.core.explain import Waiting, waiting
from marathon.core.model.app import Constraint, Operator
from marathon.core.model.checks import HealthCheck
from marathon.core.model.network import PortDefinition
from mesos.types.tasks import TaskState
from tests.support.world import World, app


def explained(world: World) -> Waiting:
    (deployment,) = world.state.deployments.values()
    (action,) = waiting(world.state, deployment, world.clock.now_s())
    return action


def test_instances_on_their_way() -> None:
    world = World()
    world.cluster.behaviour = lambda _: None
    world.put(app(instances=3))
    world.report(next(iter(world.cluster.tasks)), TaskState.TASK_RUNNING)
    found = explained(world)
    assert (found.action, found.app, found.done, found.total) == ("ScaleApplication", "/web", 1, 3)
    assert found.waits_for == ("2 instances to start",)


def test_instances_without_a_place() -> None:
    world = World()
    world.put(app(instances=2, constraints=(Constraint("hostname", Operator.UNIQUE),)))
    assert explained(world).waits_for == (
        "1 instance to be placed (agents that cannot take one: UnfulfilledConstraint: 1)",
    )


def test_launches_that_fail() -> None:
    world = World()
    world.cluster.behaviour = lambda _: TaskState.TASK_FAILED
    world.put(app(backoff_seconds=60))
    assert "its launches failed; next try at 2001-" in explained(world).waits_for[0]


def test_health_during_an_upgrade() -> None:
    world = World()
    check = HealthCheck(port_index=0, interval_seconds=5)
    world.put(app(port_definitions=(PortDefinition(),), health_checks=(check,)))
    world.advance(1)
    world.healthy = lambda _: False
    world.update("/web", cmd="sleep 2")
    found = explained(world)
    assert (found.action, found.done, found.total) == ("RestartApplication", 0, 1)
    assert found.waits_for == ("1 instance of an older version to be replaced", "1 instance to prove healthy")
