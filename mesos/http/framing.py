"""Finds HTTP/1.1 requests in a stream of bytes, one after the other.

Pure: bytes in, requests out; no socket, no loop. Header fields are httptools' to parse. Where a message ends is found
here, so that no byte of a request that somebody else serves is consumed. What was looked at is not looked at again:
the work is proportional to the bytes, however they are split.

Source: RFC 9112.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

import httptools

MAX_HEAD_BYTES = 64 << 10
MAX_CHUNK_LINE_BYTES = 1024

NO_PATH = "\n"
"""Stands for the path of a line that is no request; no path can equal it."""

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\Z")


class Refused(Exception):
    """The request cannot be served; the connection ends with this answer."""

    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text
        super().__init__(text)


def bad_request() -> Refused:
    """Return the refusal of what is no HTTP."""
    return Refused(400, "400 Bad Request.")


@lru_cache(maxsize=256)
def hot_path(target: str) -> str:
    """Return the path of a request target as hot paths are looked up: decoded, without query and last slashes."""
    path = target.partition("?")[0]
    if "%" in path:
        path = unquote(path)
    return path.rstrip("/")


@lru_cache(maxsize=256)
def _line_path(line: bytes) -> str:
    parts = line.split(b" ")
    well_formed = len(parts) == 3 and parts[2].endswith(b"\r")
    return hot_path(parts[1].decode("latin-1")) if well_formed else NO_PATH


@lru_cache(maxsize=256)
def _field_name(name: bytes) -> str:
    return name.decode("latin-1").lower()


class Request:
    """The head of one request; ``body`` is filled in when it is complete.

    :ivar headers: by lower-case name; the values of a repeated one, joined by commas.
    :ivar http_1_1: false for an older client, which knows no chunks.
    """

    __slots__ = ("body", "chunked", "headers", "http_1_1", "keep_alive", "length", "method", "path", "target")

    def __init__(self, data: bytes) -> None:
        self.target = ""
        self.body = b""
        self.headers: dict[str, str] = {}
        parser = httptools.HttpRequestParser(self)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # an Upgrade field; whether it is granted is the handler's to say
        except httptools.HttpParserError as error:
            raise bad_request() from error
        self.method: str = parser.get_method().decode("latin-1")
        self.keep_alive: bool = parser.should_keep_alive()
        self.http_1_1: bool = parser.get_http_version() != "1.0"
        self.path = hot_path(self.target)
        encoding = self.headers.get("transfer-encoding")
        if encoding is not None and encoding.lower() != "chunked":
            raise Refused(501, "501 Not Implemented.")
        self.chunked = encoding is not None
        self.length = self._length()

    def on_url(self, url: bytes) -> None:
        """Take the target; called by httptools."""
        self.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field; called by httptools."""
        key, text = _field_name(name), value.decode("latin-1")
        earlier = self.headers.get(key)
        self.headers[key] = text if earlier is None else f"{earlier}, {text}"

    def _length(self) -> int:
        text = self.headers.get("content-length", "0")
        if not (text.isascii() and text.isdigit()) or len(text) > 18:
            raise bad_request()
        return int(text)


class RequestReader:
    """Takes bytes as they come and gives whole requests. After :class:`Refused` it takes no more."""

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._buffer = bytearray()
        self._begun: Request | None = None
        self._pieces = bytearray()
        self._searched = 0

    @property
    def waiting(self) -> bool:
        """Whether a part of a request is here."""
        return self._begun is not None or bool(self._buffer)

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for leave to send the body of the request it began."""
        return self._begun is not None and self._begun.headers.get("expect", "").lower() == "100-continue"

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        self._buffer += data

    def path(self) -> str | None:
        """Return the path of the next request, as soon as its first line is here.

        :raises Refused: when the line is too long.
        """
        if self._begun is not None:
            return self._begun.path
        end = self._buffer.find(b"\n", 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(self._buffer) >= MAX_HEAD_BYTES:
                raise Refused(431, "431 Request Header Fields Too Large.")
            return None
        return _line_path(bytes(self._buffer[:end]))

    def take(self) -> Request | None:
        """Return the next request when all of it is here, and forget its bytes.

        :raises Refused: when it cannot be served.
        """
        if self._begun is None and not self._begin():
            return None
        request = self._begun
        assert request is not None
        body = self._chunks() if request.chunked else self._counted(request.length)
        if body is None:
            return None
        request.body = body
        self._begun = None
        return request

    def rest(self) -> bytes:
        """Return what was not used, and forget it."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._begun = None
        return rest

    def _begin(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n", self._searched, MAX_HEAD_BYTES)
        if end < 0:
            if len(self._buffer) >= MAX_HEAD_BYTES:
                raise Refused(431, "431 Request Header Fields Too Large.")
            self._searched = max(0, len(self._buffer) - 3)
            return False
        self._begun = Request(bytes(self._buffer[: end + 4]))
        del self._buffer[: end + 4]
        self._searched = 0
        if self._begun.length > self._max_body_bytes:
            raise _too_large()
        return True

    def _counted(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _chunks(self) -> bytes | None:
        at = 0
        try:
            while True:
                line_end = self._buffer.find(b"\r\n", at, at + MAX_CHUNK_LINE_BYTES)
                if line_end < 0:
                    if len(self._buffer) - at >= MAX_CHUNK_LINE_BYTES:
                        raise bad_request()
                    return None
                size = self._chunk_size(bytes(self._buffer[at:line_end]))
                start = line_end + 2
                if size == 0:
                    end = self._after_trailers(start)
                    if end is None:
                        return None
                    at = end
                    body = bytes(self._pieces)
                    self._pieces.clear()
                    return body
                if len(self._buffer) < start + size + 2:
                    return None
                if self._buffer[start + size : start + size + 2] != b"\r\n":
                    raise bad_request()
                self._pieces += self._buffer[start : start + size]
                at = start + size + 2
        finally:
            del self._buffer[:at]

    def _chunk_size(self, line: bytes) -> int:
        match = _CHUNK_LINE.match(line)
        if match is None:
            raise bad_request()
        size = int(match[1], 16)
        if len(self._pieces) + size > self._max_body_bytes:
            raise _too_large()
        return size

    def _after_trailers(self, at: int) -> int | None:
        """Return where the message ends; trailers are skipped."""
        if self._buffer[at : at + 2] == b"\r\n":
            return at + 2
        end = self._buffer.find(b"\r\n\r\n", at, at + MAX_HEAD_BYTES)
        if end >= 0:
            return end + 4
        if len(self._buffer) - at >= MAX_HEAD_BYTES:
            raise bad_request()
        return None


def _too_large() -> Refused:
    return Refused(413, "413 Request Entity Too Large.")
