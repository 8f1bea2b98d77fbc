"""What outlives a process: key-value batches with durability, in memory, in SQLite or in ZooKeeper."""

from __future__ import annotations

from mesos.store.base import Delete, Fenced, Put, Store, StoreError, Write
from mesos.store.memory import MemoryStore
from mesos.store.sqlite import SqliteStore

__all__ = ["Delete", "Fenced", "Put", "Store", "StoreError", "Write", "open_store"]


async def open_store(url: str) -> Store:
    """Open the store that ``url`` names: ``memory:`` or ``sqlite:/path/to/file``.

    :raises Fenced: when another writer holds it.
    :raises StoreError: when it cannot be opened, or the URL names no kind of store.
    """
    if url == "memory:":
        return MemoryStore()
    if url.startswith("sqlite:"):
        return await SqliteStore.open(url.removeprefix("sqlite:"))
    raise StoreError(f"no store for '{url}': expected memory: or sqlite:/path")
