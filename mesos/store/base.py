"""What every store promises, whatever it is made of.

A store is a flat table of keys and values with one writer. Keys are slash-separated paths (``agents/<id>``), so that a
program reads back one kind of thing by its prefix. A batch of writes is the unit of durability: after a crash all of it
is there or none of it, and batches become durable in the order in which ``write`` was called, however many of them
are under way at once.

A store that failed once stays failed: a later batch may rest on the one that was lost, so nothing more is taken and
the program has to open its store again and start over from what is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mesos.effects import Delete, Put, Write
from mesos.errors import MezzoError

__all__ = ["Delete", "Fenced", "Put", "Store", "StoreError", "Write", "check_key"]


class StoreError(MezzoError):
    """The store cannot do what it was asked; the text says why. After a failed write the store is closed to writers."""


class Fenced(StoreError):
    """Another writer has taken the store over, or the right to write was lost with the ZooKeeper session."""


class Store(Protocol):
    """A durable table of bytes. All methods are called on one event loop."""

    async def load(self, prefix: str = "") -> dict[str, bytes]:
        """Return every key that starts with ``prefix``, with its value.

        :raises StoreError: when the store cannot be read.
        """
        ...

    async def get(self, key: str) -> bytes | None:
        """Return the value of ``key``, or ``None`` when there is none.

        :raises StoreError: when the store cannot be read.
        """
        ...

    async def write(self, batch: Sequence[Write]) -> None:
        """Make ``batch`` durable, all or nothing; it is durable when this returns.

        Calls are applied in their order and need not wait for each other. Within a batch a later write to the same
        key wins. An empty batch waits for the batches before it.

        :raises Fenced: when another writer holds the store now.
        :raises StoreError: when the batch, or one before it, could not be made durable.
        """
        ...

    async def close(self) -> None:
        """Finish the writes under way and let go of the store. A second close does nothing."""
        ...


def check_key(key: str) -> None:
    """Refuse what cannot be a key.

    :raises StoreError: when a key is empty.
    """
    if not key:
        raise StoreError("a key must not be empty")
