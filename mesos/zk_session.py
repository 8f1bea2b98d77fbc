"""How long a ZooKeeper session still lives, which kazoo knows but keeps to itself.

The servers end a session when they have not heard from its client for the granted timeout. The client learns of a
broken connection later than that clock starts: a silent partition takes kazoo two thirds of the timeout to notice. So
that a leader never outlives its session, what is left is counted from the last sign of life, not from the notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kazoo.client import KazooClient
from kazoo.protocol.serialization import Connect

from mesos.clock import Clock, SystemClock


class SessionTimes:
    """Listens in on the connection of ``client``: what timeout was granted, and when a server was last heard.

    Written by kazoo's thread and read by the loop; each value is replaced whole.
    """

    def __init__(self, client: KazooClient, asked_s: float, clock: Clock | None = None) -> None:
        self.granted_s = asked_s
        self._clock = clock or SystemClock()
        self._heard_s = self._clock.monotonic_s()
        connection = client._connection
        connection._invoke = self._listening_to_invoke(connection._invoke)
        connection._read_socket = self._listening_to_read(connection._read_socket)

    def left_s(self) -> float:
        """Return the seconds until the servers may end the session if they hear nothing more, at least 0."""
        return max(0.0, self._heard_s + self.granted_s - self._clock.monotonic_s())

    def _listening_to_invoke(self, invoke: Callable[..., Any]) -> Callable[..., Any]:
        def listening(timeout: float, request: Any, *args: Any, **kwargs: Any) -> Any:
            answer = invoke(timeout, request, *args, **kwargs)
            self._heard_s = self._clock.monotonic_s()
            if isinstance(request, Connect) and answer[0].time_out > 0:
                self.granted_s = answer[0].time_out / 1000
            return answer

        return listening

    def _listening_to_read(self, read: Callable[..., Any]) -> Callable[..., Any]:
        def listening(*args: Any) -> Any:
            answer = read(*args)
            self._heard_s = self._clock.monotonic_s()
            return answer

        return listening
