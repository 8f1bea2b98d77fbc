"""The client side of the master's operator event stream (``SUBSCRIBE`` on ``/api/v1``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from mesos.clock import IdSource
from mesos.election import Detector, Leader
from mesos.errors import CodecError
from mesos.http.client import HttpClient
from mesos.http.records import HEARTBEAT_S, MISSED_HEARTBEATS, Follower, open_stream

PATH = "/api/v1"
SUBSCRIBE = b'{"type":"SUBSCRIBE"}'


class OperatorStream:
    """Follows the events of whoever leads.

    :param on_event: gets each event as a dict, in order; the first one of a subscription is SUBSCRIBED with the whole
        state, which replaces everything known before.
    :param on_disconnected: told each time that events stop; what is known is from then on of the past.
    """

    def __init__(
        self,
        detector: Detector,
        ids: IdSource,
        *,
        on_event: Callable[[dict[str, Any]], None],
        on_disconnected: Callable[[], None],
        max_pause_s: float = 5.0,
    ) -> None:
        self._on_event, self._on_disconnected = on_event, on_disconnected
        self._follower = Follower(detector, ids, self._attempt, max_pause_s=max_pause_s)
        self._client: HttpClient | None = None

    async def run(self) -> None:
        """Follow until cancelled."""
        self._client = HttpClient()
        try:
            await self._follower.run()
        finally:
            await self._client.close()

    def _attempt(self, leader: Leader, worked: Callable[[], None]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(self._subscription(leader, worked))

    async def _subscription(self, leader: Leader, worked: Callable[[], None]) -> None:
        assert self._client is not None
        stream = await open_stream(self._client, leader, PATH, SUBSCRIBE)
        began = False
        try:
            async for record in stream.records():
                event = _read(record)
                if event.get("type") == "SUBSCRIBED":
                    began = True
                    interval_s = event["subscribed"].get("heartbeat_interval_seconds", HEARTBEAT_S)
                    stream.silence_s = MISSED_HEARTBEATS * interval_s
                    worked()
                self._on_event(event)
        finally:
            stream.close()
            if began:
                self._on_disconnected()


def _read(record: bytes) -> dict[str, Any]:
    try:
        event = msgspec.json.decode(record, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise CodecError(f"an event is no JSON object: {error}") from error
    if event.get("type") == "SUBSCRIBED" and not isinstance(event.get("subscribed"), dict):
        raise CodecError("a SUBSCRIBED event without 'subscribed'")
    return event
