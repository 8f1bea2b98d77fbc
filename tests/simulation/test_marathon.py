"""Marathon's core under crashes and a bad network, the same way again for the same seed.

What the core wants is carried out with a delay, updates are repeated and delayed, and the process may die at any
write: after it is durable and before anything that follows from it has left.
"""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from marathon.core import effects as fx
from marathon.core import events as ev
from marathon.core import groups
from marathon.core.model.app import UpgradeStrategy
from marathon.core.rolling import limits
from marathon.core.run_spec import Upgrade
from marathon.errors import MarathonError
from marathon.store.load import Loaded, state_of
from mesos.effects import Effect, Persist
from mesos.types.tasks import TaskState
from tests.fakes.cluster import Cluster
from tests.support.world import World, app

SEEDS = range(60)


class Crash(Exception):
    """The process died."""


class FaultyWorld(World):
    """A world in which calls and updates take their time and the process may die."""

    def __init__(self, seed: int, agents: int = 3) -> None:
        self.chance = random.Random(seed)
        self.crashes = self.repeats = False
        self.events: list[Any] = []  # type: ignore[assignment]
        self.on_the_way: list[Any] = []
        super().__init__(Cluster(agents), seed=seed)

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, fx.SendCall):
            self.on_the_way.append(effect.call)
            return
        super()._perform(effect)
        if isinstance(effect, Persist) and self.crashes and self.chance.random() < 0.05:
            raise Crash

    def restart(self) -> None:
        self.on_the_way = []
        super().restart()

    def post(self, *events: Any) -> None:
        try:
            super().post(*events)
        except Crash:
            self.restart()

    def one_step(self) -> None:
        """Let the oldest call arrive, or time pass when none is under way."""
        if not self.on_the_way:
            self.advance(self.chance.choice([0.1, 1.0, 10.0]))
            return
        answers = self.cluster.receive(self.on_the_way.pop(0))
        for event in answers:
            self.post(event)
            if self.repeats and isinstance(event, ev.StatusArrived) and self.chance.random() < 0.2:
                self.post(event)

    def break_connection(self) -> None:
        """Lose every call that is under way, and subscribe again."""
        self.on_the_way = []
        self.post(ev.Disconnected("broken"))
        for event in self.cluster.subscribe():
            self.post(event)

    def settle(self) -> None:
        """Let everything that is under way arrive, and enough time pass for every retry."""
        for _ in range(200):
            while self.on_the_way:
                self.one_step()
            self.advance(30.0)
            if not self.on_the_way and not self.state.deployments and not self.state.kills.in_flight:
                self.advance(700.0)
                while self.on_the_way:
                    self.one_step()
                return

    def try_change(self, **fields: Any) -> None:
        """Ask for a change as a client would, who may get an error or no answer."""
        self._asks += 1
        change = fields.pop("change")
        try:
            self.post(ev.ChangeRoot(ask_id=self._asks, change=change, **fields))
        except MarathonError:
            return


def changing(app_id: str, **fields: Any) -> ev.Change:
    """Return a change of some fields of an app."""
    return lambda root, _: groups.put_app(root, msgspec.structs.replace(groups.get_app(root, app_id), **fields))


@pytest.mark.parametrize("seed", SEEDS)
def test_upgrades_stay_within_their_bounds(seed: int) -> None:
    """Whatever crashes and repeats: enough instances run at every moment, and never too many exist."""
    chance = random.Random(seed)
    wanted = chance.choice([1, 2, 3, 5, 8])
    upgrade = Upgrade(chance.choice([0.0, 0.3, 0.5, 1.0]), chance.choice([0.0, 0.3, 1.0]))
    strategy = UpgradeStrategy(
        minimum_health_capacity=upgrade.minimum_health, maximum_over_capacity=upgrade.maximum_over
    )
    world = FaultyWorld(seed)
    world.put(app(instances=wanted, upgrade_strategy=strategy))
    world.settle()
    low, high = limits(upgrade, wanted)
    world.crashes = world.repeats = True
    for number in range(3):
        world.try_change(change=changing("/web", cmd=f"sleep {number}"), force=chance.random() < 0.5)
        for _ in range(chance.randrange(60)):
            world.one_step()
            if chance.random() < 0.05:
                world.break_connection()
            assert len(world.cluster.running()) >= low
            assert len(world.cluster.alive()) <= max(high, wanted + 1)
    world.crashes = world.repeats = False
    world.settle()
    assert len(world.cluster.running()) == len(world.cluster.alive()) == wanted
    check_clean(world)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_everything_ends_as_asked(seed: int) -> None:
    """Failures, scaling, removal and force at any moment: in the end exactly what was asked for runs."""
    chance = random.Random(seed)
    world = FaultyWorld(seed)
    ids = ("/a", "/b", "/g/c")
    world.crashes = world.repeats = True
    for _ in range(120):
        act(world, chance, chance.choice(ids))
        for _ in range(chance.randrange(6)):
            world.one_step()
    world.crashes = world.repeats = False
    world.settle()
    asked = {app_id: known.spec.instances for app_id, known in world.state.current.items()}
    runs = dict.fromkeys(asked, 0)
    for task_id in world.cluster.alive():
        assert world.cluster.states[task_id] is TaskState.TASK_RUNNING
        runs["/" + task_id.partition(".")[0].replace("_", "/")] += 1
    assert runs == asked
    check_clean(world)


def act(world: FaultyWorld, chance: random.Random, app_id: str) -> None:
    """Do something that users or machines do."""
    exists = app_id in world.state.current
    force = chance.random() < 0.3
    match chance.randrange(8):
        case 0 | 1 if not exists:
            new = app(app_id, instances=chance.randrange(4), backoff_seconds=0)
            world.try_change(change=lambda root, _: groups.put_app(root, new), force=force)
        case 1 if exists:
            world.try_change(change=changing(app_id, instances=chance.randrange(5)), force=force)
        case 2 if exists:
            world.try_change(change=changing(app_id, cmd=f"sleep {chance.randrange(1000)}"), force=force)
        case 3 if exists and chance.random() < 0.3:
            world.try_change(change=lambda root, _: groups.remove_app(root, app_id), force=True)
        case 4 if world.cluster.running():
            state = chance.choice([TaskState.TASK_FAILED, TaskState.TASK_FINISHED, TaskState.TASK_LOST])
            world.report(chance.choice(world.cluster.running()), state)
        case 5 if world.state.deployments:
            deployment_id = chance.choice(list(world.state.deployments))
            world._asks += 1
            ask = world._asks
            world.post(ev.CancelDeployment(ask_id=ask, deployment_id=deployment_id, force=force))
        case 6 if world.state.instances:
            chosen = chance.choice(list(world.state.instances))
            world._asks += 1
            world.post(ev.KillInstances(ask_id=world._asks, instance_ids=(chosen,), wipe=force))
        case 7:
            world.break_connection()


def check_clean(world: FaultyWorld) -> None:
    """Nothing is left half-done, every count is right, and what is stored is what is known."""
    state = world.state
    assert state.deployments == {}
    assert state.locks == {}
    assert state.queue.entries == {}
    assert (state.kills.in_flight, state.kills.waiting) == ({}, {})
    assert state.awaited == {} and state.sentenced == {} and state.unready == {} and state.originals == {}
    assert world.cluster.unacknowledged == {}
    for app_id, known in state.current.items():
        fleet = state.fleet(app_id)
        assert fleet.running == known.spec.instances
        assert set(fleet.ids) == {each.id for each in state.instances.values() if each.app_id == app_id}
    again = state_of(Loaded.read(world.rows), world.settings)
    assert again.instances == state.instances
    assert again.root == state.root
    assert again.deployments == {}
