"""Follows the operator event stream of the leading master.

One connection at a time. It begins with the whole state and goes on with changes, so after every loss the next
connection sets right whatever was missed; until then the zone stays as it is. A master that does not lead redirects.
Source: Mesos operator API, ``SUBSCRIBE``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urljoin

import aiohttp

from mesos.clock import IdSource
from mesos.errors import MezzoError
from mesos.http.backoff import Backoff
from mesos.http.records import RecordStream
from mesos_dns.core.cluster import Event
from mesos_dns.core.model import Endpoint
from mesos_dns.errors import SourceError
from mesos_dns.schema.operator import read_leader, read_master_event, to_event

log = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_MAX_S = 0.1, 2.0
CONNECT_S = 5.0
SILENCES = 3
"""Heartbeats that may be missed before a connection counts as lost."""

MAX_REDIRECTS = 5


class Masters(Protocol):
    """Knows where masters may be."""

    def candidates(self) -> list[Endpoint]:
        """Return whom to try, the likeliest leader first."""
        ...

    async def changed(self) -> None:
        """Wait until the candidates change."""
        ...

    def leads(self, leader: Endpoint) -> None:
        """Hear who answered as the leader."""
        ...


class OperatorStream:
    """Turns the stream into events.

    :param post: takes every event, in order.
    :param scheme: ``http`` or ``https``.
    """

    def __init__(
        self,
        masters: Masters,
        post: Callable[[Event], None],
        session: aiohttp.ClientSession,
        ids: IdSource,
        *,
        scheme: str = "http",
        state_timeout_s: float = 300.0,
    ) -> None:
        self._masters, self._post, self._session = masters, post, session
        self._scheme, self._state_timeout_s = scheme, state_timeout_s
        self._backoff = Backoff(ids, first_s=RETRY_FIRST_S, max_s=RETRY_MAX_S)
        self.connected = False
        self.snapshots = 0
        self.events = 0
        self.failures = 0

    async def run(self) -> None:
        """Follow the leader until cancelled; try again after every failure."""
        while True:
            before = self.snapshots
            await self._until_changed()
            if self.snapshots > before:
                self._backoff.reset()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._backoff.next_s()):
                    await self._masters.changed()

    async def _until_changed(self) -> None:
        """Try all candidates; give up when the leader is seen to be another."""
        following = asyncio.ensure_future(self._try_all())
        changed = asyncio.ensure_future(self._masters.changed())
        try:
            await asyncio.wait((following, changed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (following, changed):
                task.cancel()
            await asyncio.gather(following, changed, return_exceptions=True)
            self.connected = False

    async def _try_all(self) -> None:
        for candidate in self._masters.candidates():
            before = self.snapshots
            try:
                await self._follow(_url(self._scheme, candidate))
            except (aiohttp.ClientError, OSError, TimeoutError, MezzoError) as error:
                self.failures += 1
                fields = {"master": f"{candidate.host}:{candidate.port}", "error": str(error) or type(error).__name__}
                log.warning("master cannot be followed", extra=fields)
            if self.snapshots > before:
                return  # it led a moment ago, so the order of candidates may be another now

    async def _follow(self, url: str) -> None:
        for _ in range(MAX_REDIRECTS):
            async with self._call(url, "SUBSCRIBE", read_s=self._state_timeout_s) as response:
                if response.status in (302, 303, 307):
                    url = urljoin(url, response.headers.get("Location", ""))
                    continue
                if response.status != 200:
                    text = (await response.text())[:200]
                    raise SourceError(f"{url} answered {response.status}: {text}")
                await self._read(url, response)
                return
        raise SourceError(f"{url} redirects in circles")

    async def _read(self, url: str, response: aiohttp.ClientResponse) -> None:
        stream = RecordStream(response)
        stream.silence_s = self._state_timeout_s
        async for record in stream.records():
            event = read_master_event(record)
            if event.type == "SUBSCRIBED" and event.subscribed is not None:
                stream.silence_s = max(1.0, SILENCES * event.subscribed.heartbeat_interval_seconds)
                await self._tell_leader(url, response)
            self._take(event.type, to_event(event))
        raise SourceError(f"{url} closed the stream")

    def _take(self, kind: str, event: Event | None) -> None:
        self.events += 1
        if event is not None:
            self._post(event)
        if kind == "SUBSCRIBED":
            self.snapshots += 1
            self.connected = True

    async def _tell_leader(self, url: str, response: aiohttp.ClientResponse) -> None:
        """Say who leads: by its own word, else by where the connection ends."""
        leader = None
        try:
            async with self._call(url, "GET_MASTER", read_s=CONNECT_S) as answer:
                leader = read_leader(await answer.read()) if answer.status == 200 else None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.debug("leader not told", extra={"error": str(error)})
        connection = response.connection
        peer = connection.transport.get_extra_info("peername") if connection and connection.transport else None
        if leader is None and peer:
            leader = Endpoint(peer[0], peer[1])
        if leader is not None:
            self._masters.leads(leader)
            log.info("master followed", extra={"leader": f"{leader.host}:{leader.port}"})

    def _call(self, url: str, kind: str, *, read_s: float) -> aiohttp.client._RequestContextManager:
        return self._session.post(
            url,
            data=b'{"type":"%b"}' % kind.encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_read=read_s),
            allow_redirects=False,
        )


def _url(scheme: str, master: Endpoint) -> str:
    host = f"[{master.host}]" if ":" in master.host else master.host
    return f"{scheme}://{host}:{master.port}/api/v1"
