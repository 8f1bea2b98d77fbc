"""A group of apps and groups. The tree is persistent: a change copies the groups on its way and shares all others.

So two roots can be compared by going only where they are not the same object. Source: Marathon ``Group``.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from marathon.core.model.app import AppDefinition


class Group(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One group; ``apps`` and ``groups`` by absolute id, never changed in place. Only top groups have ``enforce_role``.

    The version of a tree is its root's.
    """

    id: str = "/"
    version: str = ""
    apps: dict[str, AppDefinition] = {}
    groups: dict[str, Group] = {}
    dependencies: tuple[str, ...] = ()
    enforce_role: bool | None = None

    @property
    def is_empty(self) -> bool:
        """Whether neither it nor any group in it has an app."""
        return not self.apps and all(each.is_empty for each in self.groups.values())

    def all_apps(self) -> Iterator[AppDefinition]:
        """Give its apps and those of all groups in it."""
        yield from self.apps.values()
        for each in self.groups.values():
            yield from each.all_apps()

    def all_groups(self) -> Iterator[Group]:
        """Give itself and all groups in it."""
        yield self
        for each in self.groups.values():
            yield from each.all_groups()
