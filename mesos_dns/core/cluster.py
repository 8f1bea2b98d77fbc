"""The state machine: what was seen of the cluster, and the zone that follows from it.

Every event changes the records of the rows that it touches and of no others. What a row gives is computed before and
after the change; the difference goes into the zone.

A new leading master knows only the agents that have come back to it. The tasks of the others keep their names until
the agent is back and has had :data:`CONFIRM_S` to tell them again, is given up by the master, or is away for
:data:`RETURN_S`. So a change of leader never empties the zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import assert_never

from mesos.effects import Effect, Note
from mesos_dns.core import events
from mesos_dns.core.model import Addresses, Agent, AgentId, Endpoint, Framework, FrameworkId, Task, TaskKey
from mesos_dns.core.records import (
    Record,
    address_kind,
    agent_records,
    framework_records,
    master_records,
    own_records,
    task_records,
)
from mesos_dns.core.rules import Rules
from mesos_dns.core.zone import Zone

CONFIRM_S = 10.0
"""How long an agent that came back may take to tell its tasks; they all come with its registration."""

RETURN_S = 900.0
"""How long names outlive an agent that a new leader is waiting for; masters give up after 10 minutes by default."""

_INSTANCE = re.compile(r"(.+\.(?:instance|marathon)-[0-9a-f-]{36})\.")
"""The instance id within a task id. Source: Marathon's ``Task.Id``."""

Event = (
    events.Snapshot
    | events.TaskSeen
    | events.TaskChanged
    | events.AgentSeen
    | events.AgentGone
    | events.FrameworkSeen
    | events.FrameworkGone
    | events.MastersSeen
    | events.Withdrawn
    | events.Confirmed
    | events.HostResolved
    | events.Tick
)


class Cluster:
    """Owns the tables and the zone; :meth:`step` is the only way to change them."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.zone = Zone()
        self.tasks: dict[TaskKey, Task] = {}
        self.agents: dict[AgentId, Agent] = {}
        self.frameworks: dict[FrameworkId, Framework] = {}
        self.leader: Endpoint | None = None
        self.masters: tuple[Endpoint, ...] = ()
        self.loaded = False
        self.last_change_s = 0.0
        self._addresses_by_host: dict[str, tuple[str, ...]] = {}
        self._tasks_by_agent: dict[AgentId, dict[TaskKey, None]] = {}
        self._tasks_by_framework: dict[FrameworkId, dict[TaskKey, None]] = {}
        self._tasks_by_id: dict[str, dict[TaskKey, None]] = {}
        self._unconfirmed: dict[AgentId, set[TaskKey]] = {}
        self._deadlines_s: dict[AgentId, float] = {}
        self._changed: set[str] = set()
        self._effects: list[Effect] = []
        self._changed |= self.zone.apply((), own_records(rules))

    def step(self, event: Event, now_s: float) -> list[Effect]:
        """Fold one event in and return what follows from it."""
        self._fold(event, now_s)
        effects, self._effects = self._effects, []
        if self._changed:
            effects.insert(0, events.NamesChanged(frozenset(self._changed)))
            self._changed = set()
            self.last_change_s = now_s
        return effects

    def records_of(self, key: TaskKey) -> dict[Record, None]:
        """Return the records that a task gives now."""
        task = self.tasks.get(key)
        if task is None or not task.announced:
            return {}
        agent, framework = self.agents.get(task.agent_id), self.frameworks.get(task.framework_id)
        if agent is None or framework is None:
            return {}
        return task_records(task, framework.name, self._addresses(agent.endpoint.host), self.rules)

    def tasks_of(self, framework_id: FrameworkId) -> Iterable[TaskKey]:
        """Return the keys of a framework's tasks."""
        return self._tasks_by_framework.get(framework_id, ())

    def check(self) -> None:
        """Assert that the zone is exactly what the rows give."""
        expected: dict[Record, None] = dict.fromkeys(own_records(self.rules))
        for shares in (
            *(self._agent_share(agent_id) for agent_id in self.agents),
            *(self._framework_share(framework_id) for framework_id in self.frameworks),
            master_records(self.leader, self.masters, self.rules),
        ):
            expected.update(dict.fromkeys(shares))
        actual = {
            (name, kind, value)
            for kind, table in self.zone.tables.items()
            for name, values in table.items()
            for value in values
        }
        assert actual == set(expected), (actual - set(expected), set(expected) - actual)

    def _fold(self, event: Event, now_s: float) -> None:
        match event:
            case events.TaskChanged():
                self._task_changed(event)
            case events.TaskSeen(task):
                self._put_task(task)
            case events.Withdrawn(task_or_instance_id):
                for key in tuple(self._tasks_by_id.get(task_or_instance_id, ())):
                    self._update(key, withdrawn=True)
            case events.Confirmed(task_id, addresses):
                self._confirmed(task_id, addresses)
            case events.AgentSeen(agent):
                self._put_agent(agent)
                if agent.id in self._unconfirmed:
                    self._deadlines_s[agent.id] = now_s + CONFIRM_S
            case events.AgentGone(agent_id):
                self._drop_agent(agent_id)
            case events.FrameworkSeen(framework):
                self._put_framework(framework)
            case events.FrameworkGone(framework_id):
                for key in tuple(self.tasks_of(framework_id)):
                    self._drop_task(key)
                self._drop_framework(framework_id)
            case events.MastersSeen():
                self._masters_seen(event)
            case events.HostResolved(host, addresses):
                self._host_resolved(host, addresses)
            case events.Snapshot():
                self._snapshot(event, now_s)
            case events.Tick():
                for agent_id in [each for each, at_s in self._deadlines_s.items() if at_s <= now_s]:
                    self._drop_unconfirmed(agent_id)
            case _:
                assert_never(event)

    def _change(self, share: Callable[[], Iterable[Record]], edit: Callable[[], None]) -> None:
        """Edit rows and carry the difference of what ``share`` gives into the zone."""
        before = list(share())
        edit()
        self._changed |= self.zone.apply(before, list(share()))

    # --- tasks

    def _put_task(self, task: Task) -> None:
        old = self.tasks.get(task.key)
        self._unconfirmed.get(task.agent_id, set()).discard(task.key)
        if old == task:
            return
        if old is not None and old.agent_id != task.agent_id:
            self._drop_task(task.key)
        self._change(lambda: self.records_of(task.key), lambda: self._file(task))

    def _update(self, key: TaskKey, **changes: object) -> None:
        old = self.tasks[key]
        if any(getattr(old, name) != value for name, value in changes.items()):
            task = Task(**({name: getattr(old, name) for name in Task.__struct_fields__} | changes))
            self._change(lambda: self.records_of(key), lambda: self.tasks.__setitem__(key, task))

    def _task_changed(self, event: events.TaskChanged) -> None:
        key = (event.framework_id, event.task_id)
        task = self.tasks.get(key)
        if event.terminal:
            self._drop_task(key)
        elif task is not None:
            self._unconfirmed.get(task.agent_id, set()).discard(key)
            newer = event.addresses is not None and event.addresses.timestamp >= task.addresses.timestamp
            addresses = event.addresses if newer else task.addresses
            self._update(key, running=event.running, addresses=addresses)
        elif event.running:
            fields = {"framework_id": event.framework_id, "task_id": event.task_id}
            self._effects.append(Note("warning", "running task was never announced", fields, "mesos_dns"))

    def _confirmed(self, task_id: str, addresses: Addresses | None) -> None:
        for key in tuple(self._tasks_by_id.get(task_id, ())):
            task = self.tasks[key]
            if not task.running:
                known = task.addresses if task.addresses != Addresses() else addresses or task.addresses
                self._update(key, running=True, addresses=known)

    def _file(self, task: Task) -> None:
        key = task.key
        self.tasks[key] = task
        for index, value in self._indexes(task):
            index.setdefault(value, {})[key] = None

    def _drop_task(self, key: TaskKey) -> None:
        task = self.tasks.get(key)
        if task is None:
            return
        self._unconfirmed.get(task.agent_id, set()).discard(key)
        self._change(lambda: self.records_of(key), lambda: self._unfile(task))

    def _unfile(self, task: Task) -> None:
        del self.tasks[task.key]
        for index, value in self._indexes(task):
            keys = index[value]
            del keys[task.key]
            if not keys:
                del index[value]

    def _indexes(self, task: Task) -> Iterator[tuple[dict[str, dict[TaskKey, None]], str]]:
        yield self._tasks_by_agent, task.agent_id
        yield self._tasks_by_framework, task.framework_id
        yield self._tasks_by_id, task.id
        instance = _INSTANCE.match(task.id)
        if instance:
            yield self._tasks_by_id, instance[1]

    # --- agents and frameworks

    def _put_agent(self, agent: Agent) -> None:
        if self.agents.get(agent.id) != agent:
            self._learn(agent.endpoint.host)
            self._change(lambda: self._agent_share(agent.id), lambda: self.agents.__setitem__(agent.id, agent))

    def _drop_agent(self, agent_id: AgentId) -> None:
        self._change(lambda: self._agent_share(agent_id), lambda: _forget(self.agents, agent_id))
        self._drop_unconfirmed(agent_id)

    def _drop_unconfirmed(self, agent_id: AgentId) -> None:
        self._deadlines_s.pop(agent_id, None)
        for key in self._unconfirmed.pop(agent_id, ()):
            self._drop_task(key)

    def _agent_share(self, agent_id: AgentId) -> Iterator[Record]:
        agent = self.agents.get(agent_id)
        if agent is not None:
            yield from agent_records(agent.endpoint.port, self._addresses(agent.endpoint.host), self.rules)
            for key in self._tasks_by_agent.get(agent_id, ()):
                yield from self.records_of(key)

    def _put_framework(self, framework: Framework) -> None:
        key = framework.id
        if self.frameworks.get(key) != framework:
            self._learn(framework.endpoint.host)
            self._change(lambda: self._framework_share(key), lambda: self.frameworks.__setitem__(key, framework))

    def _drop_framework(self, framework_id: FrameworkId) -> None:
        self._change(lambda: self._framework_share(framework_id), lambda: _forget(self.frameworks, framework_id))

    def _framework_share(self, framework_id: FrameworkId) -> Iterator[Record]:
        framework = self.frameworks.get(framework_id)
        if framework is not None:
            addresses = self._addresses(framework.endpoint.host)
            yield from framework_records(framework.name, framework.endpoint.port, addresses, self.rules)
            for key in self.tasks_of(framework_id):
                yield from self.records_of(key)

    # --- hosts and masters

    def _addresses(self, host: str) -> tuple[str, ...]:
        return (host,) if address_kind(host) else self._addresses_by_host.get(host, ())

    def _learn(self, host: str) -> None:
        if host and address_kind(host) is None and host not in self._addresses_by_host:
            self._addresses_by_host[host] = ()
            self._effects.append(events.ResolveHost(host))

    def _host_resolved(self, host: str, addresses: tuple[str, ...]) -> None:
        agents = [agent.id for agent in self.agents.values() if agent.endpoint.host == host]
        frameworks = [row.id for row in self.frameworks.values() if row.endpoint.host == host]

        def share() -> Iterator[Record]:
            # the tasks of these frameworks do not change, but they count the same before and after
            for agent_id in agents:
                yield from self._agent_share(agent_id)
            for framework_id in frameworks:
                yield from self._framework_share(framework_id)

        if self._addresses_by_host.get(host) != addresses:
            self._change(share, lambda: self._addresses_by_host.__setitem__(host, addresses))

    def _masters_seen(self, event: events.MastersSeen) -> None:
        leader = event.leader or self.leader  # the last known one, while there is none

        def edit() -> None:
            self.leader, self.masters = leader, event.masters

        self._change(lambda: master_records(self.leader, self.masters, self.rules), edit)

    # --- the whole state

    def _snapshot(self, event: events.Snapshot, now_s: float) -> None:
        self._unconfirmed, self._deadlines_s = {}, {}
        for framework in event.frameworks:
            self._put_framework(framework)
        for agent in event.agents:
            self._put_agent(agent)
        for task in event.tasks:
            self._put_task(task)
        told = {task.key for task in event.tasks}
        for key in [key for key in self.tasks if key not in told]:
            agent_id = self.tasks[key].agent_id
            if agent_id in event.recovered:
                self._unconfirmed.setdefault(agent_id, set()).add(key)
                self._deadlines_s[agent_id] = now_s + RETURN_S
            else:
                self._drop_task(key)
        present = {agent.id for agent in event.agents} | event.recovered
        for agent_id in [each for each in self.agents if each not in present]:
            self._drop_agent(agent_id)
        listed = {framework.id for framework in event.frameworks}
        for framework_id in [each for each in self.frameworks if each not in listed]:
            if not self._tasks_by_framework.get(framework_id):
                self._drop_framework(framework_id)
        if not self.loaded:
            self.loaded = True
            self._effects.append(events.Loaded())


def _forget(table: dict[str, Agent] | dict[str, Framework], key: str) -> None:
    table.pop(key, None)
