"""The master's one state machine: an event in, effects out.

What an event does is said in the module of its noun; here it is only told which. After every event the allocator looks
at the agents that were touched, so that an offer leaves in the step that made it possible.
"""

from __future__ import annotations

from collections.abc import Mapping

from master.core import agents, frameworks, launch, offers, operations, reconcile, registry, tasks
from master.core import events as ev
from master.core.allocation import Allocator
from master.core.context import Context
from master.core.effects import Wake
from master.core.errors import NoSuchFramework
from master.core.rows import Framework
from master.core.settings import Settings
from master.core.state import State
from mesos import link
from mesos.effects import Effect, Reply
from mesos.metrics import Metrics
from mesos.types.ids import AgentID, ExecutorID
from mesos.types.masters import MasterInfo
from mesos.types.scheduler import Call, CallType, Event, EventType, Failure, Kill, Message, ReconcileTask

ROUND = ("round", "")
"""The deadline of the next allocation round, for what was declined."""


class Machine:
    """A leading master.

    :param stored: the registry as the last leader left it.
    """

    def __init__(
        self,
        info: MasterInfo,
        settings: Settings,
        stored: Mapping[str, bytes],
        *,
        now_s: float,
        start_s: float,
        allocator: Allocator,
        metrics: Metrics,
    ) -> None:
        self.state = State(info, now_s, start_s)
        registry.recover(self.state, stored)
        self.allocator = allocator
        self._context = Context(self.state, allocator, settings, metrics)
        self._wake_s: float | None = None
        if self.state.recovered:
            self._context.timers.set(agents.RECOVERED, now_s + settings.agent_reregister_timeout_s)

    @property
    def context(self) -> Context:
        """What the parts of the core share; for views."""
        return self._context

    def step(self, event: ev.Event, now_s: float) -> list[Effect]:
        """Let ``event`` happen and return what is to be done about it."""
        context = self._context
        context.now_s = now_s
        context.effects = []
        self._happen(event)
        offers.make(context)
        if self.allocator.later and ROUND not in context.timers:
            context.timers.set(ROUND, now_s + context.settings.allocation_interval_s)
        next_s = context.timers.next_s()
        if next_s is not None and (self._wake_s is None or next_s < self._wake_s or self._wake_s <= now_s):
            self._wake_s = next_s
            context.emit(Wake(next_s))
        return context.effects

    def _happen(self, event: ev.Event) -> None:
        context = self._context
        match event:
            case ev.LinkMessages(link_, peer_ip, messages):
                for message in messages:
                    self._agent_says(link_, peer_ip, message)
            case ev.Called(framework_id, call):
                framework = self.state.frameworks.get(framework_id)
                if framework is not None and framework.connected:
                    self._framework_calls(framework, call)
            case ev.Tick():
                self._wake_s = None
                for kind, subject in context.timers.due(context.now_s):
                    self._due(kind, subject)
            case ev.Subscribed():
                frameworks.subscribe(context, event)
            case ev.StreamClosed(stream):
                frameworks.disconnect(context, stream)
            case ev.LinkClosed(link_, reason):
                agents.disconnected(context, link_, reason)
            case ev.TearDown(ask_id, framework_id):
                if framework_id not in self.state.frameworks:
                    raise NoSuchFramework
                frameworks.remove(context, framework_id)
                context.emit(Reply(ask_id))
            case _:
                raise TypeError(f"no such event: {event!r}")

    def _agent_says(self, link_: int, peer_ip: str | None, message: link.FromAgent) -> None:
        context = self._context
        if isinstance(message, link.RegisterAgent):
            agents.register(context, link_, peer_ip, message)
            return
        if isinstance(message, link.ReregisterAgent):
            agents.reregister(context, link_, message)
            return
        agent_id = self.state.agent_of_link.get(link_)
        if agent_id is None:
            context.hang_up(link_, "the agent is not registered here")
            return
        self.state.missed_pings[agent_id] = 0
        match message:
            case link.StatusUpdate():
                tasks.on_update(context, agent_id, message)
            case link.ExecutorExited(framework_id, executor_id, status):
                key = (framework_id, agent_id, executor_id)
                if key in self.state.executors:
                    frameworks.free_executor(context, key)
                failure = Failure(AgentID(agent_id), ExecutorID(executor_id), status)
                self._tell(framework_id, Event(type=EventType.FAILURE, failure=failure))
            case link.ExecutorMessage(framework_id, executor_id, data):
                told = Message(AgentID(agent_id), ExecutorID(executor_id), data)
                self._tell(framework_id, Event(type=EventType.MESSAGE, message=told))
            case link.OperationUpdate():
                operations.on_update(context, agent_id, message)
            case link.UpdateAgent(resources):
                agents.resources_changed(context, self.state.agents[agent_id], resources)
            case link.UnregisterAgent():
                context.count("master/messages_unregister_slave")
                agents.leave(context, self.state.agents[agent_id], "the agent unregistered")

    def _tell(self, framework_id: str, event: Event) -> None:
        framework = self.state.frameworks.get(framework_id)
        if framework is not None:
            self._context.tell(framework, event)

    def _framework_calls(self, framework: Framework, call: Call) -> None:
        context = self._context
        if call.accept is not None and call.type is CallType.ACCEPT:
            launch.accept(context, framework, call.accept)
        elif call.acknowledge is not None and call.type is CallType.ACKNOWLEDGE:
            tasks.acknowledge(context, framework, call.acknowledge)
        elif call.decline is not None and call.type is CallType.DECLINE:
            offers.decline(context, framework, call.decline.offer_ids, call.decline.filters)
        elif call.type is CallType.REVIVE:
            context.count("master/messages_revive_offers")
            frameworks.revive(context, framework, call.revive.roles if call.revive else ())
        elif call.type is CallType.SUPPRESS:
            context.count("master/messages_suppress_offers")
            frameworks.suppress(context, framework, call.suppress.roles if call.suppress else ())
        elif call.kill is not None and call.type is CallType.KILL:
            self._kill(framework, call.kill)
        elif call.reconcile is not None and call.type is CallType.RECONCILE:
            reconcile.reconcile(context, framework, call.reconcile.tasks)
        elif call.acknowledge_operation_status is not None and call.type is CallType.ACKNOWLEDGE_OPERATION_STATUS:
            operations.acknowledge(context, framework, call.acknowledge_operation_status)
        elif call.reconcile_operations is not None and call.type is CallType.RECONCILE_OPERATIONS:
            operations.reconcile(context, framework, call.reconcile_operations.operations)
        elif call.update_framework is not None and call.type is CallType.UPDATE_FRAMEWORK:
            frameworks.update(context, framework, call.update_framework)
        elif call.type is CallType.TEARDOWN:
            frameworks.remove(context, framework.id)
        elif call.message is not None and call.type is CallType.MESSAGE:
            agent = self.state.agents.get(call.message.agent_id.value)
            executor_id = call.message.executor_id.value
            context.order(agent, link.FrameworkMessage(framework.id, executor_id, call.message.data))
        elif call.shutdown is not None and call.type is CallType.SHUTDOWN:
            agent = self.state.agents.get(call.shutdown.agent_id.value)
            context.order(agent, link.ShutdownExecutor(framework.id, call.shutdown.executor_id.value))
        # REQUEST and the answers to inverse offers change nothing: no inverse offers are made

    def _kill(self, framework: Framework, call: Kill) -> None:
        """Pass a kill on; one for an agent that is away is kept, one for an unknown task is answered with its state."""
        context = self._context
        context.count("master/messages_kill_task")
        row = self.state.task(framework.id, call.task_id.value)
        if row is None:
            reconcile.explicit(context, framework, ReconcileTask(call.task_id, call.agent_id))
            return
        if call.agent_id is not None and call.agent_id.value != row.agent_id:
            context.note("kill with the wrong agent", "warning", framework_id=framework.id, task_id=row.key[1])
            return
        order = link.KillTask(framework.id, row.key[1], call.kill_policy)
        if not context.order(self.state.agents.get(row.agent_id), order):
            self.state.pending_kills.setdefault(row.agent_id, {})[row.key] = call.kill_policy

    def _due(self, kind: str, subject: str) -> None:
        context = self._context
        match kind:
            case "round":
                self.allocator.dirty |= self.allocator.later
                self.allocator.later.clear()
            case "filter":
                framework_id, role, agent_id, _ = subject.split(" ")
                self.allocator.filters.expire((framework_id, role, agent_id), context.now_s)
                if agent_id in self.state.agents:
                    self.allocator.dirty.add(agent_id)
            case "offer" if subject in self.state.offers:
                offers.rescind(context, self.state.offers[subject])
            case "ping":
                agents.ping(context)
            case "reregister" if subject in self.state.agents:
                agents.unreachable(context, self.state.agents[subject], "agent did not re-register in time")
            case "recovered":
                agents.give_up_recovered(context)
            case "failover" if subject in self.state.frameworks:
                context.note("framework did not come back in time", framework_id=subject)
                frameworks.remove(context, subject)
