"""The places of answers on a connection of ours: pipelined requests are answered in their order, whenever each is.

A slot holds its answer until those before it have left. An answer without end, and a change of protocol, begin when
their turn comes and take the rest of the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from mesos.http.exchange import GZIP_AT_ONCE_BYTES, GZIP_FROM_BYTES, Headers, Stream, gzipped, head, wants_gzip
from mesos.http.framing import Request


class Line(Protocol):
    """The connection, as its slots see it."""

    def flush(self) -> None:
        """Write what may be written now."""
        ...

    def write(self, data: bytes) -> int:
        """Write at once and return how many bytes wait to leave."""
        ...

    def streaming(self, stream: Stream) -> None:
        """Note that no more requests are read."""
        ...

    def upgrading(self) -> None:
        """Note that what comes is not for this protocol."""
        ...

    def end(self, abort: bool) -> None:
        """Close, at once or when all is written."""
        ...

    def become(self, protocol: asyncio.Protocol) -> None:
        """Give the connection away."""
        ...


class Slot:
    """The place of one answer. :attr:`ready` is the whole answer, :attr:`begin` starts one that has no whole."""

    __slots__ = ("_http_1_1", "_line", "_packs", "begin", "bodiless", "close", "ready")

    def __init__(self, line: Line, request: Request | None) -> None:
        self._line = line
        self.close = request is None or not request.keep_alive
        self.bodiless = request is not None and request.method == "HEAD"
        self._http_1_1 = request is None or request.http_1_1
        self._packs = request is not None and wants_gzip(request.headers.get("accept-encoding"))
        self.ready: bytes | None = None
        self.begin: Callable[[], None] | None = None

    def respond(self, status: int, body: bytes, content_type: str | None, headers: Headers) -> None:
        """Send a whole answer, packed where the client takes that and it is worth it."""
        fields = [("Content-Type", content_type)] if content_type else []
        fields += headers
        if not self._packs or len(body) < GZIP_FROM_BYTES:
            self._whole(status, body, fields)
            return
        fields.append(("Content-Encoding", "gzip"))
        if len(body) <= GZIP_AT_ONCE_BYTES:
            self._whole(status, gzipped(body), fields)
            return
        packing = asyncio.get_running_loop().run_in_executor(None, gzipped, body)
        packing.add_done_callback(lambda done: self._whole(status, done.result(), fields))

    def _whole(self, status: int, body: bytes, fields: list[tuple[str, str]]) -> None:
        fields.append(("Content-Length", str(len(body))))
        if self.close:
            fields.append(("Connection", "close"))
        elif not self._http_1_1:
            fields.append(("Connection", "keep-alive"))
        self.ready = head(status, fields) + (b"" if self.bodiless else body)
        self._line.flush()

    def stream(self, status: int, content_type: str, headers: Headers, limit_bytes: int) -> Stream:
        """Begin an answer without end, in chunks; an old client gets it bare."""
        tail = _Tail(self._line, chunked=self._http_1_1, bodiless=self.bodiless)
        framing = [("Transfer-Encoding", "chunked")] if self._http_1_1 else [("Connection", "close")]
        first = head(status, [("Content-Type", content_type), *headers, *framing])

        def begin() -> None:
            self.begin = None
            tail.begin(first)

        stream = Stream(tail.write, tail.end, limit_bytes)
        self.begin = begin
        self._line.streaming(stream)
        self._line.flush()
        return stream

    def upgrade(self, protocol: asyncio.Protocol, protocol_name: str) -> None:
        """Change the connection's protocol when it is this slot's turn."""

        def begin() -> None:
            self.begin = None
            self._line.write(head(101, [("Connection", "Upgrade"), ("Upgrade", protocol_name)]))
            self._line.become(protocol)

        self.begin = begin
        self._line.upgrading()
        self._line.flush()


class _Tail:
    """What follows the head of an answer without end; kept until its turn comes."""

    def __init__(self, line: Line, *, chunked: bool, bodiless: bool) -> None:
        self._line, self._chunked, self._bodiless = line, chunked, bodiless
        self._begun = False
        self._ended = False
        self._early: list[bytes] = []
        self._early_bytes = 0

    def write(self, data: bytes) -> int:
        chunk = b"" if self._bodiless else b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data
        if self._begun:
            return self._line.write(chunk)
        self._early.append(chunk)
        self._early_bytes += len(chunk)
        return self._early_bytes

    def begin(self, first: bytes) -> None:
        self._begun = True
        self._line.write(first + b"".join(self._early))
        self._early.clear()
        if self._ended or self._bodiless:
            self.end(abort=False)

    def end(self, abort: bool) -> None:
        self._ended = True
        if abort:
            self._line.end(True)
        elif self._begun:
            if self._chunked and not self._bodiless:
                self._line.write(b"0\r\n\r\n")
            self._line.end(False)
