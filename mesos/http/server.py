"""One port for everything: hot paths on our own protocol, all other requests on an aiohttp application.

Hot paths work on connections that aiohttp already owns as well: they are registered as routes of the application, which
lead to the same handlers.
"""

from __future__ import annotations

import asyncio
import errno
import ssl as tls
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from mesos.errors import MezzoError
from mesos.http.exchange import (
    TEXT,
    Answer,
    Exchange,
    Headers,
    HotHandler,
    Stream,
)
from mesos.http.hot import HotConnection, Limits

__all__ = ["Exchange", "HotHandler", "PortTaken", "Server", "Stream"]

MAX_BODY_BYTES = 64 << 20
REQUEST_TIMEOUT_S = 30.0
"""How long a client may take to send one request."""


class PortTaken(MezzoError):
    """Somebody else listens on the port; the text names the port and the flag that moves it."""


class Server:
    """A listening server. Make it with :meth:`start`."""

    def __init__(self, server: asyncio.Server, runner: web.AppRunner, open_: set[HotConnection]) -> None:
        self._server, self._runner, self._open = server, runner, open_
        address = server.sockets[0].getsockname()
        self.host: str = address[0]
        self.port: int = address[1]

    @classmethod
    async def start(
        cls,
        app: web.Application,
        *,
        host: str,
        port: int,
        hot: Mapping[str, HotHandler] | None = None,
        ssl: tls.SSLContext | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        flag: str = "--port",
    ) -> Server:
        """Listen on ``host`` and ``port`` (0: any).

        :param hot: path (no slash at the end) -> handler.
        :param flag: what moves the port, for the error.
        :raises PortTaken: when the port cannot be had.
        """
        paths = dict(hot or {})
        limits = Limits(max_body_bytes, request_timeout_s)
        for path, handler in paths.items():
            route = _bridge(handler, limits)
            app.router.add_route("*", path, route)
            app.router.add_route("*", f"{path}/", route)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        factory = runner.server
        assert factory is not None
        open_: set[HotConnection] = set()
        try:
            server = await asyncio.get_running_loop().create_server(
                lambda: HotConnection(paths, factory, limits, open_), host, port, ssl=ssl, backlog=1024
            )
        except OSError as error:
            await runner.cleanup()
            if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
                reason = error.strerror or str(error)
                raise PortTaken(f"cannot listen on {host}:{port} ({reason}); choose another with {flag}") from error
            raise
        return cls(server, runner, open_)

    async def close(self) -> None:
        """Take no more connections and end those there are."""
        self._server.close()
        for connection in list(self._open):
            connection.shut()
        await self._runner.cleanup()


def _bridge(handler: HotHandler, limits: Limits) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return an aiohttp handler that leads to a hot one."""

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = _BridgedAnswer(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.content.read() if request.can_read_body else b""
        if len(body) > limits.max_body_bytes:
            return web.Response(status=413, text="413 Request Entity Too Large.")
        # a packed body has been unpacked by aiohttp
        peer = request.transport.get_extra_info("peername") if request.transport else None
        handler(Exchange(answer, request.method, request.path_qs, headers, body, peer and peer[:2]))
        return await answer.response()

    return handle


class _BridgedAnswer(Answer):
    """An answer on a connection that aiohttp owns."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._whole: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._unsent = 0
        self._stream: Stream | None = None

    async def response(self) -> web.StreamResponse:
        """Wait for the handler and see the answer through."""
        response = await self._whole
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
        fields = [("Content-Type", content_type), *headers] if content_type else [*headers]
        if not self._whole.done():
            self._whole.set_result(web.Response(status=status, body=body, headers=fields))

    def stream(self, status: int, content_type: str, headers: Headers, limit_bytes: int) -> Stream:
        response = web.StreamResponse(status=status, headers=[("Content-Type", content_type), *headers])
        response.enable_chunked_encoding()
        if not self._whole.done():
            self._whole.set_result(response)
        self._stream = Stream(self._write, lambda _: self._chunks.put_nowait(None), limit_bytes)
        return self._stream

    def upgrade(self, protocol: asyncio.Protocol, protocol_name: str) -> None:
        text = f"{protocol_name} needs a connection of its own"
        self.respond(400, text.encode(), TEXT, ())

    def _write(self, data: bytes) -> int:
        self._unsent += len(data)
        self._chunks.put_nowait(data)
        return self._unsent
