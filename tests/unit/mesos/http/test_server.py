from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from typing import cast

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesos.http.hot import MAX_PIPELINED
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

    def long(self, exchange: Exchange) -> None:
        exchange.respond(200, b"x" * int(exchange.query["n"]))

    def broken(self, exchange: Exchange) -> None:
        raise ValueError("a bug")

    def upgrade(self, exchange: Exchange) -> None:
        exchange.upgrade(Shouter(), protocol_name="shout/1")


class Shouter(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

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
    hot |= {"/long": handlers.long, "/broken": handlers.broken, "/slave(1)/hot": handlers.echo}
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


async def test_a_refusal_reaches_a_client_that_is_still_sending(server: Server) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(post("/hot", b"x" * 4_000_000))
    data = await asyncio.wait_for(reader.read(), 5)
    assert data.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close\r\n" in data
    writer.close()


async def test_a_handler_that_fails_answers_500_and_the_connection_goes_on(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    data = await talk(server, post("/broken", b""), post("/hot", b"next"), until=b"next")
    assert data.startswith(b"HTTP/1.1 500 ")
    assert "a bug" in caplog.text


@pytest.mark.parametrize("length", [1023, 1024, 1 << 20])
async def test_long_answers_are_packed_for_those_who_take_it(server: Server, length: int) -> None:
    async with aiohttp.ClientSession(f"http://{server.host}:{server.port}", auto_decompress=False) as session:
        async with session.get(f"/long?n={length}", headers={"Accept-Encoding": "gzip"}) as answer:
            body = await answer.read()
            packed = answer.headers.get("Content-Encoding") == "gzip"
            assert packed == (length >= 1024)
            assert (gzip.decompress(body) if packed else body) == b"x" * length
        async with session.get(f"/long?n={length}", headers={"Accept-Encoding": "gzip;q=0"}) as answer:
            assert len(await answer.read()) == length


async def test_a_path_may_be_percent_encoded_and_end_in_slashes(server: Server) -> None:
    assert (await talk(server, post("/slave%281%29/hot/", b"it"), until=b"it")).startswith(b"HTTP/1.1 200 ")


async def test_head_has_no_body(server: Server) -> None:
    data = await talk(server, b"HEAD /long?n=5 HTTP/1.1\r\nHost: x\r\n\r\n" + post("/hot", b"after"), until=b"after")
    assert b"xxxxx" not in data
    assert b"Content-Length: 5\r\n" in data


async def test_more_requests_than_may_wait_are_served_when_answers_leave(server: Server, handlers: Handlers) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    count = MAX_PIPELINED * 2 + 10
    writer.write(post("/wait", b"") * count + post("/cold", b"last"))
    answered = 0
    while answered < count:
        while len(handlers.later) == answered:
            await asyncio.sleep(0)
        assert len(handlers.later) - answered <= MAX_PIPELINED
        handlers.later[answered].respond(202)
        answered += 1
    data = await asyncio.wait_for(reader.readuntil(b"cold /cold last"), 5)
    assert data.count(b"HTTP/1.1 202 ") == count
    writer.close()


async def test_a_client_that_ends_its_side_still_gets_its_answer(server: Server, handlers: Handlers) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(post("/wait", b""))
    writer.write_eof()
    while not handlers.later:
        await asyncio.sleep(0)
    await talk(server, post("/hot", b"a round trip later"), until=b"later")
    handlers.later[0].respond(200, b"late")
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"late")
    writer.close()


async def test_a_stream_for_a_client_that_has_gone_says_so(server: Server, handlers: Handlers) -> None:
    _, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(post("/wait", b""))
    while not handlers.later:
        await asyncio.sleep(0)
    writer.transport.abort()
    await talk(server, post("/hot", b"a round trip later"), until=b"later")
    handlers.stream(handlers.later[0])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert handlers.ended == ["peer"]
    handlers.streams[0].send(b"to nobody")


async def test_a_stream_closed_before_its_turn_leaves_whole(server: Server, handlers: Handlers) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(post("/wait", b"") + post("/stream", b""))
    while not handlers.streams:
        await asyncio.sleep(0)
    handlers.streams[0].send(b"all of it")
    handlers.streams[0].close()
    handlers.later[0].respond(200, b"first")
    data = await asyncio.wait_for(reader.read(), 5)
    assert data.index(b"first") < data.index(b"9\r\nall of it\r\n0\r\n\r\n")
    writer.close()


async def test_an_old_client_gets_its_stream_bare(server: Server, handlers: Handlers) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET /stream HTTP/1.0\r\n\r\n")
    assert b"chunked" not in await reader.readuntil(b"\r\n\r\n")
    handlers.streams[0].send(b"bare")
    handlers.streams[0].close()
    assert await asyncio.wait_for(reader.read(), 5) == b"bare"
    writer.close()


async def test_one_message_longer_than_the_limit_is_let_through(server: Server, handlers: Handlers) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port, limit=1 << 25)
    writer.write(post("/stream", b""))
    await reader.readuntil(b"\r\n\r\n")
    handlers.streams[0].send(b"x" * 10_000_000)
    await asyncio.sleep(0)
    handlers.streams[0].send(b"end")
    await asyncio.wait_for(reader.readuntil(b"x\r\n3\r\nend\r\n"), 5)
    assert handlers.ended == []
    writer.close()


async def test_on_a_connection_of_aiohttp_limits_and_refusals_are_the_same(server: Server) -> None:
    for request, status in (
        (post("/hot", b"x" * 1001), 413),
        (post("/hot", b"no gzip", "Content-Encoding: gzip"), 500),
        (CHUNKED.replace(b"3\r\nabc", b"zz\r\nabc"), 400),
        (b"GET /up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: shout/1\r\n\r\n", 400),
    ):
        data = await talk(server, post("/cold", b""), request, until=2)
        assert re.search(rb"HTTP/1\.[01] %d " % status, data)  # aiohttp answers bad framing itself, as 1.0


async def test_a_closing_server_ends_its_streams(handlers: Handlers) -> None:
    app = web.Application()
    app.router.add_route("*", "/cold", cold)
    server = await Server.start(app, host="127.0.0.1", port=0, hot={"/stream": handlers.stream})
    talks = [
        asyncio.ensure_future(talk(server, *requests, until=b"\r\n0\r\n\r\n"))
        for requests in ([post("/stream", b"")], [post("/cold", b""), post("/stream", b"")])
    ]
    while len(handlers.streams) < 2:
        await asyncio.sleep(0)
    await server.close()
    await asyncio.wait_for(asyncio.gather(*talks), 5)
    assert handlers.ended == ["server", "server"]


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
