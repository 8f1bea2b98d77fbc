"""The client side of the v1 scheduler API, for anybody's framework.

Subscribes to whoever leads, gives events, sends calls; comes back by itself after every break. What it does not do:
acknowledge, reconcile, remember the framework's id. Those are the framework's, since only it knows what is durable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from mesos.clock import IdSource
from mesos.codec import decode, encode
from mesos.election import Detector, Leader
from mesos.http.calls import CallConnection
from mesos.http.client import HttpClient, Unavailable
from mesos.http.records import MISSED_HEARTBEATS, Follower, RecordStream, open_stream
from mesos.types.scheduler import Call, Event, EventType, Subscribed

log = logging.getLogger(__name__)

PATH = "/api/v1/scheduler"


class SchedulerClient:
    """One framework's connection to its masters.

    :param subscribe: makes the SUBSCRIBE call, anew for each attempt: the id may be known by then.
    :param on_event: gets every event in order, SUBSCRIBED and HEARTBEAT too.
    :param on_disconnected: told once for each subscription that ended, with the reason. Calls sent before may be lost.
    """

    def __init__(
        self,
        detector: Detector,
        ids: IdSource,
        *,
        subscribe: Callable[[], Call],
        on_event: Callable[[Event], None],
        on_disconnected: Callable[[str], None],
        max_pause_s: float = 10.0,
    ) -> None:
        self._subscribe, self._on_event, self._on_disconnected = subscribe, on_event, on_disconnected
        self._follower = Follower(detector, ids, self._attempt, max_pause_s=max_pause_s)
        self._client: HttpClient | None = None
        self._calls: CallConnection | None = None
        self._stream: RecordStream | None = None

    @property
    def connected(self) -> bool:
        """Whether calls can be sent."""
        return self._calls is not None and not self._calls.closed

    async def run(self) -> None:
        """Stay subscribed until cancelled."""
        self._client = HttpClient()
        try:
            await self._follower.run()
        finally:
            await self._client.close()

    def send(self, call: Call) -> bool:
        """Send a call; return whether it left. What comes of it is told by events; a refusal is logged.

        A call that breaks off with its connection may or may not have arrived.
        """
        if self._calls is None or self._calls.closed:
            return False
        kind = call.type
        self._calls.send(encode(call), lambda status, body: self._answered(str(kind), status, body))
        return True

    def _attempt(self, leader: Leader, worked: Callable[[], None]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(self._subscription(leader, worked))

    async def _subscription(self, leader: Leader, worked: Callable[[], None]) -> None:
        assert self._client is not None
        stream = await open_stream(self._client, leader, PATH, encode(self._subscribe()))
        self._stream = stream
        reason = "the master ended the stream"
        try:
            async for record in stream.records():
                event = decode(record, Event)
                if event.type is EventType.SUBSCRIBED and event.subscribed is not None:
                    await self._subscribed(stream, event.subscribed)
                    worked()
                if event.type is EventType.ERROR and event.error is not None:
                    reason = event.error.message
                self._on_event(event)
        except Unavailable as error:
            reason = str(error)
            raise
        except asyncio.CancelledError:
            reason = "another master leads"
            raise
        finally:
            stream.close()
            self._stream = None
            if self._calls is not None:
                self._calls.close()
                self._calls = None
                self._on_disconnected(reason)

    async def _subscribed(self, stream: RecordStream, subscribed: Subscribed) -> None:
        stream.silence_s = MISSED_HEARTBEATS * subscribed.heartbeat_interval_seconds
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Mesos-Stream-Id": stream.headers.get("Mesos-Stream-Id", ""),
        }
        calls = await CallConnection.open(*stream.address, PATH, headers)
        calls.on_lost = stream.close  # a subscription that cannot call is none: subscribe again
        if calls.closed:
            raise Unavailable("the connection for calls broke at once")
        self._calls = calls

    def _answered(self, kind: str, status: int, body: bytes) -> None:
        if 200 <= status < 300:
            return
        text = body.decode(errors="replace")
        log.warning("call refused", extra={"call": kind, "status": status, "answer": text})
        if self._stream is not None and status in (307, 403, 503):
            self._stream.close()  # the subscription is no longer what it was
