"""Hot handlers on connections that aiohttp owns.

A connection that once asked for something else stays aiohttp's, and may ask for a hot path later. The same handlers
answer there, through the same :class:`~mesos.http.exchange.Exchange`; only a change of protocol is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError

from mesos.http.exchange import TEXT, Exchange, Headers, HotHandler, Stream


class Bridge:
    """Makes routes that lead to hot handlers, and ends their streams when the server closes."""

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._open: set[_BridgedAnswer] = set()

    def route(self, handler: HotHandler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return an aiohttp handler that asks ``handler``."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                body = await self._body(request)
            except (ContentEncodingError, web.RequestPayloadError) as error:
                status, text = unreadable(error)
                return web.Response(status=status, text=text)
            if body is None:
                return web.Response(status=413, text="413 Request Entity Too Large.")
            answer = _BridgedAnswer(request)
            self._open.add(answer)
            try:
                handler(Exchange(answer, request.method, request.path_qs, _headers(request), body, _peer(request)))
                return await answer.response()
            finally:
                self._open.discard(answer)

        return handle

    def close(self) -> None:
        """End all streams."""
        for answer in list(self._open):
            answer.shut()

    async def _body(self, request: web.Request) -> bytes | None:
        """Return the body, unpacked by aiohttp; ``None`` when it is too large."""
        pieces = bytearray()
        while piece := await request.content.readany():
            pieces += piece
            if len(pieces) > self._max_body_bytes:
                return None
        return bytes(pieces)


def unreadable(error: Exception) -> tuple[int, str]:
    """Return status and text for a body that aiohttp could not read. Source: answers of a Mesos 1.11.0 master."""
    if isinstance(error, ContentEncodingError) or isinstance(error.__cause__, ContentEncodingError):
        return 500, "failed to decode body"
    return 400, "400 Bad Request."


def _headers(request: web.Request) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        fields[key] = f"{fields[key]}, {value}" if key in fields else value
    return fields


def _peer(request: web.Request) -> tuple[str, int] | None:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None


class _BridgedAnswer:
    """An answer on a connection that aiohttp owns."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._begun: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._unsent = 0
        self._stream: Stream | None = None

    async def response(self) -> web.StreamResponse:
        """Wait for the handler and see the answer through. Cancelled when the client goes away."""
        response = await self._begun
        if self._stream is None:
            return response
        try:
            await response.prepare(self._request)
            while (chunk := await self._chunks.get()) is not None:
                await response.write(chunk)
                self._unsent -= len(chunk)
            await response.write_eof()
        except (ConnectionError, asyncio.CancelledError):
            self._stream.ended("peer")
            raise
        return response

    def respond(self, status: int, body: bytes, content_type: str | None, headers: Headers) -> None:
        """Send a whole answer."""
        fields = [("Content-Type", content_type), *headers] if content_type else [*headers]
        if not self._begun.done():
            self._begun.set_result(web.Response(status=status, body=body, headers=fields))

    def stream(self, status: int, content_type: str, headers: Headers, limit_bytes: int) -> Stream:
        """Begin an endless answer; a client that has gone already ends it."""
        self._stream = Stream(self._write, self._end, limit_bytes)
        if self._begun.done():
            asyncio.get_running_loop().call_soon(self._stream.ended, "peer")
        else:
            response = web.StreamResponse(status=status, headers=[("Content-Type", content_type), *headers])
            response.enable_chunked_encoding()
            self._begun.set_result(response)
        return self._stream

    def upgrade(self, protocol: asyncio.Protocol, protocol_name: str) -> None:
        """Refuse: the connection is not ours to give away."""
        self.respond(400, f"{protocol_name} needs a connection of its own".encode(), TEXT, ())

    def shut(self) -> None:
        """End the stream, if there is one; for the server's use at its own end."""
        if self._stream is not None:
            self._stream.close()

    def _write(self, data: bytes) -> int:
        self._unsent += len(data)
        self._chunks.put_nowait(data)
        return self._unsent

    def _end(self, abort: bool) -> None:
        self._chunks.put_nowait(None)
        if abort and self._request.transport is not None:
            self._request.transport.abort()
