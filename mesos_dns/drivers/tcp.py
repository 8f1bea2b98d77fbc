"""DNS over TCP: messages with their length in front.

Limits as Mesos-DNS has them: 2 s to the first question, 8 s to the next, 128 questions a connection.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

FIRST_S = 2.0
IDLE_S = 8.0
MAX_QUESTIONS = 128
MAX_CONNECTIONS = 1024
"""Connections at once; further ones are closed."""

Respond = Callable[[bytes], Awaitable[bytes | None]]


class TcpServer:
    """Serves one listening socket. ``respond`` gives the reply to one message, or ``None`` to close."""

    def __init__(self, listener: socket.socket, respond: Respond) -> None:
        self._listener, self._respond = listener, respond
        self._open = 0
        self.answered = 0

    async def run(self) -> None:
        """Serve until cancelled."""
        server = await asyncio.start_server(self._serve, sock=self._listener)
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MAX_CONNECTIONS:
                await self._converse(reader, writer)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side is done
        except asyncio.CancelledError:
            pass  # the program stops; nobody waits for this task, and asyncio would log it as an error
        finally:
            self._open -= 1
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(MAX_QUESTIONS):
            async with asyncio.timeout(IDLE_S if number else FIRST_S):
                length = int.from_bytes(await reader.readexactly(2), "big")
                message = await reader.readexactly(length)
            reply = await self._respond(message)
            if reply is None:
                return
            writer.write(len(reply).to_bytes(2, "big") + reply)
            self.answered += 1
            async with asyncio.timeout(IDLE_S):
                await writer.drain()
