"""A master of a few lines that speaks ``/api/v1/scheduler``: it offers what its agents have and runs nothing.

Tasks go to TASK_RUNNING at once, or as a test says. Unacknowledged updates are kept and can be sent again.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import msgspec

from mesos import codec
from mesos.clock import SystemIds
from mesos.http.app import make_app
from mesos.http.exchange import Exchange, Stream
from mesos.http.server import Server
from mesos.recordio import encode
from mesos.resources import Resources
from mesos.types import scheduler as api
from mesos.types.base import Address
from mesos.types.ids import AgentID, FrameworkID, OfferID, TaskID
from mesos.types.masters import MasterInfo
from mesos.types.offers import Offer
from mesos.types.resources import AllocationInfo, Attribute
from mesos.types.tasks import TaskInfo, TaskState, TaskStatus

Behaviour = Callable[[TaskInfo], TaskState | None]
"""Says which state a launched task reports; ``None``: it stays silent."""


class FakeAgent(msgspec.Struct):
    """An agent and what is left of it."""

    id: str
    hostname: str
    free: Resources
    attributes: tuple[Attribute, ...] = ()


class FakeMaster:
    """Call :meth:`start`, give :attr:`address` to a framework, look at :attr:`calls` and :attr:`tasks`."""

    def __init__(self, agents: list[FakeAgent] | None = None, behaviour: Behaviour | None = None) -> None:
        self.agents = {each.id: each for each in agents if each} if agents else {"S0": agent("S0")}
        self.behaviour: Behaviour = behaviour or (lambda _: TaskState.TASK_RUNNING)
        self.calls: list[api.Call] = []
        self.tasks: dict[str, TaskInfo] = {}
        self.states: dict[str, TaskState] = {}
        self.unacknowledged: dict[bytes, TaskStatus] = {}
        self.framework_id: str | None = None
        self.roles: tuple[str, ...] = ("*",)
        self._offers: dict[str, tuple[str, Resources]] = {}
        self._declined: set[str] = set()
        self._suppressed = False
        self._stream: Stream | None = None
        self._ids = SystemIds()
        self._counter = itertools.count()
        self._server: Server | None = None

    async def start(self, port: int = 0) -> FakeMaster:
        """Listen on 127.0.0.1."""
        self._server = await Server.start(
            make_app({}), host="127.0.0.1", port=port, hot={"/api/v1/scheduler": self._handle}
        )
        return self

    async def stop(self) -> None:
        """End the stream and stop listening."""
        self.disconnect()
        if self._server is not None:
            await self._server.close()

    @property
    def address(self) -> str:
        """``host:port`` for ``--master``."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.port}"

    def disconnect(self) -> None:
        """Cut the framework's stream."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def report(self, task_id: str, state: TaskState, **fields: Any) -> None:
        """Send a status update of a task; a terminal one gives its resources back."""
        task = self.tasks[task_id]
        before = self.states.get(task_id)
        self.states[task_id] = state
        status = TaskStatus(
            task_id=TaskID(task_id), state=state, agent_id=task.agent_id, uuid=self._ids.uuid_bytes(), **fields
        )
        assert status.uuid is not None
        self.unacknowledged[status.uuid] = status
        self._send(api.Event(type=api.EventType.UPDATE, update=api.Update(status)))
        if state.is_terminal and not (before and before.is_terminal):
            self.agents[task.agent_id.value].free += Resources.from_wire(task.resources).allocated_to(None)
            asyncio.get_running_loop().call_soon(self._offer_all)

    def resend(self) -> None:
        """Send every unacknowledged update again."""
        for status in tuple(self.unacknowledged.values()):
            self._send(api.Event(type=api.EventType.UPDATE, update=api.Update(status)))

    def running(self) -> list[str]:
        """Return the ids of tasks that run, in the order of their launch."""
        return [task_id for task_id, state in self.states.items() if state is TaskState.TASK_RUNNING]

    def kinds(self) -> list[str]:
        """Return the types of all calls so far."""
        return [str(call.type) for call in self.calls]

    def _handle(self, exchange: Exchange) -> None:
        call = codec.decode(exchange.body, api.Call)
        self.calls.append(call)
        if call.type is api.CallType.SUBSCRIBE:
            self._subscribe(exchange, call)
            return
        exchange.respond(202)
        handler = getattr(self, f"_on_{str(call.type).lower()}", None)
        if handler is not None:
            handler(call)

    def _subscribe(self, exchange: Exchange, call: api.Call) -> None:
        assert call.subscribe is not None
        info = call.subscribe.framework_info
        self.framework_id = info.id.value if info.id else f"fake-{next(self._counter):04d}"
        self.roles = info.all_roles
        self.disconnect()
        self._stream = exchange.stream(headers=[("Mesos-Stream-Id", self._ids.uuid4_text())])
        address = Address(port=5050, hostname="127.0.0.1", ip="127.0.0.1")
        master = MasterInfo(id="fake", ip=16777343, port=5050, hostname="127.0.0.1", address=address)
        subscribed = api.Subscribed(framework_id=FrameworkID(self.framework_id), master_info=master)
        self._send(api.Event(type=api.EventType.SUBSCRIBED, subscribed=subscribed))
        for agent_id, free in self._offers.values():
            self.agents[agent_id].free += free
        self._offers.clear()
        self._declined.clear()
        self._suppressed = False
        self._offer_all()

    def _on_accept(self, call: api.Call) -> None:
        assert call.accept is not None
        for offer_id in call.accept.offer_ids:
            known = self._offers.pop(offer_id.value, None)
            if known is None:
                continue
            agent_id, free = known
            for operation in call.accept.operations:
                for task in operation.launch.task_infos if operation.launch else ():
                    used = Resources.from_wire(task.resources).allocated_to(None)
                    assert free.contains(used), f"{task.task_id.value} uses {used}, offered {free}"
                    free -= used
                    self._launch(task)
            self.agents[agent_id].free += free
        asyncio.get_running_loop().call_soon(self._offer_all)

    def _on_decline(self, call: api.Call) -> None:
        assert call.decline is not None
        for offer_id in call.decline.offer_ids:
            known = self._offers.pop(offer_id.value, None)
            if known is not None:
                self.agents[known[0]].free += known[1]
                self._declined.add(known[0])

    def _on_revive(self, _: api.Call) -> None:
        self._declined.clear()
        self._suppressed = False
        self._offer_all()

    def _on_suppress(self, _: api.Call) -> None:
        self._suppressed = True

    def _on_acknowledge(self, call: api.Call) -> None:
        assert call.acknowledge is not None
        self.unacknowledged.pop(call.acknowledge.uuid, None)

    def _on_kill(self, call: api.Call) -> None:
        assert call.kill is not None
        task_id = call.kill.task_id.value
        state = self.states.get(task_id)
        if task_id in self.tasks and not (state and state.is_terminal):
            self.report(task_id, TaskState.TASK_KILLED)

    def _on_reconcile(self, call: api.Call) -> None:
        assert call.reconcile is not None
        wanted = [each.task_id.value for each in call.reconcile.tasks] or list(self.tasks)
        for task_id in wanted:
            state = self.states.get(task_id, TaskState.TASK_UNKNOWN)
            status = TaskStatus(task_id=TaskID(task_id), state=state, message="Reconciliation: latest task state")
            self._send(api.Event(type=api.EventType.UPDATE, update=api.Update(status)))

    def _launch(self, task: TaskInfo) -> None:
        self.tasks[task.task_id.value] = task
        state = self.behaviour(task)
        if state is not None:
            asyncio.get_running_loop().call_soon(self.report, task.task_id.value, state)

    def _offer_all(self) -> None:
        if self._stream is None or self._suppressed:
            return
        offers = []
        for each in self.agents.values():
            if each.free and each.id not in self._declined:
                offers.append(self._offer(each))
        if offers:
            self._send(api.Event(type=api.EventType.OFFERS, offers=api.Offers(tuple(offers))))

    def _offer(self, each: FakeAgent) -> Offer:
        offer_id, role = f"O{next(self._counter)}", self.roles[0]
        self._offers[offer_id] = (each.id, each.free)
        free, each.free = each.free, Resources()
        return Offer(
            id=OfferID(offer_id),
            framework_id=FrameworkID(self.framework_id or ""),
            agent_id=AgentID(each.id),
            hostname=each.hostname,
            resources=free.allocated_to(role).to_wire(),
            attributes=each.attributes,
            allocation_info=AllocationInfo(role),
        )

    def _send(self, event: api.Event) -> None:
        if self._stream is not None:
            self._stream.send(encode(codec.encode(event)))


def agent(
    agent_id: str, resources: str = "cpus:4;mem:4096;disk:4096;ports:[31000-31999]", hostname: str | None = None
) -> FakeAgent:
    """Make an agent; without a host name it is called after its id."""
    return FakeAgent(agent_id, hostname or f"host-{agent_id.lower()}", Resources.parse(resources))
