from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesos.http.server import Exchange, PortTaken, Server, Stream


class Handlers:
    """What the server under test answers with."""

    def __init__(self) -> None:
        self.later: list[Exchange] = []
        self.streams: list[Stream] = []
        self.ended: list[str] = []

    def echo(self, exchange: Exchange) -> None:
        exchange.respond(200, exchange.body, headers=[("X-Query", exchange.query.get("q", ""))])

    def wait(self, exchange: Exchange) -> None:
        self.later.append(exchange)

    def stream(self, exchange: Exchange) -> None:
        stream = exchange.stream(limit_bytes=1 << 20)
        stream.on_close = self.ended.append
        self.streams.append(stream)

    def upgrade(self, exchange: Exchange) -> None:
        exchange.upgrade(Shouter(), protocol_name="shout/1")


class Shouter(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data.upper())


async def cold(request: web.Request) -> web.Response:
    return web.Response(text=f"cold {request.path} {await request.text()}")


@pytest_asyncio.fixture
async def handlers() -> Handlers:
    return Handlers()


@pytest_asyncio.fixture
async def server(handlers: Handlers) -> AsyncIterator[Server]:
    app = web.Application()
    app.router.add_route("*", "/cold", cold)
    hot = {"/hot": handlers.echo, "/wait": handlers.wait, "/stream": handlers.stream, "/up": handlers.upgrade}
    started = await Server.start(
        app, host="127.0.0.1", port=0, hot=hot, max_body_bytes=1000, request_timeout_s=0.3, flag="--port"
    )
    yield started
    await started.close()


async def talk(server: Server, *pieces: bytes, until: bytes | int) -> bytes:
    """Send pieces one by one and read until a text (or that many answers) came, or the end."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    data = b""
    while piece := await asyncio.wait_for(reader.read(65536), 5):
        data += piece
        if isinstance(until, int):
            if len(re.findall(rb"HTTP/1\.1 ", data)) >= until and data.count(b"\r\n\r\n") >= until:
                break
        elif until in data:
            break
    writer.close()
    return data


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


CHUNKED = (
    b"POST /hot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n"
)


async def test_a_hot_path_is_answered_with_date_length_and_query(server: Server) -> None:
    data = await talk(server, post("/hot/?q=1", b"hello"), until=b"hello")
    assert data.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
    assert b"X-Query: 1\r\n" in data
    assert b"Content-Length: 5\r\n" in data


async def test_every_mix_of_hot_and_cold_on_one_connection_is_answered_in_order(server: Server) -> None:
    data = await talk(server, post("/hot", b"a"), post("/cold", b"b"), post("/hot", b"c"), until=3)
    assert re.findall(rb"\r\n\r\n(?:cold /cold )?(a|b|c)", data) == [b"a", b"b", b"c"]


async def test_pipelined_answers_keep_the_order_of_the_requests(server: Server, handlers: Handlers) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(post("/wait", b"") + post("/hot", b"second"))
    while not handlers.later:
        await asyncio.sleep(0)
    handlers.later[0].respond(200, b"first")
    data = b""
    while b"second" not in data:
        data += await asyncio.wait_for(reader.read(4096), 5)
    assert data.index(b"first") < data.index(b"second")
    writer.close()


@given(st.lists(st.integers(1, 40), max_size=30))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_how_bytes_are_split_does_not_matter(cuts: list[int]) -> None:
    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/cold", cold)
        server = await Server.start(app, host="127.0.0.1", port=0, hot={"/hot": Handlers().echo})
        stream = post("/hot", b"1") + CHUNKED + post("/cold", b"2")
        pieces, rest = [], stream
        for size in cuts:
            pieces.append(rest[:size])
            rest = rest[size:]
        data = await talk(server, *filter(None, pieces), rest, until=b"cold /cold 2")
        assert re.findall(rb"\r\n\r\n(1|abcde|cold /cold 2)", data) == [b"1", b"abcde", b"cold /cold 2"]
        await server.close()

    asyncio.run(run())


@given(st.binary(min_size=1, max_size=200))
@settings(max_examples=40, deadline=None)
def test_garbage_neither_hangs_nor_breaks_the_server(garbage: bytes) -> None:
    async def run() -> None:
        server = await Server.start(
            web.Application(), host="127.0.0.1", port=0, hot={"/hot": Handlers().echo}, request_timeout_s=0.05
        )
        for prefix in (b"", b"POST /hot HTTP/1.1\r\n"):
            _, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(prefix + garbage + b"\r\n\r\n")
            writer.write_eof()
            writer.close()
        assert b"still here" in await talk(server, post("/hot", b"still here"), until=b"still here")
        await server.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post("/hot", b"x" * 1001), 413),
        (CHUNKED.replace(b"3\r\nabc", b"fff\r\nabc"), 413),
        (CHUNKED.replace(b"3\r\nabc", b"zz\r\nabc"), 400),
        (b"POST /hot HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /hot HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"POST /hot HTTP/1.1\r\nX: " + b"y" * 70000, 431),
        (post("/hot", b"no gzip", "Content-Encoding: gzip"), 500),
    ],
)
async def test_what_cannot_be_served_is_refused(server: Server, request_bytes: bytes, status: int) -> None:
    data = await talk(server, request_bytes, until=b"\r\n\r\n")
    assert data.startswith(b"HTTP/1.1 %d " % status)


async def test_a_packed_body_is_unpacked(server: Server) -> None:
    data = await talk(server, post("/hot", gzip.compress(b"plain"), "Content-Encoding: gzip"), until=b"plain")
    assert data.endswith(b"plain")


async def test_a_sender_that_never_finishes_is_cut_off(server: Server) -> None:
    assert await talk(server, b"POST /hot HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc", until=b"never") == b""


async def test_expect_continue_is_granted(server: Server) -> None:
    head, body = post("/hot", b"late", "Expect: 100-continue").split(b"\r\n\r\n")
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(head + b"\r\n\r\n")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 100 ")
    writer.write(body)
    assert (await asyncio.wait_for(reader.readuntil(b"late"), 5)).startswith(b"HTTP/1.1 200 ")
    writer.close()


@pytest.mark.parametrize("first", ["/stream", "/cold"])
async def test_a_stream_gives_what_is_sent_until_either_side_ends_it(
    server: Server, handlers: Handlers, first: str
) -> None:
    async with aiohttp.ClientSession(f"http://{server.host}:{server.port}") as session:
        if first == "/cold":
            await (await session.get("/cold")).text()  # the connection now belongs to aiohttp
        async with session.post("/stream") as answer:
            assert answer.headers["Transfer-Encoding"] == "chunked"
            handlers.streams[0].send(b"one")
            handlers.streams[0].send(b"two")
            assert await answer.content.readexactly(6) == b"onetwo"
            handlers.streams[0].close()
            assert await answer.content.read() == b""
    assert handlers.ended == ["server"]


async def test_a_reader_that_goes_away_or_stalls_ends_its_stream(server: Server, handlers: Handlers) -> None:
    for wanted in ("peer", "slow"):
        handlers.streams.clear()
        handlers.ended.clear()
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(post("/stream", b""))
        await reader.readuntil(b"\r\n\r\n")
        if wanted == "peer":
            writer.close()
        while not handlers.ended:
            if wanted == "slow":
                handlers.streams[0].send(b"x" * 300_000)
            await asyncio.sleep(0)
        assert handlers.ended == [wanted]
        writer.close()


async def test_an_upgrade_gives_the_connection_away(server: Server) -> None:
    request = b"GET /up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: shout/1\r\n\r\n"
    data = await talk(server, request, b"hello", until=b"HELLO")
    assert data.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"Upgrade: shout/1\r\n" in data


async def test_a_taken_port_is_named_with_its_flag(server: Server) -> None:
    with pytest.raises(PortTaken, match=rf"{server.port} .*--port"):
        await Server.start(web.Application(), host="127.0.0.1", port=server.port)
