"""The agent's one state machine: an event in, effects out."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agent.core import events as ev
from agent.core import operations, tasks, updates
from agent.core.context import Context, Count
from agent.core.effects import Destroy, Find, Kill, Quit, Reconnect, Recover, ToMaster, Wake
from agent.core.rows import FrameworkRow, Identity, TaskRow
from agent.core.settings import Settings
from agent.core.state import State, recover
from mesos import link
from mesos.clock import IdSource
from mesos.effects import Delete, Effect, Persist, Put
from mesos.types.agents import AGENT_CAPABILITIES
from mesos.types.ids import AgentID, FrameworkID, TaskID
from mesos.types.tasks import Reason, Source, Task, TaskState, TaskStatus

PING = ("ping", "", "")
REGISTER = ("register", "", "")
LEAVE = ("leave", "", "")

REGISTER_AGAIN_S = 5.0
"""After which an unanswered registration is repeated."""

LEAVE_TIMEOUT_S = 20.0
"""How long a leaving agent waits for its containers to end."""


class Machine:
    """One agent.

    :param identity: who it is; with an id if it was admitted before.
    :param stored: what an earlier agent left.
    """

    def __init__(
        self, identity: Identity, settings: Settings, stored: Mapping[str, bytes], ids: IdSource, count: Count
    ) -> None:
        self.state = State(identity)
        recover(self.state, stored)
        self._context = Context(self.state, settings, ids, count)
        self._settings = settings
        self._ping_timeout_s: float | None = None
        self._wake_s: float | None = None

    def step(self, event: ev.Event, now_s: float) -> list[Effect]:
        """Let ``event`` happen and return what is to be done about it."""
        context = self._context
        context.now_s, context.effects = now_s, []
        self._happen(event)
        return self._finish()

    def _finish(self) -> list[Effect]:
        context = self._context
        if self.state.leaving and not any(not row.ended for row in self.state.tasks.values()):
            self._left()
        next_s = context.timers.next_s()
        if next_s is not None and (self._wake_s is None or next_s < self._wake_s or self._wake_s <= context.now_s):
            self._wake_s = next_s
            context.emit(Wake(next_s))
        return context.effects

    def _happen(self, event: ev.Event) -> None:
        context = self._context
        match event:
            case ev.MasterMessages(messages):
                for message in messages:
                    self._master_says(message)
            case ev.Launched(key, running):
                if key in self.state.tasks:
                    tasks.launched(context, self.state.tasks[key], running)
            case ev.LaunchFailed(key, message):
                if key in self.state.tasks:
                    tasks.fail(context, self.state.tasks[key], message)
            case ev.NotFound(key):
                if key in self.state.tasks:
                    self._lost_at_start(self.state.tasks[key])
            case ev.ContainerExited(container_id, exit_):
                row = self._of_container(container_id)
                if row is not None:
                    tasks.exited(context, row, exit_)
            case ev.Probed(key, problem):
                if key in self.state.tasks:
                    tasks.probed(context, self.state.tasks[key], problem)
            case ev.Started():
                self._start()
            case ev.Connected():
                self.state.connected, self.state.registered = True, False
                self._register()
            case ev.Disconnected():
                self.state.connected = self.state.registered = False
                for timer in (PING, REGISTER):
                    context.timers.cancel(timer)
            case ev.Leave():
                self._leave()
            case ev.Tick():
                self._wake_s = None
                for kind, framework_id, task_id in context.timers.due(context.now_s):
                    self._due(kind, (framework_id, task_id))
            case _:
                raise TypeError(f"no such event: {event!r}")

    def _start(self) -> None:
        """Look for the containers of an earlier agent."""
        context = self._context
        operations.make_volumes(context)
        for row in list(self.state.tasks.values()):
            framework = self.state.frameworks.get(row.framework_id)
            if row.ended:
                continue
            if framework is not None and not framework.info.checkpoint:
                # its executors die with the agent; the master has told so already
                context.emit(Kill(row))
                context.emit(Destroy(row))
                context.forget(row)
            elif row.running is None:
                context.emit(Find(row))
            else:
                context.emit(Recover(row))
                tasks.watch_health(context, row)
                if row.ending is not None:
                    context.timers.set(("kill", *row.key), row.ending.kill_at_s or context.now_s)

    def _of_container(self, container_id: str) -> TaskRow | None:
        key = self.state.by_container.get(container_id)
        return self.state.tasks.get(key) if key is not None else None

    def _register(self) -> None:
        """Say who we are, and everything that runs here."""
        context, info = self._context, self.state.identity.info
        if info.id is None:
            message: link.LinkMessage = link.RegisterAgent(
                info, self._settings.pid, self._settings.version, AGENT_CAPABILITIES, operations.kept(context)
            )
        else:
            message = link.ReregisterAgent(
                info=info,
                pid=self._settings.pid,
                version=self._settings.version,
                capabilities=AGENT_CAPABILITIES,
                tasks=tuple(task_view(row) for row in self.state.tasks.values() if not row.silent),
                executors=(),
                frameworks=tuple(row.info for row in self.state.frameworks.values()),
                checkpointed_resources=operations.kept(context),
                operations=operations.updates(context),
            )
        context.emit(ToMaster(message))
        context.timers.set(REGISTER, context.now_s + REGISTER_AGAIN_S)

    def _registered(self, agent_id: str, ping_timeout_s: float) -> None:
        context = self._context
        identity = self.state.identity
        if identity.info.id is None:
            info = msgspec.structs.replace(identity.info, id=AgentID(agent_id))
            self.state.identity = msgspec.structs.replace(identity, info=info)
            context.emit(Persist((Put("identity", msgspec.msgpack.encode(self.state.identity)),)))
        self.state.registered = True
        context.timers.cancel(REGISTER)
        self._ping_timeout_s = ping_timeout_s
        context.timers.set(PING, context.now_s + ping_timeout_s)
        context.note("registered", agent_id=agent_id)
        for row in list(self.state.tasks.values()):
            updates.send_head(context, row, first=True)
        operations.send_all(context)

    def _master_says(self, message: link.FromMaster) -> None:
        context = self._context
        if self._ping_timeout_s is not None and self.state.registered:
            context.timers.set(PING, context.now_s + self._ping_timeout_s)
        match message:
            case link.AgentRegistered(agent_id, ping_timeout_s):
                self._registered(agent_id, ping_timeout_s)
            case link.AgentReregistered(agent_id, ping_timeout_s, reconcile):
                self._registered(agent_id, ping_timeout_s)
                for framework_id, task_id in reconcile:
                    self._unknown(framework_id, task_id)
            case link.Ping():
                context.tell(link.Pong())
            case link.RunTask():
                if self.state.leaving:
                    self._unknown(
                        message.framework.id.value if message.framework.id else "", message.task.task_id.value
                    )
                else:
                    tasks.arrive(context, message)
            case link.ApplyOperation():
                operations.apply(context, message)
            case link.AcknowledgeOperation(uuid, status_uuid):
                operations.acknowledged(context, uuid, status_uuid)
            case link.KillTask(framework_id, task_id, policy):
                row = self.state.tasks.get((framework_id, task_id))
                if row is not None:
                    tasks.kill(context, row, policy)
            case link.AcknowledgeUpdate(framework_id, task_id, uuid):
                row = self.state.tasks.get((framework_id, task_id))
                if row is not None:
                    updates.acknowledged(context, row, uuid)
            case link.ShutdownFramework(framework_id):
                self._silence(self.state.tasks_of(framework_id))
            case link.UpdateFramework(info):
                if info.id is not None and info.id.value in self.state.frameworks:
                    context.keep_framework(FrameworkRow(info))
            case link.ShutdownAgent(text):
                context.note("shut down by the master", "warning", why=text)
                self._silence(list(self.state.tasks.values()))
                self._forget_identity()
                context.emit(Reconnect("shut down by the master"))

    def _silence(self, rows: list[TaskRow]) -> None:
        """End tasks of which nobody wants to hear any more."""
        for row in rows:
            quiet = msgspec.structs.replace(row, silent=True, pending=())
            self._context.keep(quiet)
            if row.ended:
                self._context.forget(quiet)
            else:
                tasks.kill(self._context, quiet, None)

    def _forget_identity(self) -> None:
        identity = self.state.identity
        info = msgspec.structs.replace(identity.info, id=None)
        self.state.identity = msgspec.structs.replace(identity, info=info)
        self.state.registered = False
        self._context.emit(Persist((Delete("identity"),)))

    def _unknown(self, framework_id: str, task_id: str) -> None:
        """Say that a task which the master believes here never arrived, or is over and forgotten."""
        if (framework_id, task_id) in self.state.tasks:
            return
        status = TaskStatus(
            task_id=TaskID(task_id),
            state=TaskState.TASK_DROPPED,
            message="Reconciliation: task unknown to the agent",
            source=Source.SOURCE_AGENT,
            reason=Reason.REASON_RECONCILIATION,
            agent_id=self.state.identity.info.id,
            timestamp=self._context.now_s,
            uuid=self._context.ids.uuid_bytes(),
        )
        self._context.tell(link.StatusUpdate(framework_id, status, status.state))

    def _lost_at_start(self, row: TaskRow) -> None:
        """A task that had arrived but not started when the agent ended: whether it ever ran is not known."""
        row = msgspec.structs.replace(row, ended=True)
        updates.say(
            self._context,
            row,
            TaskState.TASK_DROPPED,
            source=Source.SOURCE_AGENT,
            reason=Reason.REASON_AGENT_RESTARTED,
            message="Task launched during agent restart",
        )

    def _leave(self) -> None:
        """End all tasks; when the last one has ended, say good-bye."""
        context = self._context
        self.state.leaving = True
        context.timers.set(LEAVE, context.now_s + LEAVE_TIMEOUT_S)
        for row in list(self.state.tasks.values()):
            tasks.kill(context, row, None)

    def _left(self) -> None:
        context = self._context
        self.state.leaving = False
        context.timers.cancel(LEAVE)
        context.tell(link.UnregisterAgent())
        for row in list(self.state.tasks.values()):
            context.forget(row)
        self._forget_identity()
        context.emit(Quit("the agent has left the cluster"))

    def _due(self, kind: str, key: tuple[str, str]) -> None:
        context = self._context
        row = self.state.tasks.get(key)
        match kind:
            case "ping":
                context.note("no ping from the master", "warning")
                context.emit(Reconnect("no ping from the master"))
            case "register" if self.state.connected:
                self._register()
            case "leave":
                for each in list(self.state.tasks.values()):
                    if not each.ended:
                        context.emit(Kill(each))
                        context.emit(Destroy(each))
                        context.forget(each)
            case "operation":
                operations.send_again(context, key[0])
            case "retry" if row is not None:
                updates.send_head(context, row, first=False)
            case "kill" if row is not None:
                tasks.kill_now(context, row)
            case "probe" if row is not None:
                tasks.probe(context, row)
            case "deadline" if row is not None:
                tasks.took_too_long(context, row)


def task_view(row: TaskRow) -> Task:
    """Return a task as the master and operators see it."""
    head = row.pending[0] if row.pending else None
    return Task(
        name=row.task.name,
        task_id=row.task.task_id,
        framework_id=FrameworkID(row.framework_id),
        agent_id=row.task.agent_id,
        state=row.state,
        resources=row.task.resources,
        statuses=row.statuses,
        status_update_state=head.state if head else (row.last.state if row.last else None),
        status_update_uuid=head.uuid if head else None,
        labels=row.task.labels,
        discovery=row.task.discovery,
        container=row.task.container,
        health_check=row.task.health_check,
        kill_policy=row.task.kill_policy,
        user=row.task.command.user if row.task.command else None,
        limits=row.task.limits,
    )
