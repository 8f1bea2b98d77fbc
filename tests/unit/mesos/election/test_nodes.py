from __future__ import annotations

import pytest

from mesos.election import nodes


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("json.info_0000000007", ("json.info", 7)),
        ("info_0000000000", ("info", 0)),
        ("a_b_12", ("a_b", 12)),
        ("_0000000003", ("", 3)),
        ("json.info_2147483647", ("json.info", 2147483647)),
        ("json.info_2147483648", None),
        ("json.info_-1", None),
        ("json.info_", None),
        ("log_replicas", None),
        ("0000000003", None),
    ],
)
def test_a_name_splits_at_the_last_underscore(name: str, expected: tuple[str, int] | None) -> None:
    assert nodes.split(name) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], None),
        (["log_replicas", "other_1"], None),
        (["json.info_0000000010", "json.info_0000000009"], "json.info_0000000009"),
        (["info_0000000001", "json.info_0000000009"], "json.info_0000000009"),
        (["info_0000000004", "info_0000000002", "log_replicas"], "info_0000000002"),
    ],
)
def test_the_lowest_number_of_the_best_label_is_first(names: list[str], expected: str | None) -> None:
    assert nodes.first(names, nodes.MASTER_LABELS) == expected
