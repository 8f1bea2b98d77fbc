"""Subscriptions: endless answers by number, with heartbeats."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mesos import recordio
from mesos.codec import encode
from mesos.http.server import Stream
from mesos.types.scheduler import Event

HEARTBEAT = recordio.encode(b'{"type":"HEARTBEAT"}')
HEARTBEAT_S = 15.0


class Streams:
    """All open subscriptions of one kind. A number is never used again.

    :param on_closed: told of each end that was not asked for.
    :param limit: of open subscriptions; one more closes the oldest.
    """

    def __init__(self, on_closed: Callable[[int], None], *, limit: int | None = None) -> None:
        self._on_closed, self._limit = on_closed, limit
        self._streams: dict[int, Stream] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._streams)

    def add(self, stream: Stream) -> int:
        """Take a subscription in and return its number."""
        self._next += 1
        number = self._next
        self._streams[number] = stream
        stream.on_close = lambda _: self._ended(number)
        if self._limit is not None and len(self._streams) > self._limit:
            self.close(next(iter(self._streams)))
        return number

    def send(self, number: int, event: Event) -> None:
        """Send an event; on a subscription that has ended it is dropped."""
        stream = self._streams.get(number)
        if stream is not None:
            stream.send(recordio.encode(encode(event)))

    def send_all(self, record: bytes) -> None:
        """Send everybody a record that is encoded already."""
        framed = recordio.encode(record)
        for stream in list(self._streams.values()):
            stream.send(framed)

    def close(self, number: int) -> None:
        """End a subscription after what was sent."""
        stream = self._streams.pop(number, None)
        if stream is not None:
            stream.close()

    def close_all(self) -> None:
        """End all subscriptions."""
        for number in list(self._streams):
            self.close(number)

    async def beat(self) -> None:
        """Send heartbeats until cancelled."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            for stream in list(self._streams.values()):
                stream.send(HEARTBEAT)

    def _ended(self, number: int) -> None:
        if self._streams.pop(number, None) is not None:
            self._on_closed(number)
