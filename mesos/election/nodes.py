"""The names of election nodes: ``<label>_<sequence>``, as Mesos writes them. Source: Mesos ``group.cpp``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MASTER_LABEL = "json.info"
"""Nodes whose data is MasterInfo as JSON."""

MASTER_LABELS = (MASTER_LABEL, "info")
"""What may lead among masters, best first; ``info`` nodes are those of versions before 0.24."""

_SEQUENCE_MAX = 2**31 - 1


def split(name: str) -> tuple[str, int] | None:
    """Return label and sequence number of a node name, or ``None`` for a name that is no contender's."""
    label, separator, number = name.rpartition("_")
    if not separator or not (number.isascii() and number.isdigit()) or int(number) > _SEQUENCE_MAX:
        return None
    return label, int(number)


def first(names: Iterable[str], labels: Sequence[str]) -> str | None:
    """Return the name that leads: the lowest sequence number of the first label that any name has."""
    ranked = [
        (labels.index(parts[0]), parts[1], name) for name in names if (parts := split(name)) and parts[0] in labels
    ]
    return min(ranked)[2] if ranked else None
