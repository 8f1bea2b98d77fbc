"""What tests do to ZooKeeper clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from kazoo.client import KazooClient

from mesos.zk import Zk, parse_zk_url
from tests.support.zookeeper import ZooKeeperServer


@asynccontextmanager
async def connected(server: ZooKeeperServer, *, timeout_s: float = 4.0, auth: str | None = None) -> AsyncIterator[Zk]:
    """Give a client of ``server`` that is stopped at the end."""
    zk = Zk(parse_zk_url(server.url("/", auth)), session_timeout_s=timeout_s)
    await zk.start(timeout_s=10)
    try:
        yield zk
    finally:
        await zk.stop()


async def expire(zk: Zk) -> None:
    """End the session of ``zk`` at the server: another connection takes it over and closes it."""
    await asyncio.to_thread(_take_over_and_close, zk)


def _take_over_and_close(zk: Zk) -> None:
    thief = KazooClient(hosts=zk.url.hosts, client_id=zk._client.client_id)
    thief.start()
    thief.stop()
    thief.close()


async def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait until ``condition`` holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)
