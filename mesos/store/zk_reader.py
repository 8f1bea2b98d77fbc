"""Asks ZooKeeper again where asking twice does no harm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mesos.store.base import Fenced, StoreError
from mesos.zk import ConnectionLost, Node, SessionLost, Zk, retry_pause_s

T = TypeVar("T")


class PatientReader:
    """Waits out broken connections; everything else becomes an error of the store at ``root``."""

    def __init__(self, zk: Zk, root: str) -> None:
        self._zk, self._root = zk, root

    async def get(self, path: str) -> Node:
        """Read a node."""
        return await self.ask(lambda: self._zk.get(path))

    async def exists(self, path: str) -> bool:
        """Say whether a node is there."""
        return await self.ask(lambda: self._zk.exists(path)) is not None

    async def children(self, path: str) -> list[str]:
        """Return the names of the children of a node."""
        return await self.ask(lambda: self._zk.children(path))

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer.

        :raises Fenced: when the session is lost.
        :raises StoreError: when ZooKeeper refuses; its error is the cause.
        """
        while True:
            try:
                return await question()
            except Exception as error:
                await self.recover(error)

    async def recover(self, error: BaseException) -> None:
        """Wait until what failed with ``error`` can be tried again, or raise what cannot be waited out."""
        if isinstance(error, SessionLost):
            raise Fenced(str(error)) from error
        if not isinstance(error, ConnectionLost):
            raise StoreError(f"cannot use {self._root}: {error}") from error
        await asyncio.sleep(retry_pause_s(error))
        await self._zk.connected()
