"""Opens a store in ZooKeeper: fences earlier writers off, then learns what is there."""

from __future__ import annotations

import asyncio

from mesos.store.base import Fenced, StoreError
from mesos.store.zk_layout import Layout, Table, key_of
from mesos.store.zk_pipeline import Fence, decode_fence, encode_fence
from mesos.store.zk_reader import PatientReader
from mesos.zk import BadVersion, NodeExists, Operation, Zk, ZkError


async def take_over(zk: Zk, layout: Layout, fence: Fence) -> int:
    """Write ``fence`` over that of the writer before us, creating the store where there is none.

    From then on no multi of that writer succeeds, and reads see everything it did.

    :returns: the version of the fence's node.
    :raises Fenced: when a writer of a later term has been here.
    """
    reader = PatientReader(zk, layout.root)
    if not await reader.exists(layout.fence):
        await _create(zk, layout, reader)
    while True:
        node = await reader.get(layout.fence)
        before = decode_fence(node.data)
        if before.term > fence.term:
            raise Fenced(f"{before.writer} of term {before.term} has opened {layout.root}")
        if before.writer == fence.writer:
            return node.version
        try:
            await zk.set(layout.fence, encode_fence(fence), node.version)
        except BadVersion:
            continue  # the writer before us is still at it
        except ZkError as error:
            await reader.recover(error)


async def learn(zk: Zk, layout: Layout) -> Table:
    """List the nodes that are there."""
    reader = PatientReader(zk, layout.root)
    buckets = await asyncio.gather(*map(reader.children, layout.buckets()))
    keys = [key_of(name) for names in buckets for name in names]
    parents = await reader.children(layout.pieces)
    pieces = {key_of(name): (await reader.get(f"{layout.pieces}/{name}")).child_count for name in parents}
    return Table(layout, keys, pieces)


async def unfinished(zk: Zk, layout: Layout, table: Table) -> list[list[Operation]]:
    """Return the multis that carry out a batch committed to the journal, or drop one that is not committed."""
    reader = PatientReader(zk, layout.root)
    committed = (await reader.get(layout.journal)).data
    parts = sorted(await reader.children(layout.journal))
    if not committed:
        return [table.emptied_journal(len(parts))] if parts else []
    nodes = [await reader.get(f"{layout.journal}/{part}") for part in parts]
    return table.replay(b"".join(node.data for node in nodes), len(parts))


async def _create(zk: Zk, layout: Layout, reader: PatientReader) -> None:
    await reader.ask(lambda: zk.ensure_path(layout.root))
    try:
        await reader.ask(lambda: zk.multi(layout.skeleton(encode_fence(Fence("nobody")))))
    except StoreError as error:
        if not isinstance(error.__cause__, NodeExists):
            raise
