"""Drives a master's core without sockets: posts events, sorts effects, checks the invariants after every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from master.allocator.allocator import Allocator
from master.core import events as ev
from master.core.effects import CloseStream, Publish, ToAgent, ToFramework
from master.core.machine import Machine
from master.core.settings import Settings
from mesos import link
from mesos.clock import SeededIds
from mesos.effects import Delete, Effect, Persist, Put
from mesos.metrics import Metrics
from mesos.operations import checkpointed, conversion
from mesos.resources import Resources
from mesos.types.agents import AGENT_CAPABILITIES, AgentInfo, Capability
from mesos.types.containers import CommandInfo
from mesos.types.frameworks import FrameworkInfo
from mesos.types.ids import UUID, AgentID, FrameworkID, OfferID, TaskID
from mesos.types.masters import master_info
from mesos.types.offers import Filters, Launch, Offer, Operation, OperationStatus, OperationType
from mesos.types.scheduler import Accept, Acknowledge, Call, CallType, Decline, Event, EventType, Subscribe
from mesos.types.tasks import Source, Task, TaskInfo, TaskState, TaskStatus

M = TypeVar("M", bound=link.LinkMessage)


class Driver:
    """A master with nobody but the test around it."""

    def __init__(self, settings: Settings | None = None, stored: Mapping[str, bytes] | None = None) -> None:
        self.now_s = 1000.0
        self.ids = SeededIds(1)
        self.stored: dict[str, bytes] = dict(stored or {})
        settings = settings or Settings()
        self.machine = Machine(
            master_info("m", ip="127.0.0.1", port=5050, hostname="localhost"),
            settings,
            self.stored,
            now_s=self.now_s,
            start_s=self.now_s,
            allocator=Allocator(settings, self.ids.shuffle),
            metrics=Metrics(),
        )
        self.streams: dict[int, list[Event]] = {}
        self.links: dict[int, list[link.LinkMessage]] = {}
        self.published: list[tuple[str, Any]] = []
        self.closed_streams: list[int] = []
        self._next = 0

    def post(self, event: ev.Event) -> list[Effect]:
        effects = self.machine.step(event, self.now_s)
        for effect in effects:
            match effect:
                case ToFramework(stream, told):
                    self.streams.setdefault(stream, []).append(told)
                case ToAgent(number, message):
                    self.links.setdefault(number, []).append(message)
                case Publish(kind, payload):
                    self.published.append((kind, payload))
                case CloseStream(stream):
                    self.closed_streams.append(stream)
                case Persist(writes):
                    for write in writes:
                        self._store(write)
        self.machine.state.check()
        return effects

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with every deadline on the way."""
        end_s = self.now_s + seconds
        while (at_s := self.machine.context.timers.next_s()) is not None and at_s <= end_s:
            self.now_s = max(self.now_s, at_s)
            self.post(ev.Tick())
        self.now_s = end_s

    def framework(self, **fields: Any) -> FakeFramework:
        return FakeFramework(self, fields)

    def agent(self, resources: str = "cpus:4;mem:4096;disk:1000;ports:[31000-31099]", **fields: Any) -> FakeAgent:
        return FakeAgent(self, resources, fields)

    def number(self) -> int:
        self._next += 1
        return self._next

    def _store(self, write: Put | Delete) -> None:
        if isinstance(write, Put):
            self.stored[write.key] = write.value
        else:
            self.stored.pop(write.key, None)


class FakeFramework:
    """A framework that does what the test says."""

    def __init__(self, driver: Driver, fields: dict[str, Any]) -> None:
        self.driver = driver
        defaults: dict[str, Any] = {"user": "u", "name": "n", "checkpoint": True, "failover_timeout": 60.0}
        capabilities = fields.pop("capabilities", ("PARTITION_AWARE",))
        self.suppressed = fields.pop("suppressed", ())
        self.info = FrameworkInfo(**(defaults | fields), capabilities=tuple(map(Capability, capabilities)))
        self.stream = 0
        self.subscribe()

    @property
    def id(self) -> str:
        assert self.info.id is not None
        return self.info.id.value

    def subscribe(self) -> None:
        self.stream = self.driver.number()
        subscribe = Subscribe(framework_info=self.info, suppressed_roles=tuple(self.suppressed))
        self.driver.post(ev.Subscribed(self.stream, f"s{self.stream}", subscribe))
        for event in self.seen(EventType.SUBSCRIBED):
            assert event.subscribed is not None
            self.info = msgspec.structs.replace(self.info, id=event.subscribed.framework_id)

    def disconnect(self) -> None:
        self.driver.post(ev.StreamClosed(self.stream))

    def seen(self, kind: EventType) -> list[Event]:
        return [event for event in self.driver.streams.get(self.stream, ()) if event.type is kind]

    def take_offers(self) -> list[Offer]:
        """Return the offers since the last call."""
        events = self.driver.streams.get(self.stream, [])
        offers = [offer for event in events if event.offers for offer in event.offers.offers]
        self.driver.streams[self.stream] = [event for event in events if not event.offers]
        return offers

    def take_updates(self) -> list[TaskStatus]:
        """Return the updates since the last call."""
        events = self.driver.streams.get(self.stream, [])
        updates = [event.update.status for event in events if event.update]
        self.driver.streams[self.stream] = [event for event in events if not event.update]
        return updates

    def call(self, kind: CallType, **payload: Any) -> None:
        call = Call(type=kind, framework_id=FrameworkID(self.id), **payload)
        self.driver.post(ev.Called(self.id, call))

    def decline(self, *offers: Offer, seconds: float | None = None) -> None:
        filters = None if seconds is None else Filters(seconds)
        self.call(CallType.DECLINE, decline=Decline(tuple(offer.id for offer in offers), filters))

    def launch(self, offer: Offer, *tasks: TaskInfo, filters: Filters | None = None) -> None:
        operation = Operation(type=OperationType.LAUNCH, launch=Launch(tasks))
        self.accept([offer.id], [operation], filters)

    def accept(self, offer_ids: list[OfferID], operations: list[Operation], filters: Filters | None = None) -> None:
        accept = Accept(offer_ids=tuple(offer_ids), operations=tuple(operations), filters=filters)
        self.call(CallType.ACCEPT, accept=accept)

    def acknowledge(self, status: TaskStatus) -> None:
        assert status.agent_id is not None
        assert status.uuid is not None
        self.call(CallType.ACKNOWLEDGE, acknowledge=Acknowledge(status.agent_id, status.task_id, status.uuid))


class FakeAgent:
    """An agent that does what the test says. Remembers its tasks as a real one does."""

    def __init__(self, driver: Driver, resources: str, fields: dict[str, Any]) -> None:
        self.driver = driver
        self.info = AgentInfo(
            hostname=fields.pop("hostname", "h"), resources=Resources.parse(resources).to_wire(), **fields
        )
        self.pid = f"slave(1)@127.0.0.{driver.number() + 10}:5051"
        self.tasks: dict[str, Task] = {}
        self.frameworks: dict[str, FrameworkInfo] = {}
        self.total = Resources.parse(resources)
        self.operations: dict[bytes, link.OperationUpdate] = {}
        self.link = 0
        self.register()

    @property
    def id(self) -> str:
        assert self.info.id is not None
        return self.info.id.value

    def register(self) -> None:
        self.link = self.driver.number()
        self.say(link.RegisterAgent(self.info, self.pid, "1.11.0", AGENT_CAPABILITIES))
        (answer,) = self.take(link.AgentRegistered)
        self.info = msgspec.structs.replace(self.info, id=AgentID(answer.agent_id))

    def reregister(self, driver: Driver | None = None) -> None:
        """Come back, to another master when one is given."""
        self.driver = driver or self.driver
        self.link = self.driver.number()
        self.say(
            link.ReregisterAgent(
                info=self.info,
                pid=self.pid,
                version="1.11.0",
                capabilities=AGENT_CAPABILITIES,
                tasks=tuple(self.tasks.values()),
                executors=(),
                frameworks=tuple(self.frameworks.values()),
                checkpointed_resources=checkpointed(self.total).to_wire(),
                operations=tuple(self.operations.values()),
            )
        )

    def disconnect(self) -> None:
        self.driver.post(ev.LinkClosed(self.link, "gone"))

    def say(self, *messages: link.FromAgent) -> None:
        self.driver.post(ev.LinkMessages(self.link, "127.0.0.1", list(messages)))

    def take(self, kind: type[M]) -> list[M]:
        """Return the messages of a kind since the last call."""
        messages = self.driver.links.get(self.link, [])
        found = [message for message in messages if isinstance(message, kind)]
        self.driver.links[self.link] = [message for message in messages if not isinstance(message, kind)]
        return found

    def run_tasks(self) -> None:
        """Start what was ordered; say so."""
        for order in self.take(link.RunTask):
            assert order.framework.id is not None
            self.frameworks[order.framework.id.value] = order.framework
            self.tasks[order.task.task_id.value] = Task(
                name=order.task.name,
                task_id=order.task.task_id,
                framework_id=order.framework.id,
                agent_id=AgentID(self.id),
                state=TaskState.TASK_STAGING,
                resources=order.task.resources,
            )
            self.update(order.task.task_id.value, TaskState.TASK_RUNNING)

    def operate(self) -> None:
        """Apply what was ordered; say so."""
        for order in self.take(link.ApplyOperation):
            self.total = conversion(order.info).allocated_to(None).apply(self.total)
            status = OperationStatus(
                state="OPERATION_FINISHED",
                operation_id=order.info.id,
                uuid=UUID(self.driver.ids.uuid_bytes()),
                agent_id=AgentID(self.id),
            )
            update = link.OperationUpdate(order.uuid, order.framework_id, order.info, status)
            self.operations[order.uuid] = update
            self.say(update)
        for acknowledgement in self.take(link.AcknowledgeOperation):
            del self.operations[acknowledgement.uuid]

    def update(self, task_id: str, state: TaskState) -> TaskStatus:
        status = TaskStatus(
            task_id=TaskID(task_id),
            state=state,
            source=Source.SOURCE_EXECUTOR,
            agent_id=AgentID(self.id),
            timestamp=self.driver.now_s,
            uuid=self.driver.ids.uuid_bytes(),
        )
        task = self.tasks[task_id]
        self.tasks[task_id] = msgspec.structs.replace(
            task, state=state, statuses=(status,), status_update_state=state, status_update_uuid=status.uuid
        )
        self.say(link.StatusUpdate(task.framework_id.value, status, state))
        return status


def task(name: str, offer: Offer, resources: str = "cpus:1;mem:100", **fields: Any) -> TaskInfo:
    """Make a task for an offer."""
    return TaskInfo(
        name=name,
        task_id=TaskID(name),
        agent_id=offer.agent_id,
        resources=Resources.parse(resources).to_wire(),
        **({"command": CommandInfo(value="true")} | fields),
    )
