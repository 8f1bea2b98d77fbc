"""All tables of a master. Changed in place by the core alone; what is derived is kept, never recomputed.

Invariants (see :meth:`State.check`): an agent's total is used + offered + free, at all times (a shared volume is always
free, too); a task's resources are used exactly until its terminal state is first seen; every offer belongs to a
connected framework and an active agent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from master.core.rows import Agent, Executor, ExecutorKey, Framework, OfferRow, OperationRow, TaskRow
from mesos.resources import EMPTY, Resources
from mesos.types.agents import AgentInfo
from mesos.types.masters import MasterInfo
from mesos.types.tasks import Task


class Completed:
    """A framework that is gone, with what is still shown of it."""

    def __init__(self, framework: Framework, tasks: list[Task]) -> None:
        self.framework, self.tasks = framework, tasks


class State:
    """The tables."""

    def __init__(self, info: MasterInfo, elected_s: float, start_s: float) -> None:
        self.info, self.elected_s, self.start_s = info, elected_s, start_s
        self.agents: dict[str, Agent] = {}
        self.agent_of_link: dict[int, str] = {}
        self.recovered: dict[str, AgentInfo] = {}
        self.unreachable_since_s: dict[str, float] = {}
        self.gone: set[str] = set()
        self.frameworks: dict[str, Framework] = {}
        self.framework_of_stream: dict[int, str] = {}
        self.completed: dict[str, Completed] = {}
        self.tasks: dict[str, dict[str, TaskRow]] = {}
        self.tasks_on_agent: dict[str, dict[tuple[str, str], None]] = {}
        self.unreachable_tasks: dict[str, dict[str, Task]] = {}
        self.completed_tasks: dict[str, deque[Task]] = {}
        self.pending_kills: dict[str, dict[tuple[str, str], object]] = {}
        self.executors: dict[ExecutorKey, Executor] = {}
        self.offers: dict[str, OfferRow] = {}
        self.offers_of_framework: dict[str, dict[str, None]] = {}
        self.offers_of_agent: dict[str, dict[str, None]] = {}
        self.used: dict[str, dict[str, Resources]] = {}
        self.offered: dict[str, Resources] = {}
        self.free: dict[str, Resources] = {}
        self.missed_pings: dict[str, int] = {}
        self.operations: dict[bytes, OperationRow] = {}
        self.operations_on_agent: dict[str, dict[bytes, None]] = {}
        self.operation_ids: dict[tuple[str, str], bytes] = {}
        self.next_operation = 0
        self.next_agent = 0
        self.next_framework = 0
        self.next_offer = 0

    def task(self, framework_id: str, task_id: str) -> TaskRow | None:
        """Return a task that is not completed."""
        return self.tasks.get(framework_id, {}).get(task_id)

    def put_task(self, row: TaskRow) -> None:
        """Add a task or replace its row."""
        framework_id, task_id = row.key
        self.tasks.setdefault(framework_id, {})[task_id] = row
        self.tasks_on_agent.setdefault(row.agent_id, {})[row.key] = None

    def drop_task(self, row: TaskRow) -> None:
        """Forget a task; its resources must have been freed."""
        framework_id, task_id = row.key
        self.tasks.get(framework_id, {}).pop(task_id, None)
        self.tasks_on_agent.get(row.agent_id, {}).pop(row.key, None)

    def tasks_of_agent(self, agent_id: str) -> list[TaskRow]:
        """Return the tasks on one agent."""
        return [self.tasks[f][t] for f, t in self.tasks_on_agent.get(agent_id, ())]

    def all_tasks(self) -> Iterator[TaskRow]:
        """Give every task that is not completed."""
        for tasks in self.tasks.values():
            yield from tasks.values()

    def put_operation(self, row: OperationRow) -> None:
        """Add an operation or replace its row."""
        self.operations[row.uuid] = row
        self.operations_on_agent.setdefault(row.agent_id, {})[row.uuid] = None
        if row.framework_id is not None and row.info.id is not None:
            self.operation_ids[row.framework_id, row.info.id.value] = row.uuid

    def drop_operation(self, row: OperationRow) -> None:
        """Forget an operation."""
        self.operations.pop(row.uuid, None)
        self.operations_on_agent.get(row.agent_id, {}).pop(row.uuid, None)
        if row.framework_id is not None and row.info.id is not None:
            self.operation_ids.pop((row.framework_id, row.info.id.value), None)

    def operation_of(self, framework_id: str, operation_id: str) -> OperationRow | None:
        """Return an operation by the id that its framework gave it."""
        uuid = self.operation_ids.get((framework_id, operation_id))
        return self.operations.get(uuid) if uuid is not None else None

    def operations_of_agent(self, agent_id: str) -> list[OperationRow]:
        """Return the operations on one agent."""
        return [self.operations[uuid] for uuid in self.operations_on_agent.get(agent_id, ())]

    def use(self, agent_id: str, framework_id: str, resources: Resources) -> None:
        """Move resources of an agent from free to used."""
        used = self.used.setdefault(agent_id, {})
        used[framework_id] = used.get(framework_id, EMPTY) + resources
        self.free[agent_id] = self.free.get(agent_id, EMPTY) - resources.exclusive().allocated_to(None)

    def unuse(self, agent_id: str, framework_id: str, resources: Resources) -> None:
        """Move resources of an agent from used to free."""
        used = self.used.get(agent_id)
        if used is None:
            return  # the agent is gone and its resources with it
        rest = used.get(framework_id, EMPTY) - resources
        if rest:
            used[framework_id] = rest
        else:
            used.pop(framework_id, None)
        self.free[agent_id] = self.free[agent_id] + resources.exclusive().allocated_to(None)

    def used_on(self, agent_id: str) -> Resources:
        """Return what all frameworks use of an agent."""
        total = EMPTY
        for resources in self.used.get(agent_id, {}).values():
            total += resources
        return total

    def used_by(self, framework_id: str) -> Resources:
        """Return what a framework uses, over all agents."""
        total = EMPTY
        agents = {row.agent_id for row in self.tasks.get(framework_id, {}).values()}
        agents |= {agent for framework, agent, _ in self.executors if framework == framework_id}
        for agent_id in agents:
            total += self.used.get(agent_id, {}).get(framework_id, EMPTY)
        return total

    def offered_to(self, framework_id: str) -> Resources:
        """Return what is offered to a framework now."""
        total = EMPTY
        for offer_id in self.offers_of_framework.get(framework_id, ()):
            total += self.offers[offer_id].resources
        return total

    def check(self) -> None:
        """Check all invariants; for tests and simulation. :raises AssertionError: naming what does not hold."""
        for agent_id, agent in self.agents.items():
            offered = EMPTY
            for offer_id in self.offers_of_agent.get(agent_id, ()):
                offered += self.offers[offer_id].resources
            assert offered == self.offered.get(agent_id, EMPTY), f"{agent_id}: offers do not add up to what is offered"
            used: dict[str, Resources] = {}
            for row in self.tasks_of_agent(agent_id):
                if not row.task.state.is_terminal:
                    used[row.key[0]] = used.get(row.key[0], EMPTY) + row.resources
            for (framework_id, on_agent, _), executor in self.executors.items():
                if on_agent == agent_id:
                    used[framework_id] = used.get(framework_id, EMPTY) + executor.resources
            kept = {k: v for k, v in self.used.get(agent_id, {}).items() if v}
            assert {k: v for k, v in used.items() if v} == kept, f"{agent_id}: tasks do not add up to what is used"
            taken = (self.used_on(agent_id) + offered).exclusive()
            whole = self.free[agent_id] + taken.allocated_to(None)
            assert whole == agent.total, f"{agent_id}: {whole} is not the total {agent.total}"
        for offer in self.offers.values():
            assert self.frameworks[offer.framework_id].connected, f"{offer.id} belongs to a framework without stream"
            assert self.agents[offer.agent_id].active, f"{offer.id} is of an agent that is not active"
