"""ZooKeeper for a program on asyncio: kazoo's threads behind one crossing place.

kazoo sends and receives in a thread of its own and calls back from others. :class:`Zk` is the only place where those
threads and the event loop meet: results, watches and changes of the session all arrive on the loop, in the order in
which kazoo reported them, with one wake-up for everything that has gathered.

A call whose connection breaks raises :class:`ConnectionLost`: whether it took effect is not known. Whoever needs to
know looks after the reconnection (``mesos.store.zk`` and ``mesos.election.contender`` do).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kazoo import exceptions as kazoo_errors
from kazoo.client import KazooClient, KazooState, TransactionRequest
from kazoo.security import CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE

from mesos.zk_reads import MultiRead
from mesos.zk_session import SessionTimes
from mesos.zk_types import (
    RETRY_S,
    SESSION_TIMEOUT_S,
    BadVersion,
    ConnectionLost,
    Create,
    Listener,
    Node,
    NodeExists,
    NoNode,
    Operation,
    Remove,
    SessionLost,
    SessionState,
    Set,
    Unsupported,
    Watch,
    ZkError,
    ZkUrl,
    parse_zk_url,
    retry_pause_s,
    translated,
)

__all__ = [
    "RETRY_S",
    "SESSION_TIMEOUT_S",
    "BadVersion",
    "ConnectionLost",
    "Create",
    "NoNode",
    "Node",
    "NodeExists",
    "Operation",
    "Remove",
    "SessionLost",
    "SessionState",
    "Set",
    "Unsupported",
    "Zk",
    "ZkError",
    "ZkUrl",
    "parse_zk_url",
    "retry_pause_s",
]

log = logging.getLogger(__name__)

T = TypeVar("T")


class Zk:
    """A ZooKeeper client for one event loop; it keeps reconnecting, with a new session when need be, until stopped.

    What is asked for leaves when the method is called, not when its result is awaited: requests take effect, and reads
    see each other's effects, in the order of the calls.

    :param url: the servers and credentials. Paths given to the methods are absolute; ``url.path`` is not prepended.
    :param session_timeout_s: asked for; the servers may grant another.
    """

    def __init__(self, url: ZkUrl, session_timeout_s: float = SESSION_TIMEOUT_S) -> None:
        self.url = url
        self.state = SessionState.LOST
        self._loop = asyncio.get_running_loop()
        self._listeners: list[Listener] = []
        self._connected = asyncio.Event()
        self._crossing: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._crossing_due = False
        self._client = KazooClient(
            hosts=url.hosts,
            timeout=session_timeout_s,
            auth_data=[("digest", url.auth)] if url.auth else None,
            default_acl=CREATOR_ALL_ACL + READ_ACL_UNSAFE if url.auth else OPEN_ACL_UNSAFE,
            connection_retry={"max_tries": -1, "delay": 0.1, "backoff": 2, "max_delay": RETRY_S},
            logger=logging.getLogger("mesos.zk.kazoo"),
        )
        self._client.add_listener(lambda state: self._cross(self._state_changed, state))
        self._times = SessionTimes(self._client, session_timeout_s)

    @property
    def session_timeout_s(self) -> float:
        """The session timeout that the server granted; what was asked for until there is a connection."""
        return self._times.granted_s

    @property
    def session_left_s(self) -> float:
        """How long the session is sure to live when nothing is heard from the servers any more."""
        return self._times.left_s()

    @property
    def session_id(self) -> int:
        """The id that ephemeral nodes of this session carry as owner; 0 without a session."""
        client_id = self._client.client_id
        return int(client_id[0]) if client_id else 0

    def begin(self) -> None:
        """Begin to connect, and do not wait for it."""
        self._client.start_async()

    async def start(self, timeout_s: float | None = None) -> None:
        """Connect; without a timeout for as long as it takes.

        :raises ZkError: when no server answered in time; the client is stopped then.
        """
        self.begin()
        try:
            await asyncio.wait_for(self._connected.wait(), timeout_s)
        except TimeoutError:
            await self.stop()
            raise ZkError(f"no ZooKeeper server at {self.url.hosts} answered within {timeout_s} s") from None
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the session, which removes its ephemeral nodes."""
        self._listeners.clear()
        await asyncio.to_thread(self._stop)

    async def connected(self) -> None:
        """Wait until there is a connection."""
        await self._connected.wait()

    def add_listener(self, listener: Listener) -> None:
        """Tell ``listener`` of every change of the session's state from now on."""
        self._listeners.append(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Tell ``listener`` nothing more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def create(
        self, path: str, data: bytes = b"", *, ephemeral: bool = False, sequence: bool = False
    ) -> asyncio.Future[str]:
        """Create a node and return its path, with the number that ``sequence`` adds.

        :raises NodeExists: when it is there.
        :raises NoNode: when its parent is not.
        """
        return self._ask(self._client.create_async(path, data, ephemeral=ephemeral, sequence=sequence), str)

    async def ensure_path(self, path: str) -> None:
        """Create ``path`` and its parents where they are missing."""
        if path in ("", "/") or await self.exists(path) is not None:
            return
        await self.ensure_path(path.rpartition("/")[0])
        try:
            await self.create(path)
        except NodeExists:
            return  # somebody else was faster

    def get(self, path: str, watch: Watch | None = None) -> asyncio.Future[Node]:
        """Read a node. :raises NoNode: when it is not there."""
        return self._ask(self._client.get_async(path, watch=self._watcher(watch)), lambda read: _node(*read))

    def get_many(self, paths: Sequence[str]) -> asyncio.Future[list[Node | None]]:
        """Read nodes with one request; ``None`` stands for one that is not there.

        :raises Unsupported: when the servers are older than 3.6.
        """
        result = self._client.handler.async_result()
        self._client._call(MultiRead(paths), result)
        return self._ask(result, lambda reads: [_node_or_none(read) for read in reads])

    def exists(self, path: str, watch: Watch | None = None) -> asyncio.Future[Node | None]:
        """Return the node without its data; the watch tells of its creation, change and deletion."""
        return self._ask(
            self._client.exists_async(path, watch=self._watcher(watch)), lambda stat: stat and _node(b"", stat)
        )

    def children(self, path: str, watch: Watch | None = None) -> asyncio.Future[list[str]]:
        """Return the names of the children, in no order. :raises NoNode: when ``path`` is not there."""
        return self._ask(self._client.get_children_async(path, watch=self._watcher(watch)), list)

    def set(self, path: str, data: bytes, version: int = -1) -> asyncio.Future[Node]:
        """Set the data of a node. :raises BadVersion: when it has another version."""
        return self._ask(self._client.set_async(path, data, version), lambda stat: _node(data, stat))

    def delete(self, path: str, version: int = -1) -> asyncio.Future[None]:
        """Delete a node without children. :raises NoNode: when it is not there."""
        return self._ask(self._client.delete_async(path, version), _nothing)

    def sync(self, path: str) -> asyncio.Future[None]:
        """Let the server we are connected to catch up with the leader of the ensemble."""
        return self._ask(self._client.sync_async(path), _nothing)

    def multi(self, operations: Sequence[Operation]) -> asyncio.Future[None]:
        """Carry out ``operations``, all or none. The future raises the error of the operation that failed."""
        transaction = TransactionRequest(self._client)
        for operation in operations:
            match operation:
                case Create(path, data):
                    transaction.create(path, data)
                case Set(path, data, version):
                    transaction.set_data(path, data, version)
                case Remove(path, version):
                    transaction.delete(path, version)
        return self._ask(transaction.commit_async(), _all_done)

    def _ask(self, result: Any, convert: Callable[[Any], T]) -> asyncio.Future[T]:
        """Turn kazoo's result, which comes in a thread, into a future of the loop."""
        future: asyncio.Future[T] = self._loop.create_future()
        result.rawlink(lambda settled: self._cross(_settle, future, settled, convert))
        return future

    def _watcher(self, watch: Watch | None) -> Callable[[Any], None] | None:
        if watch is None:
            return None

        def fired(event: Any) -> None:
            if event.type != "NONE":  # kazoo's way to say that the connection broke
                self._cross(watch)

        return fired

    def _cross(self, call: Callable[..., None], *args: Any) -> None:
        """Have ``call(*args)`` run on the loop, in order. Called from any thread."""
        self._crossing.append((call, args))
        if not self._crossing_due:
            self._crossing_due = True
            try:
                self._loop.call_soon_threadsafe(self._arrive)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more

    def _arrive(self) -> None:
        self._crossing_due = False
        while self._crossing:
            call, args = self._crossing.popleft()
            call(*args)

    def _state_changed(self, kazoo_state: str) -> None:
        self.state = _STATES[kazoo_state]
        if self.state is SessionState.CONNECTED:
            self._connected.set()
        else:
            self._connected.clear()
        log.info("ZooKeeper session", extra={"state": self.state.value, "hosts": self.url.hosts})
        for listener in tuple(self._listeners):
            listener(self.state)

    def _stop(self) -> None:
        self._client.stop()
        self._client.close()


_STATES = {
    KazooState.CONNECTED: SessionState.CONNECTED,
    KazooState.SUSPENDED: SessionState.SUSPENDED,
    KazooState.LOST: SessionState.LOST,
}


def _node(data: bytes, stat: Any) -> Node:
    return Node(data, stat.version, stat.czxid, stat.ephemeralOwner, stat.numChildren)


def _node_or_none(read: Any) -> Node | None:
    if isinstance(read, kazoo_errors.NoNodeError):
        return None
    if isinstance(read, Exception):
        raise read
    return _node(*read)


def _nothing(_: object) -> None:
    return


def _settle(future: asyncio.Future[T], settled: Any, convert: Callable[[Any], T]) -> None:
    if future.done():
        return  # the caller was cancelled
    try:
        if settled.exception is not None:
            raise settled.exception
        future.set_result(convert(settled.value))
    except kazoo_errors.KazooException as error:
        future.set_exception(translated(error))
    except Exception as error:  # kazoo lets some errors of sockets and threads through
        future.set_exception(ZkError(f"ZooKeeper: {type(error).__name__} {error}"))


def _all_done(results: list[Any]) -> None:
    """Raise why a multi failed: the one error that is not the consequence of another."""
    errors = [result for result in results if isinstance(result, Exception)]
    consequences = (kazoo_errors.RolledBackError, kazoo_errors.RuntimeInconsistency)
    if errors:
        raise next((error for error in errors if not isinstance(error, consequences)), errors[0])
