"""Following an endless RecordIO answer of a master: open, read, notice silence, try again elsewhere.

Shared by the scheduler client and the follower of operator events.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping

import aiohttp

from mesos.clock import IdSource
from mesos.election import Detector, Leader, master_of
from mesos.errors import CodecError
from mesos.http.backoff import Backoff
from mesos.http.client import TIMEOUT_S, BadStatus, HttpClient, Unavailable
from mesos.recordio import Decoder, RecordError

log = logging.getLogger(__name__)

MISSED_HEARTBEATS = 5
"""Silence of this many heartbeats means that the master is gone. Source: the habit of Mesos' own schedulers."""

HEARTBEAT_S = 15.0
"""What is expected until the master says otherwise. Source: Mesos ``constants.hpp``."""


class RecordStream:
    """One open stream.

    :ivar headers: of the answer.
    :ivar address: host and port of the master that answered, after redirects.
    """

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.headers: Mapping[str, str] = answer.headers
        self.address = (answer.url.host or "", answer.url.port or 80)
        self.silence_s = MISSED_HEARTBEATS * HEARTBEAT_S

    async def records(self) -> AsyncIterator[bytes]:
        """Give records until the end.

        :raises Unavailable: when the connection breaks, is silent for too long, or carries no records.
        """
        decoder = Decoder()
        try:
            while True:
                async with asyncio.timeout(self.silence_s):
                    data = await self._answer.content.readany()
                if not data:
                    return
                for record in decoder.feed(data):
                    yield record
        except TimeoutError as error:
            raise Unavailable(f"no heartbeat for {self.silence_s:g} s") from error
        except (aiohttp.ClientError, RecordError) as error:
            raise Unavailable(f"the stream broke: {error}") from error

    def close(self) -> None:
        """End the stream."""
        self._answer.close()


async def open_stream(client: HttpClient, leader: Leader, path: str, body: bytes) -> RecordStream:
    """POST ``body`` to the leading master and return the stream it answers.

    :raises Unavailable: when it cannot be reached.
    :raises BadStatus: when it refuses.
    """
    info = master_of(leader)
    host = info.address.ip or info.address.hostname if info.address else info.hostname
    url = f"http://{host}:{info.port}{path}"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer = await client.open("POST", url, body)
            if answer.status == 200:
                return RecordStream(answer)
            text = await answer.text(errors="replace")
    except TimeoutError as error:
        raise Unavailable(f"{url} did not answer within {TIMEOUT_S:g} s") from error
    except aiohttp.ClientError as error:
        raise Unavailable(f"{url} did not answer: {error}") from error
    answer.close()
    raise BadStatus(url, answer.status, text)


class Follower:
    """Runs one attempt after the other against whoever leads, with growing pauses; a new leader is tried at once.

    :param attempt: follows one leader until it ends; calls the function it is given once things work.
    """

    def __init__(
        self,
        detector: Detector,
        ids: IdSource,
        attempt: Callable[[Leader, Callable[[], None]], asyncio.Future[None] | asyncio.Task[None]],
        *,
        max_pause_s: float = 10.0,
    ) -> None:
        self._detector, self._attempt = detector, attempt
        self._backoff = Backoff(ids, max_s=max_pause_s)
        self._current: asyncio.Future[None] | None = None
        self._followed: Leader | None = None
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        self._detector.start(self._leader_changed)
        try:
            while True:
                await self._follow(await self._detector.leader())
                await self._pause()
        finally:
            if self._current is not None:
                self._current.cancel()
            await self._detector.stop()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._backoff.next_s()):
                await self._changed.wait()
                self._backoff.reset()

    async def _follow(self, leader: Leader) -> None:
        self._followed = leader
        self._changed.clear()
        self._current = self._attempt(leader, self._backoff.reset)
        try:
            await self._current
            log.info("stream ended", extra={"master": leader.node})
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            self._backoff.reset()
            log.info("leader changed", extra={"was": leader.node})
        except (Unavailable, BadStatus, CodecError) as error:
            log.warning("stream failed", extra={"master": leader.node, "error": str(error)})
        finally:
            self._current = None

    def _leader_changed(self, leader: Leader | None) -> None:
        if leader == self._followed:
            return
        self._changed.set()
        if self._current is not None:
            self._current.cancel()
