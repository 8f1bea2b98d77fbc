"""The hot paths' own HTTP/1.1 server side.

One connection is one :class:`HotConnection`. It looks at the first line of each request; a path that is not hot, and
everything after it, is handed over to aiohttp by ``transport.set_protocol``. Requests may be pipelined: handlers run at
once, answers leave in the order of the requests. A client that sends more than it takes is not read until it takes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, cast

from mesos.http.exchange import TEXT, BadBody, Exchange, HotHandler, Stream, decoded
from mesos.http.framing import Refused, Request, RequestReader
from mesos.http.slots import Slot

log = logging.getLogger(__name__)

MAX_PIPELINED = 256
"""Requests of one connection that may wait for their answers; more are not read."""

LINGER_S = 2.0
"""How long a client that was refused may go on sending."""


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
        self._reader = RequestReader(limits.max_body_bytes)
        self._slots: deque[Slot] = deque()
        self._transport: asyncio.Transport | None = None
        self._peer: tuple[str, int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stream: Stream | None = None
        self._last = False  # no more requests are read
        self._upgrading = False  # what comes is for the protocol that follows
        self._half_open = False  # the client sends no more; no sign will come when it goes
        self._lingering = False  # a refusal must reach a client that is still sending
        self._serving = False  # answers wait for the end of the round
        self._blocked = False  # requests wait for answers
        self._jammed = False  # answers wait for the client
        self._reading = True
        self._continued = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and wait for a request no longer than the limit."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclasses of it
        peer = transport.get_extra_info("peername")
        self._peer = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None
        self._open.add(self)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the stream, if there is one."""
        self._open.discard(self)
        self._transport = None
        self._last = True
        self._stop_timer()
        if self._stream is not None:
            self._stream.ended("peer")

    def eof_received(self) -> bool:
        """Still give a client that will send no more the answers it is owed; not to one that streams."""
        encrypted = self._transport is None or self._transport.get_extra_info("sslcontext") is not None
        if not self._slots or self._stream is not None or encrypted:
            return False
        self._last = self._half_open = True
        self._stop_timer()
        self._slots[-1].close = True
        return True

    def data_received(self, data: bytes) -> None:
        """Serve what has become complete."""
        if self._last and not self._upgrading:
            return  # nothing may follow a request whose answer has no end, or ends the connection
        self._reader.feed(data)
        if not self._last:
            self._serve()

    def pause_writing(self) -> None:
        """Take no more requests from a client that does not take its answers."""
        self._jammed = self._stream is None
        self._gate()

    def resume_writing(self) -> None:
        """Go on reading."""
        self._jammed = False
        self._gate()

    def shut(self) -> None:
        """End the connection when all is written; for the server's use at its own end."""
        if self._stream is not None:
            self._stream.close()
        if self._transport is not None:
            self._transport.close()

    def _serve(self) -> None:
        self._serving = True
        self._blocked = False
        try:
            while not self._last and self._serve_one():
                self._stop_timer()
                self._continued = False
        except Refused as refusal:
            self._last = self._lingering = True
            self._new_slot(None).respond(refusal.status, refusal.text.encode(), TEXT, ())
        finally:
            self._serving = False
        if not self._reader.waiting or self._last or self._blocked:
            self._stop_timer()
        else:
            self._start_timer()
        self.flush()
        self._gate()

    def _serve_one(self) -> bool:
        """Serve the next request. Return whether the one after it may be looked at."""
        path = self._reader.path()
        if path is None:
            return False
        if path not in self._hot:
            if self._slots:
                self._blocked = True  # until the answers that are still owed have left
            else:
                self.become(self._hand_over())
            return False
        if len(self._slots) >= MAX_PIPELINED:
            self._blocked = True
            return False
        request = self._reader.take()
        if request is None:
            self._say_continue()
            return False
        self._handle(request)
        return True

    def _say_continue(self) -> None:
        if self._reader.expects_continue and not self._continued and not self._slots:
            self._continued = True
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _handle(self, request: Request) -> None:
        slot = self._new_slot(request)
        self._last = slot.close
        try:
            body = decoded(request.body, request.headers.get("content-encoding"), self._limits.max_body_bytes)
        except BadBody:
            slot.respond(500, b"failed to decode body", TEXT, ())
            return
        exchange = Exchange(slot, request.method, request.target, request.headers, body, self._peer)
        try:
            self._hot[request.path](exchange)
        except Exception:
            log.exception("hot request failed", extra={"method": request.method, "path": request.path})
            if not exchange.answered:
                exchange.respond(500, b"500 Internal Server Error.")
            elif self._stream is not None:
                self._stream.close()

    def _new_slot(self, request: Request | None) -> Slot:
        slot = Slot(self, request)
        self._slots.append(slot)
        return slot

    # What slots ask for.

    def flush(self) -> None:
        """Write the answers that are ready, in the order of their requests, in one piece."""
        if self._serving:
            return
        ready = []
        closing = False
        while self._slots and self._slots[0].ready is not None and not closing:
            slot = self._slots.popleft()
            ready.append(slot.ready or b"")
            closing = slot.close
        if ready:
            self.write(b"".join(ready))
        if closing and self._lingering:
            self._linger()
        elif closing:
            self.end(abort=False)
        elif self._slots and self._slots[0].begin is not None:
            self._slots[0].begin()
        elif ready and self._blocked:
            asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self) -> None:
        if self._blocked and not self._last:
            self._serve()

    def write(self, data: bytes) -> int:
        """Write at once and return how many bytes wait in the transport."""
        if self._transport is None:
            return 0
        self._transport.write(data)
        return self._transport.get_write_buffer_size()

    def streaming(self, stream: Stream) -> None:
        """Note that the connection belongs to ``stream`` from now on; for a client that has gone it ends at once."""
        self._last = True
        self._stream = stream
        self._reader.rest()
        if self._transport is None or self._half_open:
            asyncio.get_running_loop().call_soon(stream.ended, "peer")

    def upgrading(self) -> None:
        """Keep what has come for the protocol that follows, and read no more until then."""
        self._last = self._upgrading = self._blocked = True
        self._gate()

    def end(self, abort: bool) -> None:
        """Close the connection, at once or when all is written."""
        if self._transport is not None:
            if abort:
                self._transport.abort()
            else:
                self._transport.close()

    def _linger(self) -> None:
        """Say that no more is coming, and take what the client still sends; closing now would cost it the answer."""
        if self._transport is None or not self._transport.can_write_eof():
            self.end(abort=False)
            return
        self._transport.write_eof()
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(LINGER_S, self.end, True)

    def become(self, protocol: asyncio.Protocol) -> None:
        """Give the connection and what was read already to ``protocol``."""
        transport, rest = self._transport, self._reader.rest()
        if transport is None or transport.is_closing():
            return
        self._last = True
        self._blocked = self._jammed = False
        self._gate()
        self._stop_timer()
        self._open.discard(self)
        self._transport = None
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if rest:
            protocol.data_received(rest)

    def _gate(self) -> None:
        """Read, or not, as things stand."""
        reads = not (self._blocked or self._jammed)
        if self._transport is None or self._transport.is_closing() or reads == self._reading:
            return
        self._reading = reads
        if reads:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

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
