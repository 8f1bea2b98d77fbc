"""The agent link: one full-duplex connection from each agent to the leading master.

The agent dials the master's HTTP port and asks ``GET /api/v1/agent-link`` with ``Upgrade: mezzo-link/1``. A leader
answers ``101 Switching Protocols``; from then on both sides send frames: four bytes of length, big-endian, and one
message as MessagePack. A standby answers 307 to the leader and a master that knows no leader 503, like everywhere else.

Messages are tagged arrays (compact, and new fields may be added at the end). What a message means is said at its class;
the conversation is that of Mesos' ``RegisterSlaveMessage`` and its kin, which agents and masters of upstream hold in
libprocess messages.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterable
from typing import cast

import msgspec

from mesos.errors import MezzoError
from mesos.types.agents import AgentInfo, Capability
from mesos.types.containers import KillPolicy
from mesos.types.frameworks import FrameworkInfo
from mesos.types.offers import Operation, OperationStatus
from mesos.types.resources import Resource
from mesos.types.tasks import ExecutorInfo, Task, TaskInfo, TaskState, TaskStatus

LINK_PATH = "/api/v1/agent-link"
LINK_PROTOCOL = "mezzo-link/1"

MAX_FRAME_BYTES = 64 << 20
"""A longer frame is taken for garbage; a re-registration of 1,000 tasks is about 1 MB."""

_LENGTH = struct.Struct(">I")


class LinkError(MezzoError):
    """The peer does not speak the link's protocol."""


class LinkMessage(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """Base of all messages on the link."""


# From the agent.


class RegisterAgent(LinkMessage, frozen=True):
    """A new agent asks to be admitted. Repeated until answered."""

    info: AgentInfo
    pid: str
    version: str
    capabilities: tuple[Capability, ...]
    checkpointed_resources: tuple[Resource, ...] = ()


class ReregisterAgent(LinkMessage, frozen=True):
    """An agent that has an id comes (back) to this master and tells everything it runs.

    ``tasks`` are all whose terminal update is not yet acknowledged; ``frameworks`` all that they belong to.
    """

    info: AgentInfo
    pid: str
    version: str
    capabilities: tuple[Capability, ...]
    tasks: tuple[Task, ...]
    executors: tuple[ExecutorInfo, ...]
    frameworks: tuple[FrameworkInfo, ...]
    completed_frameworks: tuple[str, ...] = ()
    checkpointed_resources: tuple[Resource, ...] = ()
    operations: tuple[OperationUpdate, ...] = ()


class Pong(LinkMessage, frozen=True):
    """The agent is alive."""


class StatusUpdate(LinkMessage, frozen=True):
    """The oldest unacknowledged update of a task. ``latest_state`` may be ahead of it."""

    framework_id: str
    status: TaskStatus
    latest_state: TaskState


class ExecutorExited(LinkMessage, frozen=True):
    """A custom executor is gone; ``status`` is its raw wait status."""

    framework_id: str
    executor_id: str
    status: int


class ExecutorMessage(LinkMessage, frozen=True):
    """Bytes from an executor to its framework."""

    framework_id: str
    executor_id: str
    data: bytes


class UpdateAgent(LinkMessage, frozen=True):
    """The agent's total resources are other than the master may believe."""

    resources: tuple[Resource, ...]


class OperationUpdate(LinkMessage, frozen=True):
    """What became of an operation; sent again until :class:`AcknowledgeOperation`.

    ``uuid`` is the operation's, ``status.uuid`` the update's. ``framework_id`` is absent for an operator's.
    """

    uuid: bytes
    framework_id: str | None
    info: Operation
    status: OperationStatus


class UnregisterAgent(LinkMessage, frozen=True):
    """The agent leaves for good; its tasks are dead."""


# From the master.


class AgentRegistered(LinkMessage, frozen=True):
    """The agent is admitted under ``agent_id``; no ping for ``ping_timeout_s`` means that the master has lost it."""

    agent_id: str
    ping_timeout_s: float


class AgentReregistered(LinkMessage, frozen=True):
    """The agent is known again.

    ``reconcile`` lists tasks (framework id, task id) that the master believes to run there and the agent did not name:
    the agent answers a status update for each that it does not know (TASK_DROPPED, REASON_RECONCILIATION).
    """

    agent_id: str
    ping_timeout_s: float
    reconcile: tuple[tuple[str, str], ...] = ()


class Ping(LinkMessage, frozen=True):
    """Are you there? ``connected`` is false when the master holds the agent for disconnected: re-register then."""

    connected: bool = True


class ShutdownAgent(LinkMessage, frozen=True):
    """The agent has to end its tasks and forget its id."""

    message: str


class RunTask(LinkMessage, frozen=True):
    """Run a task. Sent at most once; what is lost is found by reconciliation at the next re-registration."""

    framework: FrameworkInfo
    task: TaskInfo


class RunTaskGroup(LinkMessage, frozen=True):
    """Run tasks together in one executor."""

    framework: FrameworkInfo
    executor: ExecutorInfo
    tasks: tuple[TaskInfo, ...]


class KillTask(LinkMessage, frozen=True):
    """End a task; ``policy`` overrides the task's own."""

    framework_id: str
    task_id: str
    policy: KillPolicy | None = None


class ShutdownExecutor(LinkMessage, frozen=True):
    """End a custom executor and its tasks."""

    framework_id: str
    executor_id: str


class ShutdownFramework(LinkMessage, frozen=True):
    """End everything of a framework."""

    framework_id: str


class AcknowledgeUpdate(LinkMessage, frozen=True):
    """The framework has dealt with the update ``uuid``."""

    framework_id: str
    task_id: str
    uuid: bytes


class FrameworkMessage(LinkMessage, frozen=True):
    """Bytes from a framework to its executor."""

    framework_id: str
    executor_id: str
    data: bytes


class UpdateFramework(LinkMessage, frozen=True):
    """A framework has changed what it told of itself (a failover may change its name, user stays)."""

    framework: FrameworkInfo


class ApplyOperation(LinkMessage, frozen=True):
    """Change resources: reserve them, make volumes of them, and the way back. Sent at most once."""

    uuid: bytes
    framework_id: str | None
    info: Operation


class AcknowledgeOperation(LinkMessage, frozen=True):
    """The update ``status_uuid`` of the operation ``uuid`` has been dealt with."""

    uuid: bytes
    status_uuid: bytes


FromAgent = (
    RegisterAgent
    | ReregisterAgent
    | Pong
    | StatusUpdate
    | ExecutorExited
    | ExecutorMessage
    | UpdateAgent
    | OperationUpdate
    | UnregisterAgent
)
FromMaster = (
    AgentRegistered
    | AgentReregistered
    | Ping
    | ShutdownAgent
    | RunTask
    | RunTaskGroup
    | KillTask
    | ShutdownExecutor
    | ShutdownFramework
    | AcknowledgeUpdate
    | FrameworkMessage
    | UpdateFramework
    | ApplyOperation
    | AcknowledgeOperation
)

_encoder = msgspec.msgpack.Encoder()
_from_agent = msgspec.msgpack.Decoder(FromAgent)
_from_master = msgspec.msgpack.Decoder(FromMaster)


def frame(message: LinkMessage) -> bytes:
    """Return one message with its length in front."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Unframer:
    """Takes bytes as they come and gives whole frame bodies."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Add ``data`` and return the bodies that are now complete. :raises LinkError: when a frame is too long."""
        self._buffer += data
        bodies: list[bytes] = []
        at = 0
        while len(self._buffer) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer, at)
            if length > MAX_FRAME_BYTES:
                raise LinkError(f"a frame of {length} bytes; allowed are {MAX_FRAME_BYTES}")
            if len(self._buffer) - at - _LENGTH.size < length:
                break
            at += _LENGTH.size
            bodies.append(bytes(self._buffer[at : at + length]))
            at += length
        del self._buffer[:at]
        return bodies


class LinkConnection(asyncio.Protocol):
    """One end of a link, over a connection that has been upgraded already.

    Sends are gathered and written once per loop tick. A peer that does not read is cut off at ``limit_bytes``.

    :param side: ``"master"`` reads what agents send, ``"agent"`` what masters send.
    :param on_messages: called with all messages of one read, in order.
    :param on_closed: called once, with a reason a log line can show.
    """

    def __init__(
        self,
        side: str,
        *,
        on_messages: Callable[[LinkConnection, list[FromAgent | FromMaster]], None],
        on_closed: Callable[[LinkConnection, str], None],
        limit_bytes: int = 64 << 20,
    ) -> None:
        self._decode: Callable[[bytes], FromAgent | FromMaster] = (
            _from_agent.decode if side == "master" else _from_master.decode
        )
        self._on_messages, self._on_closed = on_messages, on_closed
        self._limit_bytes = limit_bytes
        self._unframer = Unframer()
        self._transport: asyncio.Transport | None = None
        self._pending: list[bytes] = []
        self._reason = "peer closed"

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._transport is None or self._transport.is_closing()

    @property
    def peer_ip(self) -> str | None:
        """The address of the other end."""
        peer = self._transport.get_extra_info("peername") if self._transport else None
        return peer[0] if peer else None

    def send(self, *messages: LinkMessage) -> None:
        """Send messages, in order. On a closed connection they are dropped: the peer will register again."""
        self.send_frames(map(frame, messages))

    def send_frames(self, frames: Iterable[bytes]) -> None:
        """Send what :func:`frame` has made, e.g. the same ping for everybody."""
        if self.closed:
            return
        if not self._pending:
            asyncio.get_running_loop().call_soon(self._flush)
        self._pending.extend(frames)

    def close(self, reason: str) -> None:
        """End the connection after what was sent has left; ``on_closed`` gets ``reason``."""
        self._reason = reason
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has no such base

    def data_received(self, data: bytes) -> None:
        """Hand on the messages that are complete; garbage ends the connection."""
        try:
            messages = [self._decode(body) for body in self._unframer.feed(data)]
        except (LinkError, msgspec.MsgspecError) as error:
            self.close(f"bad frame: {error}")
            return
        if messages:
            self._on_messages(self, messages)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the owner, once."""
        self._transport = None
        self._on_closed(self, str(exc) if exc else self._reason)

    def _flush(self) -> None:
        if not self._pending or self.closed:
            self._pending.clear()
            return
        assert self._transport is not None
        self._transport.write(b"".join(self._pending))
        self._pending.clear()
        if self._transport.get_write_buffer_size() > self._limit_bytes:
            self._reason = "peer does not read"
            self._transport.abort()
