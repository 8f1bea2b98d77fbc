"""Asks instances how they are: HTTP, HTTPS and TCP, many at once but never more than a bound.

HTTPS certificates are not looked at and redirects are not followed; an answer of 200 to 399 is a pass. Source:
Marathon ``HealthCheckWorkerActor``, ``ReadinessCheckExecutorImpl``.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import aiohttp

from marathon.core.effects import Probe, ReadinessQuery
from marathon.core.events import Event, ProbeDone, ReadinessDone

READINESS_BODY_MAX_BYTES = 64 << 10
"""As much of a readiness answer is kept."""


class Prober:
    """Makes probes and posts what they found.

    :param post: gets a ``ProbeDone`` or ``ReadinessDone`` for each; nothing is ever lost without one.
    :param at_once: probes under way at the same time; the others wait.
    """

    def __init__(self, post: Callable[[Event], None], at_once: int) -> None:
        self._post = post
        self._slots = asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def probe(self, probe: Probe) -> None:
        """Start one health probe."""
        self._spawn(self._probe(probe))

    def ask_readiness(self, query: ReadinessQuery) -> None:
        """Start one readiness query."""
        self._spawn(self._ready(query))

    async def close(self) -> None:
        """Give up all probes."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _probe(self, probe: Probe) -> None:
        async with self._slots:
            try:
                async with asyncio.timeout(probe.timeout_s):
                    done = await (self._tcp(probe) if probe.kind == "TCP" else self._http(probe))
            except TimeoutError:
                done = ProbeDone(token=probe.token, ok=False, cause=f"no answer within {probe.timeout_s:g} s")
            except (aiohttp.ClientError, OSError, ValueError) as error:
                done = ProbeDone(token=probe.token, ok=False, cause=str(error) or type(error).__name__)
        self._post(done)

    async def _tcp(self, probe: Probe) -> ProbeDone:
        family = socket.AF_INET6 if probe.ipv6 else socket.AF_UNSPEC
        _, writer = await asyncio.open_connection(probe.host, probe.port, family=family)
        writer.close()
        return ProbeDone(token=probe.token, ok=True)

    async def _http(self, probe: Probe) -> ProbeDone:
        host = f"[{probe.host}]" if ":" in probe.host else probe.host
        url = f"{probe.kind.lower()}://{host}:{probe.port}{probe.path}"
        async with self._client().get(url, allow_redirects=False) as answer:
            status = answer.status
        if 200 <= status < 400:
            return ProbeDone(token=probe.token, ok=True)
        ignored = probe.ignore_1xx and 100 <= status < 200
        return ProbeDone(token=probe.token, ok=False, cause=f"{status} {answer.reason}", ignored=ignored)

    async def _ready(self, query: ReadinessQuery) -> None:
        async with self._slots:
            try:
                async with (
                    asyncio.timeout(query.timeout_s),
                    self._client().get(query.url, allow_redirects=False) as answer,
                ):
                    body = await answer.content.read(READINESS_BODY_MAX_BYTES)
                    done = ReadinessDone(
                        token=query.token,
                        status=answer.status,
                        content_type=answer.content_type,
                        body=body.decode(errors="replace"),
                    )
            except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
                reason = str(error) or type(error).__name__
                text = f"Marathon could not query {query.url}: {reason}"
                done = ReadinessDone(token=query.token, status=504, body=text)
        self._post(done)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=False, force_close=True, limit=0)
            self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        return self._session
