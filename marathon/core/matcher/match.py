"""One app against one offer: what an instance would take, or every reason why it cannot be there."""

from __future__ import annotations

import msgspec

from marathon.core.matcher import constraints, ports
from marathon.core.matcher.offers import OfferView
from marathon.core.matcher.placement import Placement
from marathon.core.matcher.reasons import RejectReason, in_order
from marathon.core.run_spec import RunSpec
from mesos.clock import IdSource
from mesos.ranges import Ranges, coalesce, difference, intersection, union
from mesos.resources import Key, Resources


class Match(msgspec.Struct, frozen=True):
    """What the instance takes from the offer; ``host_ports`` has an entry for each one it asked for."""

    resources: Resources
    host_ports: tuple[int | None, ...]


class NoMatch(msgspec.Struct, frozen=True):
    """Why not, first reason of the funnel first."""

    reasons: tuple[RejectReason, ...]


class Rules(msgspec.Struct, frozen=True):
    """How this marathon was told to treat offers."""

    maintenance_mode: bool = True
    draining_s: float = 0.0
    gpu_policy: str = "restricted"


_SCALARS = (
    ("cpus", RejectReason.INSUFFICIENT_CPUS),
    ("mem", RejectReason.INSUFFICIENT_MEMORY),
    ("disk", RejectReason.INSUFFICIENT_DISK),
    ("gpus", RejectReason.INSUFFICIENT_GPUS),
)


def match(
    view: OfferView, spec: RunSpec, placement: Placement, *, rules: Rules, ids: IdSource, now_s: float
) -> Match | NoMatch:
    """Look whether one more instance of ``spec`` fits what is left of the offer."""
    reasons: list[RejectReason] = []
    usable = view.left.filter(lambda key: _is_usable(key, spec))
    if view.role != spec.role or not usable:
        reasons.append(RejectReason.UNFULFILLED_ROLE)
    if not constraints.allowed(spec, view.fields, placement):
        reasons.append(RejectReason.UNFULFILLED_CONSTRAINT)
    if rules.maintenance_mode and view.is_unavailable(now_s, rules.draining_s):
        reasons.append(RejectReason.AGENT_MAINTENANCE)
    used = Resources()
    for name, reason in _SCALARS:
        taken = _take_scalar(usable, name, getattr(spec.needs, name))
        if taken is None:
            reasons.append(reason)
        else:
            used += taken
    host_ports = ports.choose(spec.needs.host_ports, usable.ranges("ports"), ids)
    if host_ports is None:
        reasons.append(RejectReason.INSUFFICIENT_PORTS)
    if _is_too_good(view, spec, rules):
        reasons.append(RejectReason.DECLINED_SCARCE)
    if reasons or host_ports is None:
        return NoMatch(in_order(reasons))
    return Match(used + _take_ports(usable, host_ports), host_ports)


def _is_usable(key: Key, spec: RunSpec) -> bool:
    """Only plain resources of an accepted role; those reserved with labels belong to a resident instance."""
    if key.role not in spec.accepted_roles or key.revocable or key.provider_id is not None:
        return False
    if key.disk is not None:
        return False
    return all(each.labels is None for each in key.reservations)


def _take_scalar(usable: Resources, name: str, wanted: int) -> Resources | None:
    """Take ``wanted`` thousandths, what is reserved for us first."""
    taken: dict[Key, int] = {}
    amounts = [(key, amount) for key, amount in usable if key.name == name and isinstance(amount, int)]
    for key, amount in sorted(amounts, key=lambda pair: not pair[0].reservations):
        if wanted <= 0:
            break
        taken[key] = min(amount, wanted)
        wanted -= taken[key]
    return Resources(taken) if wanted <= 0 else None


def _take_ports(usable: Resources, host_ports: tuple[int | None, ...]) -> Resources:
    wanted: Ranges = coalesce((port, port) for port in host_ports if port)
    taken: dict[Key, Ranges] = {}
    for key, amount in usable:
        if key.name == "ports" and isinstance(amount, tuple):
            here = intersection(amount, wanted)
            if here:
                taken[key] = union(taken.get(key, ()), here)
                wanted = difference(wanted, here)
    return Resources(taken)


def _is_too_good(view: OfferView, spec: RunSpec, rules: Rules) -> bool:
    """Keep agents with GPUs for those who need them, unless told otherwise."""
    if spec.needs.gpus or view.left.millis("gpus") == 0:
        return False
    return (spec.gpu_policy or rules.gpu_policy) == "restricted"
