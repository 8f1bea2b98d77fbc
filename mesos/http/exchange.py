"""One request and its answer, whoever parsed it.

A *hot* handler gets an :class:`Exchange`, and answers it at once or later: with :meth:`Exchange.respond`, or with an
answer without end (:meth:`Exchange.stream`). The server never awaits a handler, so a call costs no task.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl, unquote

from mesos.clock import SystemClock

Headers = Iterable[tuple[str, str]]

TEXT = "text/plain; charset=utf-8"
STREAM_LIMIT_BYTES = 16 << 20
"""What a stream may hold unsent before its reader is taken for dead."""

MAX_BODY_BYTES = 64 << 20
"""What a request may bring, unless a program says otherwise."""

GZIP_FROM_BYTES = 1024
"""Shorter answers are not packed. Source: libprocess ``encoder.hpp``."""

GZIP_AT_ONCE_BYTES = 128 << 10
"""Longer ones are packed in a thread: at some 100 MB/s they would hold up the loop for longer than a millisecond."""

_REFUSING_WEIGHT = re.compile(r"q=0(\.0*)?\Z")

_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Stream:
    """An answer without end. What is sent in one loop tick leaves in one write.

    A reader that lets more than ``limit_bytes`` pile up, beside the longest single message, is cut off: a first message
    with a whole state in it may be longer than what is tolerated later. ``on_close`` is called once with ``"peer"``,
    ``"slow"`` or ``"server"``.
    """

    def __init__(self, write: Callable[[bytes], int], end: Callable[[bool], None], limit_bytes: int) -> None:
        self._write, self._end, self._limit_bytes = write, end, limit_bytes
        self._pending: list[bytes] = []
        self._longest_bytes = 0
        self.closed = False
        self.on_close: Callable[[str], None] | None = None

    def send(self, data: bytes) -> None:
        """Send ``data``, soon. On a closed stream it is dropped, and nothing is nothing."""
        if self.closed or not data:
            return
        if not self._pending:
            asyncio.get_running_loop().call_soon(self._flush)
        self._pending.append(data)
        if len(data) > self._longest_bytes:
            self._longest_bytes = len(data)

    def close(self) -> None:
        """End the answer after what was sent has left."""
        if not self.closed:
            self._flush()
            self.ended("server", abort=False)

    def ended(self, reason: str, *, abort: bool = True) -> None:
        """Note that the stream is over; for the server's use."""
        if self.closed:
            return
        self.closed = True
        self._pending.clear()
        self._end(abort)
        if self.on_close is not None:
            self.on_close(reason)

    def _flush(self) -> None:
        if not self._pending or self.closed:
            return
        data = b"".join(self._pending)
        self._pending.clear()
        if self._write(data) > self._limit_bytes + self._longest_bytes:
            self.ended("slow")


class Exchange:
    """One request.

    :ivar path: decoded, without the query.
    :ivar headers: by lower-case name; the values of a repeated one, joined by commas.
    :ivar peer: address and port of the client, when known.
    """

    __slots__ = ("_answer", "_query", "answered", "body", "headers", "method", "path", "peer", "target")

    def __init__(
        self,
        answer: Answer,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        peer: tuple[str, int] | None,
    ) -> None:
        self._answer = answer
        self.method, self.target, self.headers, self.body, self.peer = method, target, headers, body, peer
        self.path = unquote(target.partition("?")[0])
        self._query: dict[str, str] | None = None
        self.answered = False

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters; of a repeated one, the last."""
        if self._query is None:
            self._query = dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))
        return self._query

    def respond(
        self, status: int, body: bytes = b"", *, content_type: str | None = None, headers: Headers = ()
    ) -> None:
        """Answer. A second answer is a bug of the handler and raises ``RuntimeError``."""
        self._once()
        if content_type is None and body:
            content_type = TEXT
        self._answer.respond(status, body, content_type, headers)

    def stream(
        self,
        *,
        status: int = 200,
        content_type: str = "application/json",
        headers: Headers = (),
        limit_bytes: int = STREAM_LIMIT_BYTES,
    ) -> Stream:
        """Begin an answer without end and return it."""
        self._once()
        return self._answer.stream(status, content_type, headers, limit_bytes)

    def upgrade(self, protocol: asyncio.Protocol, *, protocol_name: str) -> None:
        """Answer 101 and give the connection, with what was read already, to ``protocol``."""
        self._once()
        self._answer.upgrade(protocol, protocol_name)

    def _once(self) -> None:
        if self.answered:
            raise RuntimeError(f"{self.method} {self.target} is answered twice")
        self.answered = True


class Answer(Protocol):
    """How an exchange reaches its client; one implementation per kind of connection."""

    def respond(self, status: int, body: bytes, content_type: str | None, headers: Headers) -> None:
        """Send a whole answer."""
        ...

    def stream(self, status: int, content_type: str, headers: Headers, limit_bytes: int) -> Stream:
        """Begin an endless answer."""
        ...

    def upgrade(self, protocol: asyncio.Protocol, protocol_name: str) -> None:
        """Change the connection's protocol."""
        ...


HotHandler = Callable[[Exchange], None]
"""Answers an exchange, at once or later."""


class BadBody(Exception):
    """The body is not what its Content-Encoding says."""


def decoded(body: bytes, encoding: str | None, max_bytes: int) -> bytes:
    """Return the body without its Content-Encoding.

    :raises BadBody: when it is not gzip though it says so, or unpacks to more than ``max_bytes``.
    """
    if encoding is None or encoding == "identity":
        return body
    if encoding != "gzip":
        raise BadBody(f"unknown Content-Encoding {encoding}")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise BadBody(str(error)) from error
    if len(plain) > max_bytes or not unpacker.eof:
        raise BadBody("the body is too large or not complete")
    return plain


def head(status: int, fields: Headers) -> bytes:
    """Return status line and header fields, with ``Date`` and the empty line."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}", f"Date: {_date()}"]
    lines += [f"{name}: {value}" for name, value in fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


_clock = SystemClock()
_dated = (0, "")


def _date() -> str:
    global _dated
    second = int(_clock.now_s())
    if _dated[0] != second:
        _dated = (second, formatdate(second, usegmt=True))
    return _dated[1]


def wants_gzip(accept_encoding: str | None) -> bool:
    """Return whether a client takes packed answers. Source: RFC 9110 12.5.3."""
    if accept_encoding is None:
        return False
    for each in accept_encoding.split(","):
        name, _, weight = each.partition(";")
        if name.strip().lower() in ("gzip", "x-gzip"):
            return not _REFUSING_WEIGHT.match(weight.strip())
    return False


def gzipped(body: bytes) -> bytes:
    """Return the body packed, quickly rather than tightly."""
    return gzip.compress(body, compresslevel=1, mtime=0)
