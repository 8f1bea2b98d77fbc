"""Agents: register, come back, fall silent, leave. Source: Mesos ``Master::registerSlave`` and its kin."""

from __future__ import annotations

import msgspec

from master.core import frameworks, offers, operations, registry, tasks
from master.core.context import Context, time_info
from master.core.rows import Agent, Executor, TaskRow
from master.core.state import State
from master.core.views import AgentAdded, AgentRemoved, agent_view
from mesos.errors import MezzoError
from mesos.link import (
    AgentRegistered,
    AgentReregistered,
    KillTask,
    Ping,
    RegisterAgent,
    ReregisterAgent,
    ShutdownAgent,
    ShutdownFramework,
)
from mesos.operations import with_checkpointed
from mesos.resources import EMPTY, Resources
from mesos.types.agents import AgentInfo
from mesos.types.ids import AgentID
from mesos.types.resources import Resource
from mesos.types.scheduler import Event, EventType, Failure
from mesos.types.tasks import Reason, Source, Task, TaskState, TaskStatus

PING = ("ping", "")
RECOVERED = ("recovered", "")


def register(context: Context, link: int, peer_ip: str | None, message: RegisterAgent) -> None:
    """Admit a new agent; a repeated message gets the same answer again."""
    context.count("master/messages_register_slave")
    known = context.state.agent_of_link.get(link)
    if known is not None:
        context.order(context.state.agents[known], _registered(context, known))
        return
    total = _total(context, link, message)
    if total is None:
        return
    _replace_same_address(context, message.pid)
    agent_id = f"{context.state.info.id}-S{context.state.next_agent}"
    context.state.next_agent += 1
    info = msgspec.structs.replace(message.info, id=AgentID(agent_id))
    registry.admit(context, info)
    agent = _add(context, link, info, total, message)
    context.order(agent, _registered(context, agent_id))
    context.count("master/slave_registrations")
    context.publish("AGENT_ADDED", AgentAdded(agent_view(context.state, agent)))
    context.note("agent registered", agent_id=agent_id, hostname=info.hostname, pid=agent.pid, peer=peer_ip)


def reregister(context: Context, link: int, message: ReregisterAgent) -> None:
    """Take an agent back with everything it runs, and tell it what is expected to run there."""
    context.count("master/messages_reregister_slave")
    assert message.info.id is not None
    agent_id = message.info.id.value
    state = context.state
    if agent_id in state.gone:
        from_nobody = ShutdownAgent("Agent has been marked gone by an operator")
        context.order(_Stranger.of(link, message), from_nobody)
        return
    total = _total(context, link, message)
    if total is None:
        return
    known = state.agents.get(agent_id)
    was_unreachable = agent_id in state.unreachable_since_s
    if known is not None and known.link is not None and known.link != link:
        state.agent_of_link.pop(known.link, None)
        context.hang_up(known.link, "the agent has a newer connection")
    if known is None:
        registry.admit(context, message.info)
    else:
        offers.rescind_agent(context, agent_id)
    agent = _add(context, link, message.info, total, message)
    _take_frameworks(context, agent, message)
    _take_tasks(context, agent, message.tasks, was_unreachable)
    operations.take(context, agent, message.operations)
    named = {(task.framework_id.value, task.task_id.value) for task in message.tasks}
    missing = tuple(row.key for row in state.tasks_of_agent(agent_id) if row.key not in named)
    settings = context.settings
    context.order(agent, AgentReregistered(agent_id, settings.ping_timeout_total_s, missing))
    for (framework_id, task_id), policy in state.pending_kills.pop(agent_id, {}).items():
        context.order(agent, KillTask(framework_id, task_id, policy))  # type: ignore[arg-type]
    context.count("master/slave_reregistrations")
    if known is None:
        context.publish("AGENT_ADDED", AgentAdded(agent_view(state, agent)))
    context.note("agent re-registered", agent_id=agent_id, tasks=len(message.tasks), missing=len(missing))


class _Stranger:
    """An agent that is told something without being taken in."""

    @staticmethod
    def of(link: int, message: ReregisterAgent) -> Agent:
        assert message.info.id is not None
        return Agent(
            id=message.info.id.value,
            info=message.info,
            pid=message.pid,
            version=message.version,
            capabilities=(),
            total=EMPTY,
            registered_s=0.0,
            link=link,
        )


def _registered(context: Context, agent_id: str) -> AgentRegistered:
    return AgentRegistered(agent_id, context.settings.ping_timeout_total_s)


def _total(context: Context, link: int, message: RegisterAgent | ReregisterAgent) -> Resources | None:
    """Return what an agent has; ``None``, and the end of its connection, when what it tells does not fit together."""
    try:
        base = Resources.from_wire(message.info.resources)
        return with_checkpointed(base, Resources.from_wire(message.checkpointed_resources))
    except MezzoError as error:
        context.note("agent refused", "warning", pid=message.pid, why=str(error))
        context.hang_up(link, str(error))
        return None


def _add(
    context: Context, link: int, info: AgentInfo, total: Resources, message: RegisterAgent | ReregisterAgent
) -> Agent:
    """Put an agent into the tables, or its new self in the place of the old one."""
    assert info.id is not None
    state, agent_id = context.state, info.id.value
    known = state.agents.get(agent_id)
    agent = Agent(
        id=agent_id,
        info=info,
        pid=message.pid,
        version=message.version,
        capabilities=message.capabilities,
        total=total,
        registered_s=known.registered_s if known else context.now_s,
        reregistered_s=context.now_s if isinstance(message, ReregisterAgent) else None,
        link=link,
    )
    if known is not None and (known.total, known.info.attributes) != (total, info.attributes):
        context.allocator.filters.forget_agent(agent_id)
    state.agents[agent_id] = agent
    state.agent_of_link[link] = agent_id
    state.missed_pings[agent_id] = 0
    state.free[agent_id] = total - _busy(state, agent_id)
    state.used.setdefault(agent_id, {})
    context.allocator.set_agent(agent_id, total)
    context.timers.cancel(("reregister", agent_id))
    if PING not in context.timers:
        context.timers.set(PING, context.now_s + context.settings.agent_ping_timeout_s)
    return agent


def _busy(state: State, agent_id: str) -> Resources:
    return (state.used_on(agent_id) + state.offered.get(agent_id, EMPTY)).exclusive().allocated_to(None)


def resources_changed(context: Context, agent: Agent, told: tuple[Resource, ...]) -> None:
    """Believe an agent that says what it has: an operation did not do there what it was to do."""
    offers.rescind_agent(context, agent.id)
    total = Resources.from_wire(told)
    context.state.agents[agent.id] = msgspec.structs.replace(agent, total=total)
    context.state.free[agent.id] = total - _busy(context.state, agent.id)
    context.allocator.filters.forget_agent(agent.id)
    context.allocator.set_agent(agent.id, total)


def _replace_same_address(context: Context, pid: str) -> None:
    """An agent that registers anew where another one was, has lost that one's identity: it is not coming back."""
    for agent in list(context.state.agents.values()):
        if agent.pid == pid and agent.link is None:
            leave(context, agent, "a new agent registered at the same address")


def _take_frameworks(context: Context, agent: Agent, message: ReregisterAgent) -> None:
    for info in message.frameworks:
        if info.id is None:
            continue
        if info.id.value in context.state.completed:
            context.order(agent, ShutdownFramework(info.id.value))
        else:
            frameworks.recover(context, info)
    for executor in message.executors:
        if executor.framework_id is None or executor.framework_id.value not in context.state.frameworks:
            continue
        key = (executor.framework_id.value, agent.id, executor.executor_id.value)
        if key not in context.state.executors:
            resources = Resources.from_wire(executor.resources)
            context.state.executors[key] = Executor(info=executor, resources=resources)
            _charge(context, agent.id, key[0], resources)


def _take_tasks(context: Context, agent: Agent, reported: tuple[Task, ...], was_unreachable: bool) -> None:
    for task in reported:
        framework_id, task_id = task.framework_id.value, task.task_id.value
        if framework_id not in context.state.frameworks:
            continue  # of a framework that has ended; the agent was told
        row = context.state.task(framework_id, task_id)
        if row is None:
            _add_task(context, agent, task)
        elif row.task.state != task.state or row.task.status_update_uuid != task.status_update_uuid:
            _update_task(context, row, task)
        lost = context.state.unreachable_tasks.get(framework_id, {}).pop(task_id, None)
        if lost is not None or was_unreachable:
            _tell_back(context, task)


def _add_task(context: Context, agent: Agent, task: Task) -> None:
    resources = Resources.from_wire(task.resources)
    role = next((key.allocation_role for key, _ in resources if key.allocation_role), "*")
    row = TaskRow(task=task, resources=resources, role=role)
    context.state.put_task(row)
    if not task.state.is_terminal:
        _charge(context, agent.id, task.framework_id.value, resources)
    context.publish("TASK_ADDED", tasks.TaskAdded(task))


def _update_task(context: Context, row: TaskRow, task: Task) -> None:
    """Fold in what happened while the agent was away."""
    status = task.statuses[-1] if task.statuses else TaskStatus(task_id=task.task_id, state=task.state)
    row = tasks.fold(context, row, status, task.state)
    kept = msgspec.structs.replace(
        row.task, status_update_state=task.status_update_state, status_update_uuid=task.status_update_uuid
    )
    context.state.put_task(msgspec.structs.replace(row, task=kept))


def _charge(context: Context, agent_id: str, framework_id: str, resources: Resources) -> None:
    role = next((key.allocation_role for key, _ in resources if key.allocation_role), "*")
    context.state.use(agent_id, framework_id, resources)
    context.allocator.charge(framework_id, agent_id, role, resources)


def _tell_back(context: Context, task: Task) -> None:
    framework = context.state.frameworks[task.framework_id.value]
    status = TaskStatus(
        task_id=task.task_id,
        state=task.state,
        message="Unreachable agent re-reregistered",
        source=Source.SOURCE_MASTER,
        reason=Reason.REASON_AGENT_REREGISTERED,
        agent_id=task.agent_id,
        timestamp=context.now_s,
    )
    tasks.forward(context, framework, status)


def disconnected(context: Context, link: int, reason: str) -> None:
    """Note that an agent's connection ended; it has ``agent_reregister_timeout`` to come back."""
    agent_id = context.state.agent_of_link.pop(link, None)
    if agent_id is None:
        return  # never registered, or back on another connection
    offers.rescind_agent(context, agent_id)
    agent = msgspec.structs.replace(context.state.agents[agent_id], link=None)
    context.state.agents[agent_id] = agent
    context.timers.set(("reregister", agent_id), context.now_s + context.settings.agent_reregister_timeout_s)
    for row in context.state.tasks_of_agent(agent_id):
        framework = context.state.frameworks[row.key[0]]
        if not framework.info.checkpoint and not row.task.state.is_terminal:
            message = f"Agent {agent.info.hostname} disconnected"
            tasks.end(context, row, TaskState.TASK_LOST, Reason.REASON_AGENT_DISCONNECTED, message, source=framework)
    context.note("agent disconnected", agent_id=agent_id, hostname=agent.info.hostname, why=reason)


def ping(context: Context) -> None:
    """Ask all agents whether they are there; one that missed too many answers is unreachable."""
    state, settings = context.state, context.settings
    for agent_id, agent in list(state.agents.items()):
        if agent.link is None:
            continue
        if state.missed_pings[agent_id] >= settings.max_agent_ping_timeouts:
            unreachable(context, agent, "health check timed out")
        else:
            state.missed_pings[agent_id] += 1
            context.order(agent, Ping())
    if state.agents:
        context.timers.set(PING, context.now_s + settings.agent_ping_timeout_s)


def unreachable(context: Context, agent: Agent, message: str) -> None:
    """Give an agent up for now; its tasks may come back with it."""
    registry.unreachable(context, agent.id)
    since = time_info(context.now_s)
    for row in context.state.tasks_of_agent(agent.id):
        framework = context.state.frameworks[row.key[0]]
        if row.task.state.is_terminal:
            tasks.complete(context, row)
            continue
        status = tasks.from_master(
            context,
            framework,
            row.task.task_id,
            TaskState.TASK_UNREACHABLE,
            Reason.REASON_AGENT_REMOVED,
            f"Agent {agent.info.hostname} is unreachable: {message}",
            row.task.agent_id,
            since,
        )
        tasks.forward(context, framework, status)
        _set_aside(context, tasks.fold(context, row, status, status.state))
    operations.agent_lost(context, agent.id, "OPERATION_UNREACHABLE", message)
    context.count("master/slave_unreachable_completed")
    _remove(context, agent, message)


def _set_aside(context: Context, row: TaskRow) -> None:
    """Move a task from the tables to the unreachable ones (or, when it counts as lost, into the history)."""
    if row.task.state.is_terminal:
        tasks.complete(context, row)
        return
    tasks.free(context, row)
    context.state.drop_task(row)
    aside = context.state.unreachable_tasks.setdefault(row.key[0], {})
    aside[row.key[1]] = row.task
    while len(aside) > context.settings.max_unreachable_tasks_per_framework:
        del aside[next(iter(aside))]


def leave(context: Context, agent: Agent, message: str) -> None:
    """Let an agent go for good: what ran there does not run any more."""
    registry.removed(context, agent.id)
    for row in context.state.tasks_of_agent(agent.id):
        framework = context.state.frameworks[row.key[0]]
        if row.task.state.is_terminal:
            tasks.complete(context, row)
        else:
            text = f"Agent {agent.info.hostname} removed: {message}"
            tasks.end(context, row, TaskState.TASK_GONE, Reason.REASON_AGENT_REMOVED, text, source=framework)
    operations.agent_lost(context, agent.id, "OPERATION_GONE_BY_OPERATOR", message)
    _remove(context, agent, message)


def _remove(context: Context, agent: Agent, message: str) -> None:
    state = context.state
    offers.rescind_agent(context, agent.id)
    for key in [key for key in state.executors if key[1] == agent.id]:
        frameworks.free_executor(context, key)
    if agent.link is not None:
        state.agent_of_link.pop(agent.link, None)
        context.hang_up(agent.link, message)
    for table in (state.agents, state.free, state.used, state.offered, state.tasks_on_agent, state.missed_pings):
        table.pop(agent.id, None)
    state.offers_of_agent.pop(agent.id, None)
    state.pending_kills.pop(agent.id, None)
    context.timers.cancel(("reregister", agent.id))
    context.allocator.remove_agent(agent.id)
    failure = Event(type=EventType.FAILURE, failure=Failure(agent_id=AgentID(agent.id)))
    for framework in state.frameworks.values():
        context.tell(framework, failure)
    context.count("master/slave_removals")
    context.publish("AGENT_REMOVED", AgentRemoved(AgentID(agent.id)))
    context.note("agent removed", "warning", agent_id=agent.id, hostname=agent.info.hostname, why=message)


def give_up_recovered(context: Context) -> None:
    """Take the agents that did not come back after a failover for unreachable."""
    for agent_id in list(context.state.recovered):
        registry.unreachable(context, agent_id)
        context.publish("AGENT_REMOVED", AgentRemoved(AgentID(agent_id)))
        context.note("agent did not come back", "warning", agent_id=agent_id)
