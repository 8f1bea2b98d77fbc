"""Frameworks: subscribe, go away, come back, end. Source: Mesos ``Master::subscribe``, ``Master::removeFramework``."""

from __future__ import annotations

import msgspec

from master.core import offers, tasks
from master.core.context import Context
from master.core.events import Subscribed
from master.core.rows import Framework
from master.core.settings import HEARTBEAT_S
from master.core.state import Completed
from master.core.validation import subscription_problem
from master.core.views import FrameworkAdded, FrameworkRemoved, framework_view
from mesos.link import ShutdownFramework, UpdateFramework
from mesos.types import scheduler
from mesos.types.frameworks import FrameworkInfo
from mesos.types.ids import FrameworkID
from mesos.types.scheduler import Event, EventType
from mesos.types.scheduler import Subscribed as SubscribedEvent
from mesos.types.tasks import TaskState


def subscribe(context: Context, event: Subscribed) -> None:
    """Admit a framework, or refuse it on its stream."""
    problem = subscription_problem(context.state, context.settings, event.subscribe)
    if problem is not None:
        context.refuse(event.stream, problem)
        context.note("subscription refused", framework=event.subscribe.framework_info.name, why=problem)
        return
    info = event.subscribe.framework_info
    known = context.state.frameworks.get(info.id.value) if info.id else None
    framework = _new(context, info) if known is None else _back(context, known, info)
    framework = msgspec.structs.replace(
        framework,
        stream=event.stream,
        stream_id=event.stream_id,
        suppressed=frozenset(event.subscribe.suppressed_roles),
        offer_constraints=event.subscribe.offer_constraints,
    )
    context.state.frameworks[framework.id] = framework
    context.state.framework_of_stream[event.stream] = framework.id
    context.timers.cancel(("failover", framework.id))
    subscribed = SubscribedEvent(
        framework_id=FrameworkID(framework.id),
        heartbeat_interval_seconds=HEARTBEAT_S,
        master_info=context.state.info,
    )
    context.tell(framework, Event(type=EventType.SUBSCRIBED, subscribed=subscribed))
    context.tell(framework, Event(type=EventType.HEARTBEAT))
    context.allocator.set_framework(framework.id, framework.info, suppressed=framework.suppressed, active=True)
    kind = "FRAMEWORK_ADDED" if known is None else "FRAMEWORK_UPDATED"
    context.publish(kind, FrameworkAdded(framework_view(context.state, framework)))
    context.note(
        "framework subscribed", framework_id=framework.id, framework=framework.info.name, again=known is not None
    )


def _new(context: Context, info: FrameworkInfo) -> Framework:
    if info.id is None:
        framework_id = f"{context.state.info.id}-{context.state.next_framework:04d}"
        context.state.next_framework += 1
    else:
        framework_id = info.id.value
    info = msgspec.structs.replace(info, id=FrameworkID(framework_id))
    return Framework(id=framework_id, info=info, registered_s=context.now_s)


def _back(context: Context, known: Framework, info: FrameworkInfo) -> Framework:
    """Let a framework take over from its former self, whose stream and offers end."""
    if known.stream is not None:
        context.refuse(known.stream, "Framework failed over")
        context.state.framework_of_stream.pop(known.stream, None)
    offers.discard_framework(context, known.id)
    if not known.recovered:
        # what a framework may not change any more stays as it was
        info = msgspec.structs.replace(info, user=known.info.user, checkpoint=known.info.checkpoint)
    info = msgspec.structs.replace(info, id=FrameworkID(known.id))
    if info != known.info:
        for agent_id in _agents_of(context, known.id):
            context.order(context.state.agents.get(agent_id), UpdateFramework(info))
    return msgspec.structs.replace(known, info=info, reregistered_s=context.now_s, recovered=False)


def update(context: Context, framework: Framework, call: scheduler.UpdateFramework) -> None:
    """Change what a framework told of itself; offers for roles that it gives up are taken back."""
    info = msgspec.structs.replace(call.framework_info, id=FrameworkID(framework.id))
    gone = set(framework.info.all_roles) - set(info.all_roles)
    for offer_id in list(context.state.offers_of_framework.get(framework.id, ())):
        row = context.state.offers[offer_id]
        if row.role in gone:
            offers.rescind(context, row)
    framework = msgspec.structs.replace(
        framework,
        info=info,
        suppressed=frozenset(call.suppressed_roles),
        offer_constraints=call.offer_constraints,
    )
    context.state.frameworks[framework.id] = framework
    context.allocator.set_framework(framework.id, info, suppressed=framework.suppressed, active=True)
    for agent_id in _agents_of(context, framework.id):
        context.order(context.state.agents.get(agent_id), UpdateFramework(info))
    context.publish("FRAMEWORK_UPDATED", FrameworkAdded(framework_view(context.state, framework)))


def disconnect(context: Context, stream: int) -> None:
    """Note that a stream ended: the framework has its failover timeout to come back."""
    framework_id = context.state.framework_of_stream.pop(stream, None)
    if framework_id is None:
        return  # refused, or taken over already
    framework = msgspec.structs.replace(context.state.frameworks[framework_id], stream=None)
    offers.discard_framework(context, framework_id)
    context.state.frameworks[framework_id] = framework
    context.allocator.deactivate_framework(framework_id)
    timeout_s = framework.info.failover_timeout
    context.note("framework disconnected", framework_id=framework_id, failover_timeout_s=timeout_s)
    if timeout_s == 0:
        remove(context, framework_id)
    elif timeout_s > 0:
        context.timers.set(("failover", framework_id), context.now_s + timeout_s)
        context.publish("FRAMEWORK_UPDATED", FrameworkAdded(framework_view(context.state, framework)))


def recover(context: Context, info: FrameworkInfo) -> None:
    """Remember a framework of which an agent told; it has not subscribed to this master."""
    assert info.id is not None
    framework_id = info.id.value
    if framework_id in context.state.frameworks:
        return
    framework = Framework(id=framework_id, info=info, registered_s=context.now_s, recovered=True)
    context.state.frameworks[framework_id] = framework
    context.allocator.set_framework(framework_id, info, suppressed=frozenset(), active=False)
    context.publish("FRAMEWORK_ADDED", FrameworkAdded(framework_view(context.state, framework)))


def suppress(context: Context, framework: Framework, roles: tuple[str, ...]) -> None:
    """Offer no more for these roles (none: all). An unknown role makes the whole call void."""
    chosen = _roles(framework, roles)
    if chosen is None:
        context.note("suppress of a role not subscribed to", "warning", framework_id=framework.id, roles=roles)
        return
    framework = msgspec.structs.replace(framework, suppressed=framework.suppressed | chosen)
    context.state.frameworks[framework.id] = framework
    context.allocator.suppress(framework.id, framework.suppressed)


def revive(context: Context, framework: Framework, roles: tuple[str, ...]) -> None:
    """Offer for these roles (none: all) again, whatever was refused before."""
    chosen = _roles(framework, roles)
    if chosen is None:
        context.note("revive of a role not subscribed to", "warning", framework_id=framework.id, roles=roles)
        return
    framework = msgspec.structs.replace(framework, suppressed=framework.suppressed - chosen)
    context.state.frameworks[framework.id] = framework
    context.allocator.revive(framework.id, chosen, framework.suppressed)


def _roles(framework: Framework, asked: tuple[str, ...]) -> frozenset[str] | None:
    mine = frozenset(framework.info.all_roles)
    return frozenset(asked) if set(asked) <= mine and asked else None if asked else mine


def remove(context: Context, framework_id: str) -> None:
    """End a framework: its tasks are killed, its id is never used again."""
    framework = context.state.frameworks[framework_id]
    state = context.state
    offers.discard_framework(context, framework_id)
    for agent_id in _agents_of(context, framework_id):
        context.order(state.agents.get(agent_id), ShutdownFramework(framework_id))
    for row in list(state.tasks.get(framework_id, {}).values()):
        if not row.task.state.is_terminal:
            tasks.free(context, row)
            row = msgspec.structs.replace(row, task=msgspec.structs.replace(row.task, state=TaskState.TASK_KILLED))
        tasks.complete(context, row)
    for key in [key for key in state.executors if key[0] == framework_id]:
        free_executor(context, key)
    if framework.stream is not None:
        context.refuse(framework.stream, "Framework has been removed")
        state.framework_of_stream.pop(framework.stream, None)
    context.allocator.remove_framework(framework_id)
    context.timers.cancel(("failover", framework_id))
    _to_history(context, framework)
    context.publish("FRAMEWORK_REMOVED", FrameworkRemoved(framework.info))
    context.note("framework removed", framework_id=framework_id, framework=framework.info.name)


def free_executor(context: Context, key: tuple[str, str, str]) -> None:
    """Forget a custom executor and free what it used."""
    executor = context.state.executors.pop(key)
    if executor.resources:
        framework_id, agent_id, _ = key
        context.state.unuse(agent_id, framework_id, executor.resources)
        role = next((k.allocation_role for k, _ in executor.resources if k.allocation_role), "*")
        context.allocator.uncharge(framework_id, agent_id, role, executor.resources, later=False)


def _to_history(context: Context, framework: Framework) -> None:
    state = context.state
    ended = msgspec.structs.replace(framework, stream=None, unregistered_s=context.now_s)
    del state.frameworks[framework.id]
    state.tasks.pop(framework.id, None)
    history = [*state.completed_tasks.pop(framework.id, ()), *state.unreachable_tasks.pop(framework.id, {}).values()]
    state.completed[framework.id] = Completed(ended, history)
    while len(state.completed) > context.settings.max_completed_frameworks:
        del state.completed[next(iter(state.completed))]


def _agents_of(context: Context, framework_id: str) -> dict[str, None]:
    found = {row.agent_id: None for row in context.state.tasks.get(framework_id, {}).values()}
    return found | {agent: None for owner, agent, _ in context.state.executors if owner == framework_id}
