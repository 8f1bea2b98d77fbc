"""What outlives a process: key-value batches with durability, in memory, in SQLite or in ZooKeeper."""

from __future__ import annotations

from mesos.clock import IdSource, SystemIds
from mesos.store.base import Delete, Fenced, Put, Store, StoreError, Write
from mesos.store.memory import MemoryStore
from mesos.store.sqlite import SqliteStore
from mesos.store.zk import ZkStore
from mesos.zk import SESSION_TIMEOUT_S, Zk, parse_zk_url

__all__ = ["Delete", "Fenced", "Put", "Store", "StoreError", "Write", "open_store"]


async def open_store(url: str, *, zk: Zk | None = None, term: int = 0, ids: IdSource | None = None) -> Store:
    """Open the store that ``url`` names: ``memory:``, ``sqlite:/path/to/file`` or ``zk://hosts/path``.

    Masters keep theirs at ``<path>/log_replicas/registry`` of the election's path: detectors of all clients pass over
    ``log_replicas``, and nothing else may lie beside the contenders. Marathons use ``<path>/state``.

    :param zk: a started client to use, so that the loss of the election's session also ends the right to write; without
        one the store connects for itself, for as long as it takes. Only the path of ``url`` counts then.
    :param term: of the election that made us the writer; a store in ZooKeeper refuses it once a later one has opened.
    :raises Fenced: when another writer holds it.
    :raises StoreError: when it cannot be opened, or the URL names no kind of store.
    """
    if url == "memory:":
        return MemoryStore()
    if url.startswith("sqlite:"):
        return await SqliteStore.open(url.removeprefix("sqlite:"))
    if not url.startswith(("zk://", "file://")):
        raise StoreError(f"no store for '{url}': expected memory:, sqlite:/path or zk://host1:port1,host2:port2/path")
    address = parse_zk_url(url)
    writer = (ids or SystemIds()).uuid4_text()
    if zk is not None:
        return await ZkStore.open(zk, address.path, writer=writer, term=term)
    own = Zk(address, SESSION_TIMEOUT_S)
    await own.start()
    try:
        return await ZkStore.open(own, address.path, writer=writer, term=term, owns_zk=True)
    except BaseException:
        await own.stop()
        raise
