from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesos.http.framing import NO_PATH, Refused, RequestReader

STREAM = (
    b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nAccept: one\r\naccept: two\r\n\r\nabc"
    b"GET /b/%28?q=%20 HTTP/1.0\r\n\r\n"
    b"POST /c HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\nA;x=y\r\n0123456789\r\n1 \r\nx\r\n0\r\nT: v\r\n\r\n"
)
REQUESTS = [("POST", "/a", b"abc"), ("GET", "/b/(", b""), ("POST", "/c", b"0123456789x")]


def read(reader: RequestReader, data: bytes) -> list[tuple[str, str, bytes]]:
    """Feed bytes as a connection does: look at the path first, then take what is whole."""
    reader.feed(data)
    seen = []
    while reader.path() not in (None, NO_PATH) and (request := reader.take()) is not None:
        assert reader.path() != request.path
        seen.append((request.method, request.path, request.body))
    return seen


@given(st.lists(st.integers(1, 20), max_size=100))
def test_requests_do_not_depend_on_how_their_bytes_are_split(cuts: list[int]) -> None:
    reader, rest, seen = RequestReader(100), STREAM, []
    for size in cuts:
        seen += read(reader, rest[:size])
        rest = rest[size:]
    seen += read(reader, rest)
    assert seen == REQUESTS
    assert not reader.waiting


@given(st.binary(max_size=300), st.sampled_from([b"", b"POST /a HTTP/1.1\r\n", STREAM[:-9]]))
def test_garbage_is_refused_or_waited_for(garbage: bytes, prefix: bytes) -> None:
    reader = RequestReader(100)
    try:
        read(reader, prefix)
        read(reader, garbage)
    except Refused as refusal:
        assert 400 <= refusal.status < 600


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"POST /a HTTP/1.1\r\nContent-Length: 101\r\n\r\n", 413, id="too long"),
        pytest.param(b"POST /a HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400, id="signed length"),
        pytest.param(b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, id="two lengths"),
        pytest.param(
            b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, id="two framings"
        ),
        pytest.param(b"POST /a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, id="unknown encoding"),
        pytest.param(b"POST /a HTTP/1.1\nHost: x\n\nGET /a HTTP/1.1\r\n\r\n", None, id="bare newlines are not ours"),
        pytest.param(b"POST /a HTTP/1.1\r\nX: 1\n\nGET /smuggled HTTP/1.1\r\n\r\n", 400, id="a hidden second request"),
        pytest.param(b"POST /a" + b"a" * 70_000, 431, id="endless line"),
        pytest.param(b"POST /a HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, 431, id="endless head"),
        pytest.param(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 2000, 400, id="endless size"),
        pytest.param(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", 400, id="chunk without end"),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, status: int | None) -> None:
    reader = RequestReader(100)
    if status is None:
        assert read(reader, data) == []
        assert reader.path() == NO_PATH
        return
    with pytest.raises(Refused) as refusal:
        read(reader, data)
    assert refusal.value.status == status


def test_repeated_fields_are_joined() -> None:
    reader = RequestReader(100)
    reader.feed(STREAM)
    request = reader.take()
    assert request is not None
    assert request.headers["accept"] == "one, two"


def test_what_is_not_used_can_be_handed_on() -> None:
    reader = RequestReader(100)
    reader.feed(STREAM + b"GET /cold HTTP/1.1\r\nHo")
    for _ in REQUESTS:
        assert reader.take() is not None
    assert reader.path() == "/cold"
    assert reader.rest() == b"GET /cold HTTP/1.1\r\nHo"
    assert not reader.waiting
