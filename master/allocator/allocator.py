"""The allocator: looks at agents whose free resources changed and picks who is offered them.

It is told of every change and keeps a set of *dirty* agents. :meth:`Allocator.allocate` goes through these alone. What
a framework gave back by declining waits for the next round (``later``), as upstream's batch, so that two frameworks
that want nothing cannot keep the master busy; everything else is looked at in the same step.

Source of the rules: Mesos ``hierarchical.cpp``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from master.allocator.filters import Filters
from master.allocator.sorter import Sorter
from master.core.allocation import FilterKey, Pick
from master.core.settings import Quantities, Settings
from mesos.resources import EMPTY, Resources
from mesos.types.frameworks import FrameworkInfo

Shuffle = Callable[[list[str]], None]


class _Client:
    """A framework as the allocator sees it."""

    def __init__(self, info: FrameworkInfo, roles: Iterable[str], suppressed: frozenset[str]) -> None:
        self.info, self.roles, self.suppressed = info, frozenset(roles), suppressed
        self.active = False
        self.takes_gpus = info.has("GPU_RESOURCES")
        self._takes_shared, self._takes_revocable = info.has("SHARED_RESOURCES"), info.has("REVOCABLE_RESOURCES")
        self.minima = {role: _own_minimum(info, role) for role in self.roles}

    def may_have(self, resources: Resources) -> Resources:
        """Return what the framework's capabilities let it be offered."""
        if any((key.shared and not self._takes_shared) or key.revocable for key, _ in resources):
            return resources.filter(
                lambda key: (self._takes_shared or not key.shared) and (self._takes_revocable or not key.revocable)
            )
        return resources


class Allocator:
    """Fair offers.

    :param shuffle: puts agents into a random order, in place.
    """

    def __init__(self, settings: Settings, shuffle: Shuffle) -> None:
        self._settings, self._shuffle = settings, shuffle
        self._roles = Sorter(settings.weights)
        self._frameworks_in: dict[str, Sorter] = {}
        self._clients: dict[str, _Client] = {}
        self._totals: dict[str, int] = {}
        self._agents: dict[str, Resources] = {}
        self._allocations: dict[FilterKey, Resources] = {}
        self.filters = Filters()
        self.dirty: set[str] = set()
        self.later: set[str] = set()

    # Agents.

    def set_agent(self, agent_id: str, total: Resources) -> None:
        """Add an agent to the whole, or change what it has."""
        self._change_totals(self._agents.get(agent_id, EMPTY), total)
        self._agents[agent_id] = total
        self.dirty.add(agent_id)

    def convert_agent(self, agent_id: str, total: Resources) -> None:
        """Note that an agent's resources are other ones of the same quantity: reserved, made volumes, or back."""
        self._agents[agent_id] = total

    def remove_agent(self, agent_id: str) -> None:
        """Take an agent out of the whole, with its filters; allocations must have been given back."""
        self._change_totals(self._agents.pop(agent_id, EMPTY), EMPTY)
        self.filters.forget_agent(agent_id)
        self.dirty.discard(agent_id)
        self.later.discard(agent_id)

    def _change_totals(self, old: Resources, new: Resources) -> None:
        for name, amount in old.scalars().items():
            self._totals[name] -= amount
        for name, amount in new.scalars().items():
            self._totals[name] = self._totals.get(name, 0) + amount
        self._roles.set_totals(self._totals)
        for sorter in self._frameworks_in.values():
            sorter.set_totals(self._totals)

    # Frameworks.

    def set_framework(
        self, framework_id: str, info: FrameworkInfo, *, suppressed: frozenset[str], active: bool
    ) -> None:
        """Add a framework or change what it wants. All agents are looked at again when it wants more than before."""
        old = self._clients.get(framework_id)
        client = _Client(info, info.all_roles, suppressed)
        client.active = active
        self._clients[framework_id] = client
        for role in client.roles:
            self._track(role, framework_id)
        for role in old.roles - client.roles if old else ():
            self._activate(role, framework_id, False)
        for role in client.roles:
            self._activate(role, framework_id, active and role not in suppressed)
        if active and client.roles - suppressed:
            self.dirty.update(self._agents)

    def remove_framework(self, framework_id: str) -> None:
        """Forget a framework; its allocations must have been given back."""
        self._clients.pop(framework_id, None)
        self.filters.forget_framework(framework_id)
        for role in [role for role, sorter in self._frameworks_in.items() if framework_id in sorter]:
            self._activate(role, framework_id, False)
            self._untrack(role, framework_id)

    def deactivate_framework(self, framework_id: str) -> None:
        """Offer a framework nothing until it is set again."""
        client = self._clients.get(framework_id)
        if client is not None:
            client.active = False
            for role in client.roles:
                self._activate(role, framework_id, False)

    def suppress(self, framework_id: str, suppressed: frozenset[str]) -> None:
        """Offer a framework nothing for these roles (all that it suppresses now)."""
        client = self._clients[framework_id]
        client.suppressed = suppressed
        for role in client.roles:
            self._activate(role, framework_id, client.active and role not in suppressed)

    def revive(self, framework_id: str, roles: frozenset[str], suppressed: frozenset[str]) -> None:
        """Drop the filters of these roles and offer for them again."""
        self.suppress(framework_id, suppressed)
        self.filters.forget_framework(framework_id, roles)
        if self._clients[framework_id].active:
            self.dirty.update(self._agents)

    # Allocations.

    def charge(self, framework_id: str, agent_id: str, role: str, resources: Resources) -> None:
        """Count what a framework got, by an offer or by a task that an agent told of."""
        self._track(role, framework_id)
        resources = resources.exclusive()
        key = (framework_id, role, agent_id)
        self._allocations[key] = self._allocations.get(key, EMPTY) + resources
        self._count(framework_id, role, resources, 1)

    def uncharge(self, framework_id: str, agent_id: str, role: str, resources: Resources, *, later: bool) -> None:
        """Count what a framework gave back. ``later``: offer it again in the next round, not at once."""
        resources = resources.exclusive()
        key = (framework_id, role, agent_id)
        rest = self._allocations.get(key, EMPTY) - resources
        if rest:
            self._allocations[key] = rest
        else:
            self._allocations.pop(key, None)
        self._count(framework_id, role, resources, -1)
        if agent_id in self._agents:
            (self.later if later else self.dirty).add(agent_id)

    def convert(self, framework_id: str, agent_id: str, role: str, consumed: Resources, converted: Resources) -> None:
        """Note that what a framework got is something else of the same quantity now."""
        key = (framework_id, role, agent_id)
        self._allocations[key] = self._allocations.get(key, EMPTY) - consumed.exclusive() + converted.exclusive()
        self._count(framework_id, role, consumed.exclusive(), -1)
        self._count(framework_id, role, converted.exclusive(), 1)

    def _count(self, framework_id: str, role: str, resources: Resources, sign: int) -> None:
        scalars = resources.scalars()
        self._roles.charge(role, scalars, sign)
        self._frameworks_in[role].charge(framework_id, scalars, sign)

    def share(self, role: str) -> float:
        """Return the dominant share of a role."""
        return self._roles.share(role) if role in self._roles else 0.0

    @property
    def active_roles(self) -> Iterable[str]:
        """The roles that have frameworks."""
        return self._frameworks_in

    def frameworks_in(self, role: str) -> list[str]:
        """Return the frameworks that subscribe to a role."""
        return [framework_id for framework_id, client in self._clients.items() if role in client.roles]

    def allocate(self, free: Mapping[str, Resources], eligible: Callable[[str], bool]) -> list[Pick]:
        """Pick offers for the dirty agents and charge them.

        :param free: by agent, without allocation role.
        :param eligible: whether an agent's resources may be offered at all.
        """
        agents = [agent_id for agent_id in self.dirty if agent_id in self._agents and eligible(agent_id)]
        self.dirty.clear()
        self._shuffle(agents)
        picks: list[Pick] = []
        for agent_id in agents:
            self._allocate_agent(agent_id, free.get(agent_id, EMPTY), picks)
        return picks

    def _allocate_agent(self, agent_id: str, free: Resources, picks: list[Pick]) -> None:
        """Offer an agent's resources to the least served; what is left is reserved for others, or too little."""
        has_gpus = self._settings.filter_gpu_resources and self._agents[agent_id].millis("gpus") > 0
        for role in list(self._roles):
            available = free.allocatable_to(role)
            if not available:
                continue
            for framework_id in self._frameworks_in[role]:
                client = self._clients[framework_id]
                if has_gpus and not client.takes_gpus:
                    continue
                offered = client.may_have(available)
                if not self._enough(client, role, offered):
                    continue
                if self.filters.blocks((framework_id, role, agent_id), offered):
                    continue
                picks.append(Pick(framework_id, agent_id, role, offered.allocated_to(role)))
                self.charge(framework_id, agent_id, role, picks[-1].resources)
                free -= offered.exclusive()
                break
            if not free:
                return

    def _enough(self, client: _Client, role: str, available: Resources) -> bool:
        if not available.exclusive():
            return False
        minima = client.minima[role]
        if minima is None:
            minima = self._settings.min_allocatable
        if not minima:
            return True
        scalars = available.exclusive().scalars()
        return any(all(scalars.get(name, 0) >= least for name, least in each.items()) for each in minima)

    def _track(self, role: str, framework_id: str) -> None:
        if role not in self._frameworks_in:
            self._roles.add(role, hierarchical=True)
            self._frameworks_in[role] = Sorter()
            self._frameworks_in[role].set_totals(self._totals)
        self._frameworks_in[role].add(framework_id)

    def _untrack(self, role: str, framework_id: str) -> None:
        sorter = self._frameworks_in.get(role)
        if sorter is None:
            return
        sorter.remove(framework_id)
        if not len(sorter):
            del self._frameworks_in[role]
            self._roles.remove(role)

    def _activate(self, role: str, framework_id: str, active: bool) -> None:
        sorter = self._frameworks_in.get(role)
        if sorter is None or framework_id not in sorter:
            return
        sorter.activate(framework_id, active)
        self._roles.activate(role, any(True for _ in sorter))


def _own_minimum(info: FrameworkInfo, role: str) -> tuple[Quantities, ...] | None:
    """Return a framework's own least quantities for a role; ``None`` when the master's count."""
    filters = info.offer_filters.get(role)
    if filters is None or filters.min_allocatable_resources is None:
        return None
    return tuple(
        {name: round(amount.value * 1000) for name, amount in each.quantities.items()}
        for each in filters.min_allocatable_resources.quantities
    )
