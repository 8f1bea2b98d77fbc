"""Passes questions on that are not ours.

A question goes to the resolvers of the zone that matches longest, one after another until one answers, over the same
transport that it came by. Each goes out from a port and with an id of its own, so that replies are hard to forge.
Source: Mesos-DNS ``exchanger``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from mesos.clock import IdSource
from mesos_dns.core.answers import REFUSED, SERVFAIL
from mesos_dns.errors import UpstreamError
from mesos_dns.wire.query import HEADER_BYTES, Query, name_text, reply_code

log = logging.getLogger(__name__)

MAX_PENDING = 1000
"""Questions on their way at once; more are answered SERVFAIL."""

Address = tuple[str, int]


def system_resolvers(path: Path = Path("/etc/resolv.conf"), *, without: Sequence[Address] = ()) -> list[Address]:
    """Return the name servers of this machine, but for our own addresses."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    found = [(each[1].partition("%")[0], 53) for each in words if len(each) > 1 and each[0] == "nameserver"]
    return [address for address in dict.fromkeys(found) if address not in without]


class Forwarder:
    """Asks other servers.

    :param resolvers: for all names.
    :param by_zone: for the names of some zones, given without dots at the ends.
    :param timeout_s: for each resolver asked.
    """

    def __init__(
        self,
        resolvers: Sequence[Address],
        by_zone: Mapping[str, Sequence[Address]],
        *,
        timeout_s: float,
        ids: IdSource,
    ) -> None:
        self._resolvers, self._by_zone = resolvers, by_zone
        self._timeout_s, self._ids = timeout_s, ids
        self._pending = 0
        self.forwarded = 0
        self.failed = 0

    async def ask(self, packet: bytes, query: Query, *, tcp: bool) -> bytes:
        """Return the reply to ``packet`` from the first resolver that gives one, or a refusal of our own."""
        resolvers = self.resolvers_for(name_text(query.name) or ".")
        if not resolvers:
            return reply_code(query, REFUSED)
        if self._pending >= MAX_PENDING:
            self.failed += 1
            return reply_code(query, SERVFAIL)
        self._pending += 1
        try:
            return await self._first(packet, query, resolvers, tcp=tcp)
        except UpstreamError as error:
            self.failed += 1
            log.warning("no resolver answers", extra={"error": str(error)})
            return reply_code(query, SERVFAIL)
        finally:
            self._pending -= 1

    def resolvers_for(self, name: str) -> Sequence[Address]:
        """Return whom to ask for ``name`` (lower case, with the trailing dot)."""
        rest = name.rstrip(".")
        while rest:
            if rest in self._by_zone:
                return self._by_zone[rest]
            rest = rest.partition(".")[2]
        return self._resolvers

    async def _first(self, packet: bytes, query: Query, resolvers: Sequence[Address], *, tcp: bool) -> bytes:
        own_id = self._ids.uuid_bytes()[:2]
        message = own_id + packet[2:]
        reasons = []
        for address in resolvers:
            try:
                async with asyncio.timeout(self._timeout_s):
                    exchange = _by_tcp if tcp else _by_udp
                    reply = await exchange(message, address)
            except (OSError, TimeoutError, EOFError) as error:
                reasons.append(f"{address[0]}:{address[1]}: {str(error) or type(error).__name__}")
            else:
                self.forwarded += 1
                return query.id + reply[2:]
        raise UpstreamError("; ".join(reasons))


async def _by_udp(message: bytes, address: Address) -> bytes:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _Exchange(message), remote_addr=address)
    try:
        return await protocol.reply
    finally:
        transport.close()


async def _by_tcp(message: bytes, address: Address) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(len(message).to_bytes(2, "big") + message)
        reply = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.close()
    if not _belongs(reply, message):
        raise EOFError("the reply belongs to another question")
    return reply


class _Exchange(asyncio.DatagramProtocol):
    """Sends one question and waits for the reply that belongs to it."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self.reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send."""
        cast(asyncio.DatagramTransport, transport).sendto(self._message)  # uvloop's has no such base

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Take the reply; anything that is none is passed over."""
        if not self.reply.done() and _belongs(data, self._message):
            self.reply.set_result(data)

    def error_received(self, exc: Exception) -> None:
        """Give up at once when nobody listens there."""
        if not self.reply.done():
            self.reply.set_exception(exc)


def _belongs(reply: bytes, message: bytes) -> bool:
    """Tell whether ``reply`` has the id of ``message``, and its question where it has any."""
    if len(reply) < HEADER_BYTES or reply[:2] != message[:2] or not reply[2] & 0x80:
        return False
    if reply[4:6] == b"\0\0":
        return True
    end = message.index(b"\0", HEADER_BYTES) + 5
    return reply[HEADER_BYTES:end].lower() == message[HEADER_BYTES:end].lower()
