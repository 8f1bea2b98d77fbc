from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from mesos.clock import SeededIds
from mesos.http.backoff import Backoff
from mesos.http.calls import CallConnection
from mesos.http.client import BadStatus, HttpClient, Unavailable
from mesos.http.server import Exchange, Server


def echo(exchange: Exchange) -> None:
    exchange.respond(200, b'{"method":"%b","body":%b}' % (exchange.method.encode(), exchange.body or b"null"))


def aside(exchange: Exchange) -> None:
    host = exchange.headers["host"]
    exchange.respond(307, headers=[("Location", f"//{host}/echo")])


def around(exchange: Exchange) -> None:
    exchange.respond(307, headers=[("Location", f"//{exchange.headers['host']}/around")])


def refuse(exchange: Exchange) -> None:
    exchange.respond(503, b"No leader elected")


def babble(exchange: Exchange) -> None:
    exchange.respond(200, b"no json")


def silence(exchange: Exchange) -> None:
    """Never answer."""


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    hot = {"/echo": echo, "/aside": aside, "/around": around, "/refuse": refuse, "/babble": babble, "/silence": silence}
    server = await Server.start(web.Application(), host="127.0.0.1", port=0, hot=hot)
    yield server
    await server.close()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient(timeout_s=0.3)
    yield client
    await client.close()


@pytest.mark.parametrize("path", ["/echo", "/aside"])
async def test_a_redirect_to_the_leader_keeps_method_and_body(server: Server, client: HttpClient, path: str) -> None:
    url = f"http://127.0.0.1:{server.port}{path}"
    assert await client.post_json(url, {"a": 1}) == {"method": "POST", "body": {"a": 1}}
    assert await client.get_json(url) == {"method": "GET", "body": None}


@pytest.mark.parametrize(
    ("path", "status", "body"), [("/refuse", 503, "No leader elected"), ("/babble", 200, "no JSON")]
)
async def test_an_answer_that_is_no_success_has_its_status(
    server: Server, client: HttpClient, path: str, status: int, body: str
) -> None:
    with pytest.raises(BadStatus, match=body) as error:
        await client.get_json(f"http://127.0.0.1:{server.port}{path}")
    assert error.value.status == status


@pytest.mark.parametrize(("path", "text"), [("/around", "too many redirects"), ("/silence", "cannot be reached")])
async def test_who_cannot_answer_is_unavailable(server: Server, client: HttpClient, path: str, text: str) -> None:
    with pytest.raises(Unavailable, match=text):
        await client.get_json(f"http://127.0.0.1:{server.port}{path}")


async def test_calls_are_answered_in_order_and_broken_ones_are_told(server: Server) -> None:
    answers: list[tuple[int, bytes]] = []
    lost = asyncio.Event()
    calls = await CallConnection.open("127.0.0.1", server.port, "/echo", {"Accept": "application/json"})
    calls.on_lost = lost.set
    for number in range(3):
        calls.send(b"%d" % number, lambda status, body: answers.append((status, body)))
    async with asyncio.timeout(5):
        while len(answers) < 3:
            await asyncio.sleep(0)
    assert [body[-2:-1] for _, body in answers] == [b"0", b"1", b"2"]
    calls.send(b"3", lambda status, body: answers.append((status, body)))
    calls.close()
    await asyncio.wait_for(lost.wait(), 5)
    calls.send(b"4", lambda status, body: answers.append((status, body)))
    assert answers[-1] == (0, b"")
    assert len(answers) == 5


async def test_calls_need_somebody_who_listens(server: Server) -> None:
    port = server.port
    await server.close()
    with pytest.raises(Unavailable):
        await CallConnection.open("127.0.0.1", port, "/", {})


def test_pauses_double_up_to_a_bound_and_begin_anew() -> None:
    backoff = Backoff(SeededIds(1), first_s=1.0, max_s=8.0)
    pauses = [backoff.next_s() for _ in range(6)]
    for pause, most in zip(pauses, [1.0, 2.0, 4.0, 8.0, 8.0, 8.0], strict=True):
        assert most / 2 <= pause <= most
    backoff.reset()
    assert backoff.next_s() <= 1.0
