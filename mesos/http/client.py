"""HTTP for programs that ask masters: leader redirects followed with the body kept, errors with names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import aiohttp
import msgspec

from mesos.errors import MezzoError

TIMEOUT_S = 10.0
MAX_REDIRECTS = 5


class Unavailable(MezzoError):
    """Nobody answered, or nobody leads."""


class BadStatus(MezzoError):
    """The answer is no success."""

    def __init__(self, url: str, status: int, body: str) -> None:
        self.url, self.status, self.body = url, status, body
        super().__init__(f"{url} answered {status}: {body[:500]}")


class HttpClient:
    """Asks and follows. Close it at the end."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session = aiohttp.ClientSession(auto_decompress=True, trust_env=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def get_json(self, url: str, *, headers: Mapping[str, str] | None = None) -> Any:
        """Return the JSON behind ``url``. :raises Unavailable: :raises BadStatus:"""
        return await self._json("GET", url, None, headers)

    async def post_json(self, url: str, value: Any, *, headers: Mapping[str, str] | None = None) -> Any:
        """POST ``value`` (``bytes`` are taken for JSON) and return the JSON answered, ``None`` for an empty one."""
        body = value if isinstance(value, bytes) else msgspec.json.encode(value)
        return await self._json("POST", url, body, headers)

    async def _json(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str] | None) -> Any:
        answer = await self.open(method, url, body, headers=headers, timeout=self._timeout)
        try:
            data = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"{url} did not answer to the end: {error}") from error
        finally:
            answer.release()
        if answer.status >= 300:
            raise BadStatus(url, answer.status, data.decode(errors="replace"))
        try:
            return msgspec.json.decode(data) if data else None
        except msgspec.DecodeError as error:
            raise BadStatus(url, answer.status, f"no JSON: {error}") from error

    async def open(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> aiohttp.ClientResponse:
        """Return the answer, not yet read; redirects to a leader (``//host:port/path``) are followed.

        The caller closes it. Without ``timeout`` only the connection must be made in time, which is what streams need.

        :raises Unavailable: when nobody answers, or after too many redirects.
        """
        fields = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if body is not None else {})
        fields |= headers or {}
        limits = timeout or aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT_S)
        for _ in range(MAX_REDIRECTS):
            try:
                answer = await self._session.request(
                    method, url, data=body, headers=fields, timeout=limits, allow_redirects=False
                )
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                raise Unavailable(f"{url} cannot be reached: {error or type(error).__name__}") from error
            location = answer.headers.get("Location")
            if answer.status not in (301, 302, 307, 308) or location is None:
                return answer
            answer.release()
            url = urljoin(url, location)
        raise Unavailable(f"{url}: too many redirects")
