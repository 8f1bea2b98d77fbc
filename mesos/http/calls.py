"""Calls on one keep-alive connection, pipelined: each leaves at once, answers come back in their order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import cast

import httptools

from mesos.http.client import TIMEOUT_S, Unavailable

MAX_UNSENT_BYTES = 64 << 20
"""A server that lets more pile up takes no calls any more; the connection is given up."""

OnAnswer = Callable[[int, bytes], None]
"""``(status, body)``; status 0 when the connection broke before the answer, so the call may or may not have arrived."""


class CallConnection(asyncio.Protocol):
    """One connection to one server. Make it with :meth:`open`; ``on_lost`` is called once, at its end."""

    def __init__(self, host: str, port: int, path: str, headers: Mapping[str, str]) -> None:
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{fields}Content-Length: ".encode()
        self._waiting: deque[OnAnswer] = deque()
        self._transport: asyncio.Transport | None = None
        self._pending: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self.on_lost: Callable[[], None] | None = None

    @classmethod
    async def open(cls, host: str, port: int, path: str, headers: Mapping[str, str]) -> CallConnection:
        """Connect. :param headers: sent with every call. :raises Unavailable: when nobody listens."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                _, connection = await loop.create_connection(lambda: cls(host, port, path, headers), host, port)
        except OSError as error:  # TimeoutError is one
            raise Unavailable(f"{host}:{port} cannot be reached: {error}") from error
        return connection

    @property
    def closed(self) -> bool:
        """Whether no call can be sent any more."""
        return self._transport is None or self._transport.is_closing()

    def send(self, body: bytes, on_answer: OnAnswer) -> None:
        """Send one call. Calls of one loop tick leave in one write."""
        if self.closed:
            on_answer(0, b"")
            return
        if not self._pending:
            asyncio.get_running_loop().call_soon(self._flush)
        self._pending += (self._head, b"%d\r\n\r\n" % len(body), body)
        self._waiting.append(on_answer)

    def close(self) -> None:
        """End the connection after what was sent has left."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclasses of it

    def data_received(self, data: bytes) -> None:
        """Match answers to calls; what is no HTTP ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all who wait that they will get no answer."""
        self._transport = None
        while self._waiting:
            self._waiting.popleft()(0, b"")
        if self.on_lost is not None:
            self.on_lost()

    def on_body(self, data: bytes) -> None:
        """Take a piece of an answer; called by httptools."""
        self._body.append(data)

    def on_message_complete(self) -> None:
        """Hand an answer on; called by httptools."""
        body = b"".join(self._body)
        self._body.clear()
        if self._waiting:
            self._waiting.popleft()(self._parser.get_status_code(), body)

    def _flush(self) -> None:
        if self._pending and self._transport is not None:
            self._transport.write(b"".join(self._pending))
            if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
                self._transport.abort()
        self._pending.clear()
