from __future__ import annotations

import pytest

from mesos.effects import Delete, Put, Write
from mesos.store import zk_layout
from mesos.store.zk_layout import Layout, Table
from mesos.zk import Create, Operation, Remove, Set

LAYOUT = Layout("/r")
ROW = LAYOUT.row("k")
LARGE = bytes(zk_layout.PIECE_BYTES)


def kinds(operations: list[Operation]) -> list[tuple[str, str]]:
    return [(type(operation).__name__, operation.path) for operation in operations]


@pytest.mark.parametrize("key", ["a", "a/b", ".", "..", "a%b", "ü", "\n", "...", "a b~_-"])
def test_a_node_name_gives_its_key_back(key: str) -> None:
    name = zk_layout.node_name(key)
    assert "/" not in name
    assert name not in (".", "..")
    assert zk_layout.key_of(name) == key


def test_rows_are_created_then_set_then_removed() -> None:
    table = Table(LAYOUT)
    assert table.plan([Put("k", b"1")]) == [[Create(ROW, b"1")]]
    assert table.plan([Put("k", b"2")]) == [[Set(ROW, b"2")]]
    assert table.plan([Delete("k")]) == [[Remove(ROW)]]
    assert table.plan([Delete("k")]) == [[]]


def test_pieces_grow_and_shrink_without_a_gap() -> None:
    table = Table(LAYOUT)
    first = [operation for multi in table.plan([Put("k", LARGE * 3)]) for operation in multi]
    pieces = [kind for kind in kinds(first) if kind[1].startswith("/r/pieces")]
    assert pieces == [("Create", "/r/pieces/k"), ("Create", "/r/pieces/k/00001"), ("Create", "/r/pieces/k/00002")]
    assert table.plan([Put("k", b"1")]) == [
        [Set(ROW, b"1"), Remove("/r/pieces/k/00002"), Remove("/r/pieces/k/00001"), Remove("/r/pieces/k")]
    ]
    assert table.reads("k") == [ROW]


def test_a_large_batch_is_committed_to_the_journal_before_it_is_carried_out() -> None:
    writes = [Put(f"k/{i}", bytes(500_000)) for i in range(4)]
    multis = Table(LAYOUT).plan(writes)
    assert all(zk_layout.weight(multi) <= zk_layout.MULTI_BYTES for multi in multis)
    commit = next(i for i, multi in enumerate(multis) if Set("/r/journal", b"3") in multi)
    touched = [operation.path for multi in multis[: commit + 1] for operation in multi]
    assert all(path.startswith("/r/journal") for path in touched)
    assert multis[-1][0] == Set("/r/journal", b"")


def test_a_replay_after_any_part_of_it_completes_the_rest() -> None:
    writes: list[Write] = [Put("a", LARGE * 2), Delete("b"), Put("c", b"1")]
    planned = [operation for multi in Table(LAYOUT, ["b"]).plan(writes) for operation in multi]
    parts = [operation for operation in planned if operation.path.startswith("/r/journal/")]
    payload = b"".join(part.data for part in parts if isinstance(part, Create))
    table = Table(LAYOUT, ["a", "c"], {"a": 0})
    operations = [operation for multi in table.replay(payload, 3) for operation in multi]
    assert kinds(operations)[:3] == [
        ("Set", LAYOUT.row("a")),
        ("Create", "/r/pieces/a/00001"),
        ("Set", LAYOUT.row("c")),
    ]
    assert table.keys == {"a", "c"}
