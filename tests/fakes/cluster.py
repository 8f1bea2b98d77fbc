"""Mesos without sockets: agents with resources, tasks with states, and updates that are sent until acknowledged.

Takes marathon's calls and returns the events that come of them. Nothing happens by itself: a test says what a task
does next, so runs are the same each time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import msgspec

from marathon.core import events as ev
from mesos.resources import Resources
from mesos.types import scheduler as api
from mesos.types.ids import AgentID, FrameworkID, OfferID, TaskID
from mesos.types.offers import Offer
from mesos.types.resources import AllocationInfo, Attribute
from mesos.types.tasks import TaskInfo, TaskState, TaskStatus


class Agent(msgspec.Struct):
    """An agent and what is left of it."""

    id: str
    free: Resources
    attributes: tuple[Attribute, ...] = ()


class Cluster:
    """Agents and tasks. ``behaviour`` says what a launched task reports first; ``None``: nothing yet."""

    def __init__(
        self, agents: int = 1, resources: str = "cpus:4;mem:4096;disk:4096;ports:[31000-31999]", role: str = "*"
    ) -> None:
        self.agents = {f"S{n}": Agent(f"S{n}", Resources.parse(resources)) for n in range(agents)}
        self.role = role
        self.behaviour: Callable[[TaskInfo], TaskState | None] = lambda _: TaskState.TASK_RUNNING
        self.kills = True
        self.tasks: dict[str, TaskInfo] = {}
        self.states: dict[str, TaskState] = {}
        self.calls: list[api.Call] = []
        self.unacknowledged: dict[bytes, TaskStatus] = {}
        self._offers: dict[str, tuple[str, Resources]] = {}
        self._declined: set[str] = set()
        self._suppressed = False
        self._counter = itertools.count()

    def subscribe(self) -> list[ev.Event]:
        """Take the framework on."""
        for agent_id, free in self._offers.values():
            self.agents[agent_id].free += free
        self._offers.clear()
        self._declined.clear()
        self._suppressed = False
        resent: list[ev.Event] = [ev.StatusArrived(status) for status in self.unacknowledged.values()]
        return [ev.Subscribed("fw-1", "master:5050"), *resent, *self.offer()]

    def receive(self, call: api.Call) -> list[ev.Event]:
        """Do what a call asks; return what marathon hears of it."""
        self.calls.append(call)
        match call.type:
            case api.CallType.ACCEPT if call.accept is not None:
                return self._accept(call.accept)
            case api.CallType.DECLINE if call.decline is not None:
                for offer_id in call.decline.offer_ids:
                    self._give_back(offer_id.value, declined=True)
            case api.CallType.REVIVE:
                self._suppressed = False
                self._declined.clear()
                return self.offer()
            case api.CallType.SUPPRESS:
                self._suppressed = True
            case api.CallType.ACKNOWLEDGE if call.acknowledge is not None:
                self.unacknowledged.pop(call.acknowledge.uuid, None)
            case api.CallType.KILL if call.kill is not None and self.kills:
                return self.kill(call.kill.task_id.value)
            case api.CallType.RECONCILE if call.reconcile is not None:
                return self._reconcile(call.reconcile)
        return []

    def offer(self) -> list[ev.Event]:
        """Offer what agents have and nobody declined."""
        if self._suppressed:
            return []
        offers = [self._offer(each) for each in self.agents.values() if each.free and each.id not in self._declined]
        return [ev.OffersArrived(tuple(offers))] if offers else []

    def report(self, task_id: str, state: TaskState, **fields: object) -> list[ev.Event]:
        """Let a task come to a state."""
        before, task = self.states.get(task_id), self.tasks[task_id]
        self.states[task_id] = state
        uuid = next(self._counter).to_bytes(16, "big")
        status = TaskStatus(
            task_id=TaskID(task_id),
            state=state,
            agent_id=task.agent_id,
            uuid=uuid,
            **fields,  # type: ignore[arg-type]
        )
        self.unacknowledged[uuid] = status
        events: list[ev.Event] = [ev.StatusArrived(status)]
        if state.is_terminal and not (before is not None and before.is_terminal):
            self.agents[task.agent_id.value].free += Resources.from_wire(task.resources).allocated_to(None)
            events += self.offer()
        return events

    def kill(self, task_id: str) -> list[ev.Event]:
        """End a task as a kill would; one that nobody knows is lost."""
        state = self.states.get(task_id)
        if task_id not in self.tasks:
            lost = TaskStatus(task_id=TaskID(task_id), state=TaskState.TASK_UNKNOWN)
            return [ev.StatusArrived(lost)]
        if state is not None and state.is_terminal:
            return []
        return self.report(task_id, TaskState.TASK_KILLED)

    def alive(self) -> list[str]:
        """Return the tasks that hold resources."""
        return [each for each in self.tasks if not ((state := self.states.get(each)) is not None and state.is_terminal)]

    def running(self) -> list[str]:
        """Return the tasks that run."""
        return [each for each, state in self.states.items() if state is TaskState.TASK_RUNNING]

    def _accept(self, accept: api.Accept) -> list[ev.Event]:
        events: list[ev.Event] = []
        for offer_id in accept.offer_ids:
            known = self._offers.pop(offer_id.value, None)
            launched = [task for each in accept.operations if each.launch for task in each.launch.task_infos]
            if known is None:
                for task in launched:
                    status = TaskStatus(task_id=task.task_id, state=TaskState.TASK_DROPPED, agent_id=task.agent_id)
                    events.append(ev.StatusArrived(status))
                continue
            agent_id, free = known
            for task in launched:
                used = Resources.from_wire(task.resources).allocated_to(None)
                assert free.contains(used), f"{task.task_id.value} uses {used}, offered {free}"
                assert task.task_id.value not in self.tasks, f"{task.task_id.value} is launched twice"
                free -= used
                self.tasks[task.task_id.value] = task
                state = self.behaviour(task)
                if state is not None:
                    events += self.report(task.task_id.value, state)
            self.agents[agent_id].free += free
        return [*events, *self.offer()]

    def _give_back(self, offer_id: str, *, declined: bool) -> None:
        known = self._offers.pop(offer_id, None)
        if known is not None:
            self.agents[known[0]].free += known[1]
            if declined:
                self._declined.add(known[0])

    def _reconcile(self, reconcile: api.Reconcile) -> list[ev.Event]:
        wanted = [each.task_id.value for each in reconcile.tasks] or self.alive()
        events: list[ev.Event] = []
        for task_id in wanted:
            task = self.tasks.get(task_id)
            state = self.states.get(task_id) or (TaskState.TASK_STAGING if task else TaskState.TASK_UNKNOWN)
            agent_id = task.agent_id if task else None
            status = TaskStatus(task_id=TaskID(task_id), state=state, agent_id=agent_id)
            events.append(ev.StatusArrived(status))
        return events

    def _offer(self, each: Agent) -> Offer:
        offer_id = f"O{next(self._counter)}"
        self._offers[offer_id] = (each.id, each.free)
        free, each.free = each.free, Resources()
        return Offer(
            id=OfferID(offer_id),
            framework_id=FrameworkID("fw-1"),
            agent_id=AgentID(each.id),
            hostname=f"host-{each.id.lower()}",
            resources=free.allocated_to(self.role).to_wire(),
            attributes=each.attributes,
            allocation_info=AllocationInfo(self.role),
        )
