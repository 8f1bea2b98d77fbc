"""The vocabulary of ZooKeeper clients: addresses, nodes, the parts of a multi, and what can go wrong."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from urllib.parse import unquote

import msgspec
from kazoo import exceptions as kazoo_errors

from mesos.errors import ConfigError, MezzoError

RETRY_S = 2.0
"""Longest pause between two attempts to connect, and between tries of what can be tried again. Source: Mesos
``group.cpp``, RETRY_INTERVAL."""

SESSION_TIMEOUT_S = 10.0
"""Default of ``--zk_session_timeout`` of masters and agents."""

_RECONNECT_S = 0.1
"""Pause after a broken connection; the next call waits in kazoo's queue for the new one."""


class ZkError(MezzoError):
    """ZooKeeper refused or could not be reached; the text says which."""


class NoNode(ZkError):
    """The node, or the parent of a node to create, is not there."""


class NodeExists(ZkError):
    """The node to create is there already."""


class BadVersion(ZkError):
    """The node has been changed since the version that was asked for."""


class Unsupported(ZkError):
    """The servers are too old for what was asked."""


class ConnectionLost(ZkError):
    """The connection broke; the call may have taken effect or not."""


class SessionLost(ZkError):
    """The session is over, and every ephemeral node of it gone."""


class SessionState(Enum):
    """What a client knows about its session."""

    CONNECTED = "connected"
    SUSPENDED = "suspended"
    """No connection; the session may live on at the servers, or have ended without our knowing."""
    LOST = "lost"
    """The session has ended (or never begun); kazoo begins another by itself."""


class ZkUrl(msgspec.Struct, frozen=True):
    """Where ZooKeeper is: ``hosts`` as ``h1:2181,h2:2181``, ``path`` absolute, ``auth`` as ``user:password``."""

    hosts: str
    path: str = "/"
    auth: str | None = None

    def child(self, *names: str) -> str:
        """Return the absolute path of ``names`` below ``path``."""
        return "/".join((self.path.rstrip("/"), *names)) or "/"


class Node(msgspec.Struct, frozen=True):
    """A node as it was read. ``created`` is the transaction that created it, ``owner`` the session of an ephemeral."""

    data: bytes
    version: int
    created: int
    owner: int
    child_count: int


class Create(msgspec.Struct, frozen=True):
    """Part of a multi: create ``path``."""

    path: str
    data: bytes = b""


class Set(msgspec.Struct, frozen=True):
    """Part of a multi: set the data of ``path`` when it has ``version`` (-1: any)."""

    path: str
    data: bytes
    version: int = -1


class Remove(msgspec.Struct, frozen=True):
    """Part of a multi: delete ``path`` when it has ``version`` (-1: any)."""

    path: str
    version: int = -1


Operation = Create | Set | Remove
Listener = Callable[[SessionState], None]
Watch = Callable[[], None]
"""Called once, on the loop, when what was read changes. A watch ends with the connection: read again after it."""


def parse_zk_url(text: str) -> ZkUrl:
    """Read ``zk://[user:password@]host1:port1,host2:port2/path``, or ``file:///file`` that contains one.

    :raises ConfigError: when it is neither, or the file cannot be read.
    """
    if text.startswith("file://"):
        try:
            text = Path(text.removeprefix("file://")).read_text().strip()
        except OSError as error:
            raise ConfigError(f"cannot read the ZooKeeper URL from '{text}': {error.strerror}") from None
    if not text.startswith("zk://"):
        raise ConfigError("expecting a ZooKeeper URL of the form zk://host1:port1,host2:port2/path")
    authority, _, path = text.removeprefix("zk://").partition("/")
    auth, _, hosts = authority.rpartition("@")
    if not hosts or not all(hosts.split(",")):
        raise ConfigError("expecting at least one host:port in a ZooKeeper URL zk://host1:port1,host2:port2/path")
    if auth and ":" not in auth:
        raise ConfigError("expecting user:password before the @ of a ZooKeeper URL")
    return ZkUrl(hosts, "/" + path.strip("/"), unquote(auth) or None)


def retry_pause_s(error: ZkError) -> float:
    """Return how long to wait before trying again what raised ``error``."""
    return _RECONNECT_S if isinstance(error, ConnectionLost | SessionLost) else RETRY_S


_TRANSLATIONS: tuple[tuple[tuple[type[BaseException], ...], type[ZkError]], ...] = (
    ((kazoo_errors.NoNodeError,), NoNode),
    ((kazoo_errors.NodeExistsError,), NodeExists),
    ((kazoo_errors.BadVersionError,), BadVersion),
    ((kazoo_errors.UnimplementedError,), Unsupported),
    ((kazoo_errors.SessionExpiredError, kazoo_errors.ConnectionClosedError), SessionLost),
    ((kazoo_errors.ConnectionLoss, kazoo_errors.OperationTimeoutError), ConnectionLost),
)


def translated(error: BaseException) -> ZkError:
    """Return our error for one of kazoo's."""
    text = f"ZooKeeper: {type(error).__name__} {error}".rstrip()
    return next((ours(text) for theirs, ours in _TRANSLATIONS if isinstance(error, theirs)), ZkError(text))
