"""The hot paths' own HTTP/1.1 server side.

One connection is one :class:`HotConnection`. It looks at the first bytes of each request; a path that is not hot, and
everything after it, is handed over to aiohttp by ``transport.set_protocol``. Requests may be pipelined: handlers run at
once, answers leave in the order of the requests.

Header parsing is httptools'; where a message ends is found here, so that no byte of a request that is not ours is
consumed.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, cast

import httptools

from mesos.http.exchange import TEXT, Answer, BadBody, Exchange, Headers, HotHandler, Stream, decoded, head

MAX_HEAD_BYTES = 64 << 10
MAX_PIPELINED = 256
"""Requests of one connection that may wait for their answers; more are not read."""

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\Z")


class Refused(Exception):
    """The request cannot be served; the connection ends with this answer."""

    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text
        super().__init__(text)


class Limits:
    """What a client may do. Times in seconds."""

    def __init__(self, max_body_bytes: int, request_timeout_s: float) -> None:
        self.max_body_bytes, self.request_timeout_s = max_body_bytes, request_timeout_s


class HotConnection(asyncio.Protocol):
    """One client."""

    def __init__(
        self, hot: Mapping[str, HotHandler], hand_over: Callable[[], asyncio.Protocol], limits: Limits, open_: set[Any]
    ) -> None:
        self._hot, self._hand_over, self._limits, self._open = hot, hand_over, limits, open_
        self._buffer = bytearray()
        self._slots: deque[_Slot] = deque()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ending = False
        self._continued = False
        self._stream: Stream | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclasses of it
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the stream, if there is one."""
        self._open.discard(self)
        self._transport = None
        self._stop_timer()
        if self._stream is not None:
            self._stream.ended("peer")

    def data_received(self, data: bytes) -> None:
        """Serve what has become complete."""
        if self._ending or self._stream is not None:
            return  # nothing may follow on a connection that streams or ends
        self._buffer += data
        self._serve()

    def pause_writing(self) -> None:
        """Take no more requests from a client that does not read its answers."""
        if self._transport is not None and self._stream is None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on reading."""
        if self._transport is not None:
            self._transport.resume_reading()

    def abort(self) -> None:
        """End the connection now; for the server's use at its own end."""
        if self._transport is not None:
            if self._stream is not None:
                self._stream.ended("server", abort=False)
            self._transport.close()

    def _serve(self) -> None:
        try:
            while self._buffer and not self._ending and len(self._slots) < MAX_PIPELINED:
                if not self._serve_one():
                    break
        except Refused as refusal:
            self._buffer.clear()
            self._ending = True
            slot = self._new_slot(close=True)
            slot.respond(refusal.status, refusal.text.encode(), TEXT, ())
        if self._buffer and not self._ending:
            self._start_timer()
        else:
            self._stop_timer()

    def _serve_one(self) -> bool:
        """Serve the request at the buffer's start. Return whether the next one may be looked at."""
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(self._buffer) >= MAX_HEAD_BYTES:
                raise Refused(431, "431 Request Header Fields Too Large.")
            return False
        if self._path() not in self._hot:
            if not self._slots:
                self._give_away()
            return False  # after the answers that are still owed
        request = _Head(bytes(self._buffer[: end + 4]))
        body = self._body(request, end + 4)
        if body is None:
            return False
        content, consumed = body
        del self._buffer[:consumed]
        self._continued = False
        self._handle(request, content)
        return self._stream is None and self._transport is not None

    def _path(self) -> str:
        line = self._buffer[: self._buffer.find(b"\r\n")].split(b" ", 2)
        target = line[1] if len(line) == 3 else b""
        return target.partition(b"?")[0].decode("latin-1").rstrip("/")

    def _body(self, request: _Head, start: int) -> tuple[bytes, int] | None:
        """Return the body and where the message ends; ``None`` while it is not complete."""
        if request.chunked:
            return self._chunked_body(start)
        length = request.length
        if length > self._limits.max_body_bytes:
            raise Refused(413, "413 Request Entity Too Large.")
        if len(self._buffer) - start < length:
            self._say_continue(request)
            return None
        return bytes(self._buffer[start : start + length]), start + length

    def _chunked_body(self, at: int) -> tuple[bytes, int] | None:
        pieces = bytearray()
        while True:
            line_end = self._buffer.find(b"\r\n", at, at + 1024)
            if line_end < 0:
                if len(self._buffer) - at > 1024:
                    raise Refused(400, "400 Bad Request.")
                return None
            match = _CHUNK_SIZE.match(self._buffer[at:line_end])
            if match is None:
                raise Refused(400, "400 Bad Request.")
            size = int(match[1], 16)
            if len(pieces) + size > self._limits.max_body_bytes:
                raise Refused(413, "413 Request Entity Too Large.")
            at = line_end + 2
            if size == 0:
                return self._after_trailers(bytes(pieces), at)
            if len(self._buffer) < at + size + 2:
                return None
            if self._buffer[at + size : at + size + 2] != b"\r\n":
                raise Refused(400, "400 Bad Request.")
            pieces += self._buffer[at : at + size]
            at += size + 2

    def _after_trailers(self, body: bytes, at: int) -> tuple[bytes, int] | None:
        if self._buffer[at : at + 2] == b"\r\n":
            return body, at + 2
        end = self._buffer.find(b"\r\n\r\n", at, at + MAX_HEAD_BYTES)
        if end < 0:
            if len(self._buffer) - at > MAX_HEAD_BYTES:
                raise Refused(400, "400 Bad Request.")
            return None
        return body, end + 4

    def _say_continue(self, request: _Head) -> None:
        if request.headers.get("expect", "").lower() == "100-continue" and not self._continued and not self._slots:
            self._continued = True
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _handle(self, request: _Head, body: bytes) -> None:
        slot = self._new_slot(close=not request.keep_alive)
        slot.head_only = request.method == "HEAD"
        if not request.keep_alive:
            self._ending = True
        try:
            content = decoded(body, request.headers.get("content-encoding"), self._limits.max_body_bytes)
        except BadBody:
            slot.respond(500, b"failed to decode body", TEXT, ())
            return
        peer = self._transport.get_extra_info("peername") if self._transport else None
        exchange = Exchange(slot, request.method, request.target, request.headers, content, peer and peer[:2])
        self._hot[request.path](exchange)

    def _new_slot(self, *, close: bool) -> _Slot:
        slot = _Slot(self, close=close)
        self._slots.append(slot)
        return slot

    # What slots ask for.

    def flush(self) -> None:
        """Write the answers that are ready, in the order of their requests."""
        ready = []
        closing = False
        while self._slots and self._slots[0].ready is not None:
            slot = self._slots.popleft()
            ready.append(slot.ready or b"")
            closing = closing or slot.close
        if ready:
            self.write(b"".join(ready))
        if closing and self._transport is not None:
            self._transport.close()
        elif self._slots and self._slots[0].begin is not None:
            self._slots[0].begin()
        elif self._buffer and not self._ending:
            asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self) -> None:
        if self._buffer and not self._ending and self._stream is None and self._transport is not None:
            self._serve()

    def write(self, data: bytes) -> int:
        """Write at once and return how many bytes wait in the transport."""
        if self._transport is None:
            return 0
        self._transport.write(data)
        return self._transport.get_write_buffer_size()

    def streaming(self, stream: Stream) -> None:
        """Note that the connection belongs to ``stream`` from now on."""
        self._stream = stream
        self._buffer.clear()

    def end(self, abort: bool) -> None:
        """Close the connection, at once or when all is written."""
        if self._transport is not None:
            if abort:
                self._transport.abort()
            else:
                self._transport.close()

    def become(self, protocol: asyncio.Protocol) -> None:
        """Give the connection and what was read already to ``protocol``."""
        transport, rest = self._transport, bytes(self._buffer)
        if transport is None:
            return
        self._stop_timer()
        self._open.discard(self)
        self._transport = None
        self._buffer.clear()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if rest:
            protocol.data_received(rest)

    def _give_away(self) -> None:
        self.become(self._hand_over())

    def _start_timer(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._limits.request_timeout_s, self._timed_out)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _timed_out(self) -> None:
        self._timer = None
        if self._slots:
            self._start_timer()  # it waits for us, not we for it
        elif self._transport is not None:
            self._transport.abort()


class _Slot(Answer):
    """The place of one answer among the answers of its connection."""

    __slots__ = ("_connection", "begin", "close", "head_only", "ready")

    def __init__(self, connection: HotConnection, *, close: bool) -> None:
        self._connection = connection
        self.close, self.head_only = close, False
        self.ready: bytes | None = None
        self.begin: Callable[[], None] | None = None

    def respond(self, status: int, body: bytes, content_type: str | None, headers: Headers) -> None:
        fields = [("Content-Type", content_type)] if content_type else []
        fields += [*headers, ("Content-Length", str(len(body)))]
        if self.close:
            fields.append(("Connection", "close"))
        self.ready = head(status, fields) + (b"" if self.head_only else body)
        self._connection.flush()

    def stream(self, status: int, content_type: str, headers: Headers, limit_bytes: int) -> Stream:
        early: list[bytes] = []
        first = head(status, [("Content-Type", content_type), *headers, ("Transfer-Encoding", "chunked")])
        started = False

        def write(data: bytes) -> int:
            chunk = b"%x\r\n%b\r\n" % (len(data), data)
            if not started:
                early.append(chunk)
                return sum(map(len, early))
            return self._connection.write(chunk)

        def end(abort: bool) -> None:
            if started and not abort:
                self._connection.write(b"0\r\n\r\n")
            self._connection.end(abort)

        def begin() -> None:
            nonlocal started
            started = True
            self.begin = None
            self._connection.write(first + b"".join(early))
            early.clear()

        stream = Stream(write, end, limit_bytes)
        self._connection.streaming(stream)
        self.begin = begin
        self._connection.flush()
        return stream

    def upgrade(self, protocol: asyncio.Protocol, protocol_name: str) -> None:
        def begin() -> None:
            self.begin = None
            self._connection.write(head(101, [("Connection", "Upgrade"), ("Upgrade", protocol_name)]))
            self._connection.become(protocol)

        self.begin = begin
        self._connection.flush()


class _Head:
    """A parsed request head."""

    def __init__(self, data: bytes) -> None:
        self.target = ""
        self.headers: dict[str, str] = {}
        parser = httptools.HttpRequestParser(self)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # an Upgrade header; whether it is granted is the handler's to say
        except httptools.HttpParserError as error:
            raise Refused(400, "400 Bad Request.") from error
        self.method: str = parser.get_method().decode("latin-1")
        self.keep_alive: bool = parser.should_keep_alive()
        self.path = self.target.partition("?")[0].rstrip("/")
        encoding = self.headers.get("transfer-encoding")
        if encoding is not None and encoding.lower() != "chunked":
            raise Refused(501, "501 Not Implemented.")
        self.chunked = encoding is not None
        self.length = self._length()

    def on_url(self, url: bytes) -> None:
        """Take the target; called by httptools."""
        self.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field; called by httptools."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def _length(self) -> int:
        text = self.headers.get("content-length", "0")
        if not text.isdigit() or len(text) > 18:
            raise Refused(400, "400 Bad Request.")
        return int(text)
