"""Clients in the order of fairness: the one with the smallest dominant share first.

A share is the largest part that a client has of any scalar, divided by its weight. Roles form a tree: siblings
compete, and a role that has frameworks of its own and children competes with its children by a leaf called ``.``.
Orders are kept sorted, so that a charge moves one entry a level, whatever the size of the cluster. Source: Mesos
``drf/sorter.cpp``.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping

Scalars = Mapping[str, int]
"""Thousandths by resource name."""

_Rank = tuple[float, int, str]

OWN = "."
"""The virtual leaf of a role that has children, too."""


class _Node:
    __slots__ = ("active", "allocated", "children", "name", "order", "parent", "rank", "times", "weight")

    def __init__(self, name: str, parent: _Node | None, weight: float = 1.0) -> None:
        self.name, self.parent, self.weight = name, parent, weight
        self.children: dict[str, _Node] = {}
        self.order: list[_Rank] = []
        self.allocated: dict[str, int] = {}
        self.times = 0
        self.active = False
        self.rank: _Rank | None = None

    def share(self, totals: Scalars) -> float:
        parts = (amount / totals[name] for name, amount in self.allocated.items() if totals.get(name))
        return max(parts, default=0.0) / self.weight

    def settle(self, totals: Scalars) -> None:
        """Take the right place among the siblings; an inactive node without active children has none."""
        if self.parent is None:
            return
        order = self.parent.order
        if self.rank is not None:
            del order[bisect_left(order, self.rank)]
            self.rank = None
        if self.active or self.order:
            self.rank = (self.share(totals), self.times, self.name)
            insort(order, self.rank)


class Sorter:
    """The fair order of roles, or of the frameworks in one role.

    :param weights: by whole path; 1.0 where nothing is said.
    """

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self._root = _Node("", None)
        self._leaves: dict[str, _Node] = {}
        self._weights = dict(weights or {})
        self._totals: dict[str, int] = {}

    def add(self, client: str, *, hierarchical: bool = False) -> None:
        """Add a client, inactive. ``hierarchical`` clients are paths of roles."""
        if client in self._leaves:
            return
        node = self._root
        path = ""
        for part in client.split("/") if hierarchical else (client,):
            path = f"{path}/{part}" if path else part
            if part not in node.children:
                node.children[part] = _Node(part, node, self._weights.get(path, 1.0))
            node = node.children[part]
        if OWN not in node.children:
            node.children[OWN] = _Node(OWN, node)
        self._leaves[client] = node.children[OWN]

    def remove(self, client: str) -> None:
        """Forget a client; it must have nothing allocated."""
        leaf = self._leaves.pop(client, None)
        if leaf is None:
            return
        leaf.active = False
        self._settle(leaf)
        node = leaf
        while node.parent is not None and not node.children and node.rank is None:
            del node.parent.children[node.name]
            node = node.parent

    def __contains__(self, client: str) -> bool:
        return client in self._leaves

    def __len__(self) -> int:
        return len(self._leaves)

    def activate(self, client: str, active: bool) -> None:
        """Let a client take part, or not."""
        leaf = self._leaves[client]
        if leaf.active != active:
            leaf.active = active
            self._settle(leaf)

    def charge(self, client: str, scalars: Scalars, sign: int = 1) -> None:
        """Count what a client got (or gave back, ``sign`` -1)."""
        node: _Node | None = self._leaves.get(client)
        while node is not None:
            for name, amount in scalars.items():
                node.allocated[name] = node.allocated.get(name, 0) + sign * amount
            node.times += sign > 0
            node.settle(self._totals)
            node = node.parent

    def set_totals(self, totals: Scalars) -> None:
        """Say what the whole cluster has. All shares change."""
        self._totals = dict(totals)
        for leaf in self._leaves.values():
            self._settle(leaf)

    def __iter__(self) -> Iterator[str]:
        """Give the active clients, the least served first."""
        yield from _walk(self._root, "")

    def share(self, client: str) -> float:
        """Return the dominant share of a client, its weight counted in."""
        leaf = self._leaves[client]
        node = leaf.parent if leaf.parent is not None else leaf
        return node.share(self._totals)

    def _settle(self, node: _Node | None) -> None:
        while node is not None:
            node.settle(self._totals)
            node = node.parent


def _walk(node: _Node, path: str) -> Iterator[str]:
    for _, _, name in node.order:
        if name == OWN:
            yield path
        else:
            yield from _walk(node.children[name], f"{path}/{name}" if path else name)
