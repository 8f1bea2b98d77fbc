"""Probes and readiness queries against real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from marathon.core.effects import Probe, ProbeToken, ReadinessQuery
from marathon.core.events import ProbeDone, ReadinessDone
from marathon.drivers.prober import Prober

pytestmark = pytest.mark.integration

TOKEN = ProbeToken("i", "t", 0)


@asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[int]:
    """Give the port of a server that sends ``answer`` to everybody; ``None``: it says nothing."""
    open_: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.append(writer)
        await reader.read(1)
        if answer is not None:
            writer.write(answer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_:
            writer.close()


async def found(start: Callable[[Prober], None]) -> Any:
    """Return what a prober posts."""
    posted: asyncio.Queue[Any] = asyncio.Queue()
    prober = Prober(posted.put_nowait, at_once=4)
    start(prober)
    try:
        return await asyncio.wait_for(posted.get(), 10)
    finally:
        await prober.close()


def http(status: str, body: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def probe(port: int, **fields: Any) -> ProbeDone:
    done = await found(
        lambda prober: prober.probe(Probe(token=TOKEN, host="127.0.0.1", port=port, **{"kind": "HTTP", **fields}))
    )
    assert isinstance(done, ProbeDone) and done.token == TOKEN
    return done


@pytest.mark.parametrize(
    ("status", "ok"), [("200 OK", True), ("302 Found", True), ("404 Not Found", False), ("500 Oops", False)]
)
async def test_http_passes_from_200_to_399(status: str, ok: bool) -> None:
    async with answering(http(status)) as port:
        done = await probe(port)
        assert done.ok is ok
        assert ok or done.cause == status


async def test_silence_and_refusal_are_failures() -> None:
    async with answering(None) as port:
        done = await probe(port, timeout_s=0.2)
        assert (done.ok, done.cause) == (False, "no answer within 0.2 s")
    done = await probe(port)
    assert not done.ok and done.cause


async def test_tcp_asks_for_a_connection_only() -> None:
    async with answering(None) as port:
        assert (await probe(port, kind="TCP")).ok
    assert not (await probe(port, kind="TCP")).ok


async def test_readiness_brings_the_answer_or_says_why_there_is_none() -> None:
    async with answering(http("503 Not Yet", "soon")) as port:
        url = f"http://127.0.0.1:{port}/ready"
        query = ReadinessQuery(token=TOKEN, url=url, timeout_s=5.0)
        done = await found(lambda prober: prober.ask_readiness(query))
        assert isinstance(done, ReadinessDone)
        assert (done.status, done.content_type, done.body) == (503, "text/plain", "soon")
    done = await found(lambda prober: prober.ask_readiness(query))
    assert done.status == 504
    assert done.body.startswith(f"Marathon could not query {url}: ")


async def test_no_more_probes_at_once_than_allowed() -> None:
    at_once = most = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http("200 OK"))
        await writer.drain()
        at_once -= 1
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    posted: list[Any] = []
    prober = Prober(posted.append, at_once=3)
    for _ in range(20):
        prober.probe(Probe(token=TOKEN, kind="HTTP", host="127.0.0.1", port=port))
    async with asyncio.timeout(10):
        while len(posted) < 20:
            await asyncio.sleep(0.01)
    await prober.close()
    server.close()
    assert most <= 3
    assert all(each.ok for each in posted)
