"""Which versions of apps, groups and the root are stored; what they contain is read from the store when asked for."""

from __future__ import annotations

from bisect import bisect_right

VERSIONS_MAX = 50
"""Versions kept of each app, each group and the root, oldest forgotten first. Source: ``--zk_max_versions``."""


class History:
    """Versions in the order of time. An entry is a version and whether the thing existed from then on."""

    def __init__(self) -> None:
        self.apps: dict[str, list[tuple[str, bool]]] = {}
        self.groups: dict[str, list[tuple[str, bool]]] = {}
        self.roots: list[str] = []

    def of_app(self, app_id: str) -> list[str]:
        """Return the stored versions of an app, newest first."""
        return [version for version, present in reversed(self.apps.get(app_id, ())) if present]

    def apps_at(self, version: str) -> dict[str, str]:
        """Return the apps that existed at ``version``, each with its own version then."""
        return _at(self.apps, version)

    def groups_at(self, version: str) -> dict[str, str]:
        """Return the groups that existed at ``version``, each with the version of its own fields then."""
        return _at(self.groups, version)

    def note_app(self, app_id: str, version: str, present: bool) -> list[str]:
        """Note a version of an app. Return the versions that need not be kept any more."""
        return _note(self.apps.setdefault(app_id, []), version, present)

    def note_group(self, group_id: str, version: str, present: bool) -> list[str]:
        """Note a version of a group's own fields. Return the versions that need not be kept any more."""
        return _note(self.groups.setdefault(group_id, []), version, present)

    def note_root(self, version: str) -> list[str]:
        """Note a version of the root. Return the versions that need not be kept any more."""
        self.roots.append(version)
        dropped = self.roots[:-VERSIONS_MAX]
        del self.roots[:-VERSIONS_MAX]
        return dropped


def _note(entries: list[tuple[str, bool]], version: str, present: bool) -> list[str]:
    entries.append((version, present))
    dropped = [old for old, _ in entries[:-VERSIONS_MAX]]
    del entries[:-VERSIONS_MAX]
    return dropped


def _at(things: dict[str, list[tuple[str, bool]]], version: str) -> dict[str, str]:
    found = {}
    for key, entries in things.items():
        index = bisect_right(entries, (version, True)) - 1
        if index >= 0 and entries[index][1]:
            found[key] = entries[index][0]
    return found
