"""Apps against offers."""

from __future__ import annotations

from typing import Any

import pytest

from marathon.core.matcher.match import Match, NoMatch, Rules, match
from marathon.core.matcher.offers import OfferView
from marathon.core.matcher.placement import Placement
from marathon.core.matcher.reasons import Funnel, RejectReason
from marathon.core.run_spec import Needs, RunSpec
from mesos.clock import SeededIds
from mesos.resources import Resources
from mesos.types.base import DurationInfo, TimeInfo, Unavailability
from mesos.types.ids import AgentID, FrameworkID, OfferID
from mesos.types.offers import Offer
from mesos.types.resources import AllocationInfo


def offer(resources: str = "cpus:2;mem:1024;disk:1024;ports:[31000-31009]", role: str = "*", **fields: Any) -> Offer:
    return Offer(
        id=OfferID("o1"),
        framework_id=FrameworkID("f"),
        agent_id=AgentID("s1"),
        hostname="h1",
        resources=Resources.parse(resources).allocated_to(role).to_wire(),
        allocation_info=AllocationInfo(role),
        **fields,
    )


def spec(needs: Needs | None = None, **fields: Any) -> RunSpec:
    return RunSpec(id="/a", version="v1", config="v1", needs=needs or Needs(cpus=1000, mem=128_000), **fields)


def look(view: OfferView, app: RunSpec, rules: Rules | None = None, now_s: float = 0.0) -> Match | NoMatch:
    return match(view, app, Placement(app), rules=rules or Rules(), ids=SeededIds(1), now_s=now_s)


def reasons(found: Match | NoMatch) -> list[str]:
    assert isinstance(found, NoMatch)
    return [each.value for each in found.reasons]


def test_a_match_takes_what_the_app_needs() -> None:
    found = look(OfferView(offer()), spec(Needs(cpus=500, mem=64_000, disk=10_000, host_ports=(0, 31005, None))))
    assert isinstance(found, Match)
    assert found.resources.scalars() == {"cpus": 500, "mem": 64_000, "disk": 10_000}
    random_port, fixed, none = found.host_ports
    assert fixed == 31005 and none is None
    assert random_port is not None and 31000 <= random_port <= 31009 and random_port != 31005


def test_instances_are_placed_until_the_offer_is_used_up() -> None:
    view, app, placed = OfferView(offer()), spec(Needs(cpus=600, mem=1000, host_ports=(0,))), []
    while isinstance(found := look(view, app), Match):
        view.left -= found.resources
        placed.append(found.host_ports[0])
    assert len(placed) == len(set(placed)) == 3
    assert reasons(found) == ["InsufficientCpus"]


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        (Needs(cpus=3000, mem=2_000_000), ["InsufficientCpus", "InsufficientMemory"]),
        (Needs(disk=2_000_000), ["InsufficientDisk"]),
        (Needs(gpus=1000), ["InsufficientGpus"]),
        (Needs(host_ports=(80,)), ["InsufficientPorts"]),
        (Needs(host_ports=(0,) * 11), ["InsufficientPorts"]),
        (Needs(host_ports=(31000, 31000)), ["InsufficientPorts"]),
    ],
)
def test_each_lack_is_named_in_funnel_order(needs: Needs, expected: list[str]) -> None:
    assert reasons(look(OfferView(offer()), spec(needs))) == expected


def test_an_offer_of_another_role_is_refused() -> None:
    assert reasons(look(OfferView(offer(role="ads")), spec()))[0] == "UnfulfilledRole"


def test_reserved_resources_are_taken_first_and_only_when_accepted() -> None:
    reserved = offer("cpus(ads):1;cpus:1;mem:512", role="ads")
    app = spec(Needs(cpus=1500, mem=1000), role="ads", accepted_roles=frozenset({"*", "ads"}))
    found = look(OfferView(reserved), app)
    assert isinstance(found, Match)
    amounts = {key.role: amount for key, amount in found.resources if key.name == "cpus"}
    assert amounts == {"ads": 1000, "*": 500}
    only_star = spec(Needs(cpus=1500, mem=1000), role="ads", accepted_roles=frozenset({"*"}))
    assert reasons(look(OfferView(reserved), only_star)) == ["InsufficientCpus"]


def test_an_agent_in_maintenance_is_refused_unless_the_mode_is_off() -> None:
    window = Unavailability(TimeInfo(100 * 10**9), DurationInfo(50 * 10**9))
    view = OfferView(offer(unavailability=window))
    assert isinstance(look(view, spec(), now_s=99.0), Match)
    assert reasons(look(view, spec(), now_s=100.0)) == ["AgentMaintenance"]
    assert reasons(look(view, spec(), Rules(draining_s=10.0), now_s=95.0)) == ["AgentMaintenance"]
    assert isinstance(look(view, spec(), now_s=150.0), Match)
    assert isinstance(look(view, spec(), Rules(maintenance_mode=False), now_s=100.0), Match)


def test_agents_with_gpus_are_kept_for_those_who_need_them() -> None:
    view = OfferView(offer("cpus:2;mem:1024;gpus:1"))
    assert reasons(look(view, spec())) == ["DeclinedScarceResources"]
    assert isinstance(look(view, spec(), Rules(gpu_policy="unrestricted")), Match)
    assert isinstance(look(view, spec(gpu_policy="unrestricted")), Match)
    assert isinstance(look(view, spec(Needs(cpus=1000, gpus=1000))), Match)


def test_the_funnel_counts_each_offer_once_and_what_is_left_of_them() -> None:
    funnel = Funnel()
    funnel.refused((RejectReason.UNFULFILLED_ROLE, RejectReason.INSUFFICIENT_CPUS))
    funnel.refused((RejectReason.INSUFFICIENT_CPUS,))
    funnel.used()
    steps = {each.reason: (each.declined, each.processed) for each in funnel.steps()}
    assert steps["UnfulfilledRole"] == (1, 3)
    assert steps["UnfulfilledConstraint"] == (0, 2)
    assert steps["InsufficientCpus"] == (1, 2)
    assert steps["InsufficientPorts"] == (0, 1)
