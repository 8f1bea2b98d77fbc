"""The arithmetic of rolling upgrades."""

from __future__ import annotations

import pytest

from marathon.core.rolling import Counts, limits, plan_moves
from marathon.core.run_spec import Upgrade


@pytest.mark.parametrize(
    ("wanted", "minimum", "over", "expected"),
    [
        (10, 1.0, 1.0, (10, 20)),
        (10, 0.5, 0.0, (5, 10)),
        (10, 0.7, 0.2, (7, 12)),
        (3, 0.5, 0.5, (2, 4)),
        (1, 1.0, 0.0, (1, 1)),
        (1, 0.0, 0.0, (0, 1)),
        (5, 0.6, 0.4, (3, 7)),
    ],
)
def test_limits_round_the_minimum_up_and_the_maximum_down(
    wanted: int, minimum: float, over: float, expected: tuple[int, int]
) -> None:
    assert limits(Upgrade(minimum, over), wanted) == expected


def counts(wanted: int, old: int, old_good: int, new: int = 0, new_good: int = 0, **more: int) -> Counts:
    return Counts(
        wanted=wanted, old=old, old_good=old_good, old_bad=more.pop("old_bad", 0), new=new, new_good=new_good, **more
    )


@pytest.mark.parametrize(
    ("state", "upgrade", "moves"),
    [
        pytest.param(counts(10, 10, 10), Upgrade(1, 1), (0, 10), id="all new ones come before an old one goes"),
        pytest.param(counts(10, 10, 10, 10, 3), Upgrade(1, 1), (3, 0), id="one old one goes for each good new one"),
        pytest.param(counts(10, 10, 10), Upgrade(0.5, 0), (5, 0), id="half goes at once"),
        pytest.param(counts(10, 5, 5, leaving=5), Upgrade(0.5, 0), (0, 0), id="those that leave still have room"),
        pytest.param(counts(10, 5, 5, leaving=2), Upgrade(0.5, 0), (0, 3), id="what has left makes room"),
        pytest.param(counts(1, 1, 1), Upgrade(1, 0), (0, 1), id="one too many where nothing could move"),
        pytest.param(counts(1, 1, 1, 1, 1), Upgrade(1, 0), (1, 0), id="then the old one goes"),
        pytest.param(counts(1, 1, 1), Upgrade(0, 0), (1, 0), id="stop, then start"),
        pytest.param(counts(1, 0, 0), Upgrade(0, 0), (0, 1), id="start after the stop"),
        pytest.param(counts(5, 5, 5), Upgrade(0.6, 0.4), (2, 2), id="both ways at once"),
        pytest.param(counts(1, 3, 1, old_bad=2), Upgrade(1, 0), (2, 0), id="a surplus goes at the start"),
        pytest.param(counts(4, 4, 2, old_bad=2), Upgrade(1, 0), (1, 0), id="what is no good makes room"),
        pytest.param(counts(4, 4, 0), Upgrade(1, 0), (0, 0), id="who is not known to be bad is waited for"),
        pytest.param(counts(3, 3, 3), Upgrade(1, 1), (0, 3), id="over-capacity is full"),
    ],
)
def test_moves(state: Counts, upgrade: Upgrade, moves: tuple[int, int]) -> None:
    planned = plan_moves(state, upgrade)
    assert (planned.kill, planned.launch) == moves
    assert not planned.done


def test_a_resident_goes_one_below_instead_of_one_above() -> None:
    assert plan_moves(counts(1, 1, 1), Upgrade(1, 0), resident=True).kill == 1


@pytest.mark.parametrize(
    ("state", "done"),
    [
        (counts(2, 0, 0, 2, 2), True),
        (counts(2, 0, 0, 2, 1), False),
        (counts(2, 1, 1, 2, 2), False),
        (counts(2, 0, 0, 2, 2, leaving=1), False),
        (counts(0, 3, 3), True),
    ],
)
def test_done_when_all_new_ones_are_good_and_no_old_one_is_left(state: Counts, done: bool) -> None:
    assert plan_moves(state, Upgrade(1, 1)).done is done


@pytest.mark.parametrize("wanted", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("minimum", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("over", [0.0, 0.3, 1.0])
def test_every_upgrade_ends_within_its_bounds(wanted: int, minimum: float, over: float) -> None:
    """Starts and ends happen at once; the number of healthy ones stays above, that of all below its bound."""
    upgrade = Upgrade(minimum, over)
    low, high = limits(upgrade, wanted)
    old, new = wanted, 0
    for _ in range(10 * wanted + 10):
        moves = plan_moves(counts(wanted, old, old, new, new), upgrade)
        if moves.done:
            break
        assert moves.kill or moves.launch
        old, new = old - moves.kill, new + moves.launch
        assert old + new - moves.launch >= low
        assert old + new <= max(high, wanted + 1)
    assert (old, new) == (0, wanted)
