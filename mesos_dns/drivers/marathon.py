"""Follows marathon's event bus, which knows of an end before it happens.

Marathon says that it stops an instance before it sends the kill; the master only tells when the task is dead. A name
that goes at the first word is never answered for a task that is about to end. What the bus says only ever changes
tasks that the master has told of, and the next whole state of the master overrules it.

Source: Marathon ``GET /v2/events`` (server-sent events).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import aiohttp

from mesos.clock import IdSource
from mesos.http.backoff import Backoff
from mesos.http.sse import SseDecoder
from mesos_dns.core.cluster import Event
from mesos_dns.errors import SourceError
from mesos_dns.schema.bus import read_bus_event

log = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_MAX_S = 0.2, 5.0
CONNECT_S = 5.0
SILENCE_S = 45.0
"""Marathon writes an empty line every 10 s; after this long without, the connection counts as lost."""


class MarathonBus:
    """Turns the bus into events.

    :param urls: of marathons, tried in turn; any of them redirects or proxies to the leading one.
    """

    def __init__(
        self,
        urls: Sequence[str],
        post: Callable[[Event], None],
        session: aiohttp.ClientSession,
        ids: IdSource,
    ) -> None:
        self._urls, self._post, self._session = urls, post, session
        self._backoff = Backoff(ids, first_s=RETRY_FIRST_S, max_s=RETRY_MAX_S)
        self.connected = False
        self.events = 0

    async def run(self) -> None:
        """Follow until cancelled; try again after every failure."""
        while True:
            for url in self._urls:
                before = self.events
                try:
                    await self._follow(url.rstrip("/") + "/v2/events")
                except (aiohttp.ClientError, OSError, TimeoutError, SourceError) as error:
                    fields = {"url": url, "error": str(error) or type(error).__name__}
                    log.log(logging.WARNING if self.connected else logging.DEBUG, "bus lost", extra=fields)
                self.connected = False
                if self.events > before:
                    self._backoff.reset()
            await asyncio.sleep(self._backoff.next_s())

    async def _follow(self, url: str) -> None:
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_read=SILENCE_S)
        headers = {"Accept": "text/event-stream"}
        async with self._session.get(url, headers=headers, timeout=timeout) as response:
            if response.status != 200:
                raise SourceError(f"{url} answered {response.status}")
            self.connected = True
            log.info("bus followed", extra={"url": url})
            decoder = SseDecoder()
            async for part in response.content.iter_any():
                for sent in decoder.feed(part):
                    self.events += 1
                    event = read_bus_event(sent.data.encode())
                    if event is not None:
                        self._post(event)
        raise SourceError(f"{url} closed the stream")
