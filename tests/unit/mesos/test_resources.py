from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesos.resources import ResourceError, Resources, scalar, thousandths
from mesos.types.resources import AllocationInfo, ReservationInfo, ReservationType, Resource, Scalar, ValueType


@pytest.mark.parametrize(
    ("value", "expected"), [(0.1, 100), (0.0005, 1), (0.0004, 0), (-0.0005, -1), (15360.0, 15_360_000)]
)
def test_scalars_are_thousandths(value: float, expected: int) -> None:
    assert thousandths(value) == expected


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=20))
def test_adding_and_taking_away_leaves_nothing_behind(amounts: list[int]) -> None:
    total = Resources()
    for amount in amounts:
        total += Resources.from_wire([scalar("cpus", amount / 1000)])
    assert total.millis("cpus") == sum(amounts)
    for amount in amounts:
        total -= Resources.from_wire([scalar("cpus", amount / 1000)])
    assert not total


@pytest.mark.parametrize(
    ("have", "want", "fits"),
    [
        ("cpus:1;mem:10", "cpus:1", True),
        ("cpus:1", "cpus:1.001", False),
        ("cpus:1", "gpus:1", False),
        ("ports:[1-10]", "ports:[3-4]", True),
        ("ports:[1-10]", "ports:[9-11]", False),
        ("cpus(ads):1", "cpus:1", False),
        ("bugs:{a,b}", "bugs:{a}", True),
    ],
)
def test_contains(have: str, want: str, fits: bool) -> None:
    assert Resources.parse(have).contains(Resources.parse(want)) is fits


@pytest.mark.parametrize(
    ("text", "says"),
    [("cpus", "missing or extra ':'"), ("cpus:-1", "not negative"), ("cpus:x", "x"), ("ports:[3-1]", "ends before")],
)
def test_a_bad_flag_names_its_part(text: str, says: str) -> None:
    with pytest.raises(ResourceError, match=says):
        Resources.parse(text)


def test_a_negative_scalar_on_the_wire_is_refused_with_upstreams_text() -> None:
    bad = Resource(name="cpus", type=ValueType.SCALAR, scalar=Scalar(-1.0))
    with pytest.raises(ResourceError, match=r"Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0"):
        Resources.from_wire([bad])


def test_old_and_new_form_of_a_reservation_are_the_same() -> None:
    old = Resource(name="disk", type=ValueType.SCALAR, scalar=Scalar(5.0), role="ads", reservation=ReservationInfo())
    new = Resource(
        name="disk",
        type=ValueType.SCALAR,
        scalar=Scalar(5.0),
        reservations=(ReservationInfo(ReservationType.DYNAMIC, "ads"),),
    )
    assert Resources.from_wire([old]) == Resources.from_wire([new])
    assert Resources.from_wire([new]).to_wire(refined=False) == (old,)


def test_a_role_may_use_what_is_unreserved_or_reserved_for_it_or_an_ancestor() -> None:
    all_of_it = Resources.parse("cpus:1;mem(eng):2;disk(eng/web):3;gpus(ops):4")
    assert all_of_it.allocatable_to("eng/web").scalars() == {"cpus": 1000, "mem": 2000, "disk": 3000}
    assert all_of_it.allocatable_to("eng").scalars() == {"cpus": 1000, "mem": 2000}


def test_allocation_sets_resources_apart_and_is_written_as_upstream_writes_it() -> None:
    allocated = Resources.parse("cpus:0.2;mem:32").allocated_to("r1")
    assert str(allocated) == "cpus(allocated: r1):0.2; mem(allocated: r1):32"
    assert {r.allocation_info for r in allocated.to_wire()} == {AllocationInfo("r1")}
    assert allocated.allocated_to(None) == Resources.parse("cpus:0.2;mem:32")


def test_the_legacy_form_always_has_the_four_scalars_and_ranges_only_when_there_are_any() -> None:
    assert Resources().as_dict() == {"cpus": 0.0, "gpus": 0.0, "mem": 0.0, "disk": 0.0}
    shown = Resources.parse("cpus:1;ports:[31000-31005,31010-31010]").as_dict()
    assert shown["ports"] == "[31000-31005, 31010-31010]"


def test_json_resources_are_read() -> None:
    text = '[{"name":"cpus","type":"SCALAR","scalar":{"value":2},"role":"ads"}]'
    assert Resources.parse(text) == Resources.parse("cpus(ads):2")
