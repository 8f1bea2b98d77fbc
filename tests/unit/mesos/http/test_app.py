from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from mesos.errors import MezzoError
from mesos.http.app import json_response, jsonp, make_app, text_response
from mesos.http.server import Server


class Locked(MezzoError):
    """An error that the program under test knows."""


async def locked(_: web.Request) -> web.Response:
    raise Locked("held by d1")


async def bug(_: web.Request) -> web.Response:
    raise ValueError("a bug")


async def read(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def numbers(request: web.Request) -> web.Response:
    return jsonp(request, {"n": list(range(int(request.query["n"])))})


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    app = make_app({MezzoError: lambda error: json_response({"message": str(error)}, status=409)}, max_body_bytes=2000)
    app.router.add_get("/locked", locked)
    app.router.add_get("/bug", bug)
    app.router.add_post("/read", read)
    app.router.add_get("/numbers", numbers)
    server = await Server.start(app, host="127.0.0.1", port=0)
    async with aiohttp.ClientSession(f"http://{server.host}:{server.port}", auto_decompress=False) as session:
        yield session
    await server.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        pytest.param("GET", "/locked", None, 409, '{"message":"held by d1"}', id="a known error, by its base class"),
        pytest.param("GET", "/nowhere", None, 404, "404 Not Found.", id="no such path"),
        pytest.param(
            "GET",
            "/read",
            None,
            405,
            "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'",
            id="no such method",
        ),
        pytest.param("POST", "/read", b"x" * 2001, 413, "413 Request Entity Too Large.", id="too long"),
        pytest.param("GET", "/bug", None, 500, "500 Internal Server Error.\na bug", id="a bug"),
    ],
)
async def test_errors_are_answers(
    session: aiohttp.ClientSession, method: str, path: str, body: bytes | None, status: int, text: str
) -> None:
    async with session.request(method, path, data=body) as answer:
        assert (answer.status, await answer.text()) == (status, text)


async def test_a_bug_is_logged_with_its_trace(session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    async with session.get("/bug"):
        pass
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is not None


async def test_a_body_that_only_says_it_is_packed_is_refused(session: aiohttp.ClientSession) -> None:
    async with session.post("/read", data=b"plain", headers={"Content-Encoding": "gzip"}) as answer:
        assert (answer.status, await answer.text()) == (500, "failed to decode body")


@pytest.mark.parametrize(
    ("count", "accepts", "packed"),
    [(10, "gzip", False), (1000, "gzip", True), (100_000, "gzip", True), (1000, "", False), (1000, "gzip;q=0", False)],
)
async def test_long_answers_are_packed(session: aiohttp.ClientSession, count: int, accepts: str, packed: bool) -> None:
    async with session.get("/numbers", params={"n": count}, headers={"Accept-Encoding": accepts}) as answer:
        body = await answer.read()
        assert (answer.headers.get("Content-Encoding") == "gzip") == packed
        assert (gzip.decompress(body) if packed else body).startswith(b'{"n":[0,1,2')


@pytest.mark.parametrize(
    ("callback", "body", "kind"),
    [
        ("show", 'show({"n":[0]});', "text/javascript"),
        ("a.b[0]", 'a.b[0]({"n":[0]});', "text/javascript"),
        ("alert(1);x", '{"n":[0]}', "application/json"),
    ],
)
async def test_jsonp_calls_a_function_and_nothing_else(
    session: aiohttp.ClientSession, callback: str, body: str, kind: str
) -> None:
    async with session.get("/numbers", params={"n": 1, "jsonp": callback}) as answer:
        assert (await answer.text(), answer.content_type) == (body, kind)


def test_texts_say_their_kind() -> None:
    assert text_response(400, "no").headers["Content-Type"] == "text/plain; charset=utf-8"
