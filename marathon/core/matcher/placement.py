"""How many instances of an app sit where, kept up to date instance by instance.

Constraints ask for counts by value. They are maintained when an instance is placed or leaves, so that looking at an
offer never looks at the instances. Only instances of the current configuration count: a replacement may sit beside
the instance that it replaces. Source: Marathon ``Constraints``.
"""

from __future__ import annotations

from collections.abc import Mapping

from marathon.core.run_spec import RunSpec


class ValueCounts:
    """Counts by value of one field, and how many values have each count."""

    __slots__ = ("by_value", "placed", "values_with")

    def __init__(self) -> None:
        self.by_value: dict[str, int] = {}
        self.values_with: dict[int, int] = {}
        self.placed = 0

    def add(self, value: str, change: int) -> None:
        """Count ``change`` (1 or -1) instances more at ``value``."""
        before = self.by_value.get(value, 0)
        after = before + change
        self.placed += change
        self._shift(before, -1)
        self._shift(after, 1)
        if after:
            self.by_value[value] = after
        else:
            self.by_value.pop(value, None)

    def least(self) -> int:
        """Return the lowest count of any value that is in use; 0 when none is."""
        return min(self.values_with, default=0)

    def above(self, level: int) -> int:
        """Return by how much counts exceed ``level``, over all values."""
        return sum((count - level) * values for count, values in self.values_with.items() if count > level)

    def _shift(self, count: int, change: int) -> None:
        if count:
            values = self.values_with.get(count, 0) + change
            if values:
                self.values_with[count] = values
            else:
                self.values_with.pop(count, None)


class Placement:
    """Where the current instances of one app are, by the fields that its constraints name."""

    def __init__(self, spec: RunSpec) -> None:
        self.config = spec.config
        self.fields = tuple({each.field for each in spec.constraints if each.counts})
        self._counts = {field: ValueCounts() for field in self.fields}
        self._where: dict[str, Mapping[str, str]] = {}

    def serves(self, spec: RunSpec) -> bool:
        """Tell whether these are the counts that ``spec`` asks for."""
        return self.config == spec.config

    def put(self, instance_id: str, config: str, fields: Mapping[str, str]) -> None:
        """Note where an instance is; one of an older configuration does not count."""
        self.remove(instance_id)
        if self.fields and config >= self.config:
            self._where[instance_id] = fields
            self._change(fields, 1)

    def remove(self, instance_id: str) -> None:
        """Note that an instance is nowhere any more."""
        fields = self._where.pop(instance_id, None)
        if fields is not None:
            self._change(fields, -1)

    def counts(self, field: str) -> ValueCounts:
        """Return the counts of a field that a constraint names."""
        return self._counts[field]

    def _change(self, fields: Mapping[str, str], change: int) -> None:
        for field, counts in self._counts.items():
            if field in fields:
                counts.add(fields[field], change)
