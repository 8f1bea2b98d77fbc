"""``/v2/events``: the event bus as server-sent events. Source: Marathon ``HttpEventStreamServlet``.

Each event is framed once, whoever listens. A reader that lags behind further than the operator allows is cut off. All
streams end when leadership is lost; a standby sends readers to the leader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qsl

from marathon.api.service import Node
from mesos.http.exchange import Exchange, Stream
from mesos.http.sse import HEARTBEAT, frame

PATH = "/v2/events"
HEARTBEAT_S = 10.0
EVENT_STREAM = "text/event-stream"
MESSAGE_BYTES = 4096
"""What one outstanding message may hold on average."""

_REFUSAL = b"<html><head><title>Error 405</title></head><body><h2>HTTP ERROR 405 Method Not Allowed</h2></body></html>"


class EventStreams:
    """Everybody who listens. :meth:`handle` takes requests."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._streams: dict[Stream, frozenset[str]] = {}
        self._unsubscribe: Callable[[], None] | None = None
        self._heartbeat: asyncio.TimerHandle | None = None
        self._limit_bytes = node.config.event_stream_max_outstanding_messages * MESSAGE_BYTES
        node.when_lead_lost(self.close)

    def handle(self, exchange: Exchange) -> None:
        """Begin a stream, or say why not."""
        node = self._node
        if exchange.method != "GET" or exchange.headers.get("accept", "").strip() != EVENT_STREAM:
            exchange.respond(405, _REFUSAL, content_type="text/html;charset=utf-8", headers=[("Allow", "GET")])
        elif node.term is not None:
            self._begin(exchange)
        elif node.leader is not None and node.leader != node.host_port:
            exchange.respond(302, headers=[("Location", f"http://{node.leader}{exchange.target}")])
        else:
            exchange.respond(503, b'{"message":"There is no leader"}', content_type="application/json")

    def close(self) -> None:
        """End all streams."""
        for stream in list(self._streams):
            stream.close()
        self._stop_when_alone()

    def _begin(self, exchange: Exchange) -> None:
        query = parse_qsl(exchange.target.partition("?")[2])
        kinds = frozenset(value for name, value in query if name == "event_type")
        remote = exchange.peer[0] if exchange.peer else ""
        headers = [
            ("Connection", "close"),
            ("Cache-Control", "no-cache, no-store, must-revalidate"),
            ("Pragma", "no-cache"),
            ("Expires", "0"),
            ("X-Marathon-Leader", f"http://{self._node.host_port}"),
        ]
        stream = exchange.stream(
            content_type=f"{EVENT_STREAM};charset=utf-8", headers=headers, limit_bytes=self._limit_bytes
        )
        stream.on_close = lambda _: self._ended(stream, remote)
        self._streams[stream] = kinds
        if self._unsubscribe is None:
            self._unsubscribe = self._node.bus.subscribe(self._publish)
            self._schedule_heartbeat()
        self._tell("event_stream_attached", remote)

    def _publish(self, kind: str, data: bytes) -> None:
        message = frame(kind, data)
        for stream, kinds in tuple(self._streams.items()):
            if not kinds or kind in kinds:
                stream.send(message)

    def _ended(self, stream: Stream, remote: str) -> None:
        if self._streams.pop(stream, None) is not None:
            self._tell("event_stream_detached", remote)
            self._stop_when_alone()

    def _tell(self, kind: str, remote: str) -> None:
        self._node.bus.publish(kind, {"remoteAddress": remote}, self._node.clock.now_s())

    def _schedule_heartbeat(self) -> None:
        self._heartbeat = asyncio.get_running_loop().call_later(HEARTBEAT_S, self._beat)

    def _beat(self) -> None:
        for stream in tuple(self._streams):
            stream.send(HEARTBEAT)
        self._schedule_heartbeat()

    def _stop_when_alone(self) -> None:
        if not self._streams and self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
            if self._heartbeat is not None:
                self._heartbeat.cancel()
