"""The payloads of GET_STATE, GET_AGENTS, GET_TASKS, GET_FRAMEWORKS and their kin, as JSON bytes.

Top-level arrays are printed even when they are empty; everything else follows the proto's rules. Source: answers of a
real 1.11.0 master.
"""

from __future__ import annotations

from collections.abc import Iterable

from master.core.machine import Machine
from master.core.offers import on_the_wire
from master.core.rows import Framework
from master.core.views import agent_view, framework_view
from mesos.codec import encode
from mesos.resources import EMPTY, Resources
from mesos.types.base import Wire, emitted
from mesos.types.ids import AgentID, FrameworkID
from mesos.types.masters import MasterInfo
from mesos.types.offers import Offer
from mesos.types.resources import Resource
from mesos.types.tasks import ExecutorInfo, Task


class ExecutorView(Wire, frozen=True):
    """An executor and where it runs."""

    executor_info: ExecutorInfo
    agent_id: AgentID


class RoleView(Wire, frozen=True, kw_only=True):
    """A role and who has what in it."""

    name: str
    weight: float
    frameworks: tuple[FrameworkID, ...] = ()
    resources: tuple[Resource, ...] = ()


class MasterView(Wire, frozen=True):
    """The leading master. Times in seconds since the epoch."""

    master_info: MasterInfo
    start_time: float
    elected_time: float = emitted(0.0)


class V1Views:
    """What one master shows now."""

    def __init__(self, machine: Machine) -> None:
        self._machine, self._state = machine, machine.state

    def state(self) -> bytes:
        """GET_STATE."""
        parts = (self.tasks(), self.executors(), self.frameworks(), self.agents())
        return b'{"get_tasks":%b,"get_executors":%b,"get_frameworks":%b,"get_agents":%b}' % parts

    def tasks(self) -> bytes:
        """GET_TASKS."""
        state = self._state
        active = (row.task for row in state.all_tasks())
        unreachable = (task for tasks in state.unreachable_tasks.values() for task in tasks.values())
        return b'{"tasks":%b,"unreachable_tasks":%b,"completed_tasks":%b}' % (
            _array(active),
            _array(unreachable),
            _array(self._completed_tasks()),
        )

    def agents(self) -> bytes:
        """GET_AGENTS."""
        agents = (agent_view(self._state, agent) for agent in self._state.agents.values())
        return b'{"agents":%b,"recovered_agents":%b}' % (_array(agents), _array(self._state.recovered.values()))

    def frameworks(self) -> bytes:
        """GET_FRAMEWORKS."""
        state = self._state
        known = (framework_view(state, each, self._offers(each)) for each in state.frameworks.values())
        ended = (framework_view(state, each.framework) for each in state.completed.values())
        return b'{"frameworks":%b,"completed_frameworks":%b}' % (_array(known), _array(ended))

    def executors(self) -> bytes:
        """GET_EXECUTORS."""
        rows = self._state.executors.items()
        return b'{"executors":%b}' % _array(ExecutorView(row.info, AgentID(key[1])) for key, row in rows)

    def roles(self) -> bytes:
        """GET_ROLES."""
        return encode({"roles": [self._role(role) for role in sorted(self._machine.allocator.active_roles)]})

    def master(self) -> bytes:
        """GET_MASTER."""
        return encode(MasterView(self._state.info, self._state.start_s, self._state.elected_s))

    def _offers(self, framework: Framework) -> tuple[Offer, ...]:
        offers = (self._state.offers[i] for i in self._state.offers_of_framework.get(framework.id, ()))
        return tuple(on_the_wire(self._machine.context, offer, framework) for offer in offers)

    def _completed_tasks(self) -> Iterable[Task]:
        for tasks in self._state.completed_tasks.values():
            yield from tasks
        for ended in self._state.completed.values():
            yield from ended.tasks

    def _role(self, role: str) -> RoleView:
        frameworks = self._machine.allocator.frameworks_in(role)
        held = role_resources(self._machine, role)
        weight = self._machine.context.settings.weights.get(role, 1.0)
        return RoleView(
            name=role,
            weight=weight,
            frameworks=tuple(map(FrameworkID, frameworks)),
            resources=held.allocated_to(None).to_wire(),
        )


def role_resources(machine: Machine, role: str) -> Resources:
    """Return what frameworks use or are offered in a role."""
    total = EMPTY
    for framework_id in machine.allocator.frameworks_in(role):
        held = machine.state.used_by(framework_id) + machine.state.offered_to(framework_id)
        total += held.filter(lambda key: key.allocation_role == role)
    return total


def _array(items: Iterable[object]) -> bytes:
    return b"[" + b",".join(map(encode, items)) + b"]"
