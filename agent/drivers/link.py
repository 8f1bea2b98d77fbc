"""Keeps a link to the leading master: finds it, dials, upgrades, and again after every break."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from mesos.clock import IdSource
from mesos.election import Detector, Leader, master_of
from mesos.http.backoff import Backoff
from mesos.http.client import Unavailable
from mesos.link import LINK_PATH, LINK_PROTOCOL, FromAgent, FromMaster, LinkConnection, LinkMessage

log = logging.getLogger(__name__)

DIAL_TIMEOUT_S = 10.0
MAX_REDIRECTS = 5


class MasterLink:
    """The agent's end of the link.

    :param on_connected: there is a link; the agent has to register.
    :param on_messages: what the master sent in one read.
    :param on_disconnected: the link is gone; another one is being made.
    """

    def __init__(
        self,
        detector: Detector,
        ids: IdSource,
        *,
        on_connected: Callable[[], None],
        on_messages: Callable[[list[FromMaster]], None],
        on_disconnected: Callable[[], None],
        max_pause_s: float = 5.0,
    ) -> None:
        self._detector = detector
        self._on_connected, self._on_messages, self._on_disconnected = on_connected, on_messages, on_disconnected
        self._backoff = Backoff(ids, max_s=max_pause_s)
        self._connection: LinkConnection | None = None
        self._closed: asyncio.Event = asyncio.Event()
        self._followed: Leader | None = None
        self.master_hostname: str | None = None

    def send(self, message: LinkMessage) -> None:
        """Send a message; without a link it is dropped."""
        if self._connection is not None:
            self._connection.send(message)

    def reconnect(self, reason: str) -> None:
        """End the link; a new one is made at once."""
        if self._connection is not None:
            self._connection.close(reason)

    async def run(self) -> None:
        """Keep a link until cancelled."""
        self._detector.start(self._leader_changed)
        try:
            while True:
                leader = await self._detector.leader()
                try:
                    await self._follow(leader)
                except (OSError, TimeoutError, Unavailable) as error:
                    log.warning("master cannot be reached", extra={"master": leader.node, "error": str(error)})
                await asyncio.sleep(self._backoff.next_s())
        finally:
            if self._connection is not None:
                self._connection.close("the agent stops")
            await self._detector.stop()

    async def _follow(self, leader: Leader) -> None:
        self._followed = leader
        info = master_of(leader)
        host = info.address.ip or info.hostname if info.address else info.hostname
        self._closed.clear()
        async with asyncio.timeout(DIAL_TIMEOUT_S):
            self._connection = await self._dial(host or "", info.port)
        self.master_hostname = info.hostname
        log.info("linked", extra={"master": f"{host}:{info.port}"})
        self._backoff.reset()
        self._on_connected()
        await self._closed.wait()

    async def _dial(self, host: str, port: int) -> LinkConnection:
        """Return an upgraded connection; standbys lead to the leader. :raises Unavailable: when there is none."""
        loop = asyncio.get_running_loop()
        for _ in range(MAX_REDIRECTS):
            connection = LinkConnection("agent", on_messages=self._received, on_closed=self._lost)
            _, dialer = await loop.create_connection(functools.partial(_Dialer, host, port, connection), host, port)
            status, location = await dialer.answered
            if status == 101:
                return connection
            if status != 307 or location is None:
                raise Unavailable(f"{host}:{port} answered {status} to the link")
            target = urlsplit(location)
            host, port = target.hostname or host, target.port or port
        raise Unavailable("too many redirects")

    def _received(self, _: LinkConnection, messages: list[FromAgent | FromMaster]) -> None:
        self._on_messages(messages)  # type: ignore[arg-type]

    def _lost(self, connection: LinkConnection, reason: str) -> None:
        log.warning("link lost", extra={"why": reason})
        if connection is self._connection:
            self._connection = None
            self._on_disconnected()
        self._closed.set()

    def _leader_changed(self, leader: Leader | None) -> None:
        if leader != self._followed:
            self.reconnect("another master leads")


class _Dialer(asyncio.Protocol):
    """Asks for the upgrade; when it is granted, gives the connection to ``link``.

    ``answered`` becomes ``(status, location)``.
    """

    def __init__(self, host: str, port: int, link: LinkConnection) -> None:
        self._request = (
            f"GET {LINK_PATH} HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"Connection: Upgrade\r\nUpgrade: {LINK_PROTOCOL}\r\n\r\n"
        )
        self._link = link
        self._buffer = b""
        self.answered: asyncio.Future[tuple[int, str | None]] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request.encode())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator or self.answered.done():
            return
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        if status == 101:
            self._transport.set_protocol(self._link)
            self._link.connection_made(self._transport)
            if rest:
                self._link.data_received(rest)
        else:
            self._transport.close()
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.answered.set_result((status, fields.get("location")))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(Unavailable(f"the master hung up: {exc or 'no answer'}"))
