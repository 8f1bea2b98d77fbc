"""A standby hands every request on to the leader and its answer back. Source: Marathon ``LeaderProxyFilter``."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from marathon.api.answers import message
from marathon.api.events import PATH as EVENTS
from marathon.api.service import Node

VIA = "X-Marathon-Via"
FORWARDED = "X-Forwarded-For"
LEADER_TRIES = 11
LEADER_PAUSE_S = 0.25
CHUNK_BYTES = 1 << 16

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
    }
)


class LeaderProxy:
    """A middleware that lets requests through only on the leader. Close it at the end."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._session: aiohttp.ClientSession | None = None

    def middleware(self) -> Middleware:
        """Return what an application puts around its handlers."""

        @web.middleware
        async def proxy(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self._leads() or request.path == EVENTS:
                return await handler(request)
            if self._via in request.headers.getall(VIA, []):
                return message(502, "Detected proxying loop.")
            leader = await self._leader()
            if leader is not None:
                return await self._forward(request, leader)
            if self._leads():
                return await handler(request)
            return message(502, "Could not determine the current leader")

        return proxy

    async def close(self) -> None:
        """Close the connections to the leader."""
        if self._session is not None:
            await self._session.close()

    @property
    def _via(self) -> str:
        return f"1.1 {self._node.host_port}"

    def _leads(self) -> bool:
        return self._node.term is not None

    async def _leader(self) -> str | None:
        """Wait a little for somebody else to lead, or for ourselves (then ``None``)."""
        for attempt in range(LEADER_TRIES):
            leader = self._node.leader
            if self._leads():
                return None
            if leader is not None and leader != self._node.host_port:
                return leader
            if attempt < LEADER_TRIES - 1:
                await asyncio.sleep(LEADER_PAUSE_S)
        return None

    async def _forward(self, request: web.Request, leader: str) -> web.StreamResponse:
        headers = _end_to_end(request.headers)
        headers.add(VIA, self._via)
        headers[FORWARDED] = ", ".join(filter(None, (request.headers.get(FORWARDED), request.remote)))
        url = URL(f"http://{leader}{request.raw_path}", encoded=True)
        body = await request.read()
        try:
            answer = await self._client().request(
                request.method, url, headers=headers, data=body or None, allow_redirects=False
            )
        except aiohttp.ClientConnectionError:
            return message(502, "Connection to leader refused.")
        except (aiohttp.ClientError, TimeoutError) as error:
            return message(500, f"The leader does not answer: {error}")
        return await self._pass_on(request, answer)

    async def _pass_on(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        try:
            response = web.StreamResponse(
                status=answer.status, reason=answer.reason, headers=_end_to_end(answer.headers)
            )
            response.headers.add(VIA, self._via)
            await response.prepare(request)
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                await response.write(chunk)
            await response.write_eof()
            return response
        finally:
            answer.release()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            config = self._node.config
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=config.leader_proxy_max_open_connections),
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    sock_connect=config.leader_proxy_connection_timeout,
                    sock_read=config.leader_proxy_read_timeout,
                ),
                auto_decompress=False,
            )
        return self._session


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP)
