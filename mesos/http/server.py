"""One port for everything: hot paths on our own protocol, all other requests on an aiohttp application.

Hot paths work on connections that aiohttp already owns as well: they are registered as routes of the application, which
lead to the same handlers.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl as tls
from collections.abc import Mapping

from aiohttp import web

from mesos.errors import MezzoError
from mesos.http.bridge import Bridge
from mesos.http.exchange import MAX_BODY_BYTES, Exchange, HotHandler, Stream
from mesos.http.hot import HotConnection, Limits

__all__ = ["Exchange", "HotHandler", "PortTaken", "Server", "Stream"]

REQUEST_TIMEOUT_S = 30.0
"""How long a client may take to send one request."""


CLOSE_TIMEOUT_S = 3.0
"""How long requests that aiohttp is serving may go on when the server closes."""

DEAD_AFTER_S = 60
"""A client whose machine does not answer for so long is gone, whether or not anything is to be sent to it."""


class PortTaken(MezzoError):
    """Somebody else listens on the port; the text names the port and the flag that moves it."""


class Server:
    """A listening server. Make it with :meth:`start`."""

    def __init__(
        self, server: asyncio.Server, runner: web.AppRunner, bridge: Bridge, open_: set[HotConnection]
    ) -> None:
        self._server, self._runner, self._bridge, self._open = server, runner, bridge, open_
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
        bridge = Bridge(max_body_bytes)
        for path, handler in paths.items():
            route = bridge.route(handler)
            app.router.add_route("*", path, route)
            app.router.add_route("*", f"{path}/", route)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=CLOSE_TIMEOUT_S)
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
        for each in server.sockets:
            _notice_dead_clients(each)
        return cls(server, runner, bridge, open_)

    async def close(self) -> None:
        """Take no more connections and end those there are."""
        self._server.close()
        for connection in list(self._open):
            connection.shut()
        self._bridge.close()
        await self._runner.cleanup()


def _notice_dead_clients(listening: socket.socket) -> None:
    """Have the kernel watch the connections; those accepted inherit it. Source: tcp(7)."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", DEAD_AFTER_S // 2),
        ("TCP_KEEPINTVL", DEAD_AFTER_S // 6),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", DEAD_AFTER_S * 1000),
    ):
        if hasattr(socket, name):  # not every system has them
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
