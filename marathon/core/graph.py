"""Who has to run before whom. Apps depend on apps and on all apps of groups; groups lend theirs to their apps.

Unknown ids are ignored. Only what a change touches is looked at: from the changed apps along their dependencies.
Source: Marathon ``RootGroup.dependencyGraph``, ``DeploymentPlan.appsGroupedByLongestPath``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from marathon.core.groups import find_app, find_group
from marathon.core.model.group import Group
from marathon.core.paths import ancestors, is_within, parent
from marathon.errors import Invalid, Violation

CYCLE = "Dependency graph has cyclic dependencies."


def dependencies_of(root: Group, app_id: str) -> Iterator[str]:
    """Give the apps that an app depends on, by itself and by the groups it is in."""
    app = find_app(root, app_id)
    for each in app.dependencies if app else ():
        yield from _apps_at(root, each)
    for group_id in ancestors(parent(app_id)):
        group = find_group(root, group_id)
        for each in group.dependencies if group else ():
            yield from (found for found in _apps_at(root, each) if not is_within(found, group_id))


def levels(root: Group, app_ids: Iterable[str]) -> list[list[str]]:
    """Return ``app_ids`` by the length of the longest way through their dependencies, shortest first.

    :raises Invalid: when the dependencies of any of them go in a circle.
    """
    depths: dict[str, int] = {}
    by_depth: dict[int, list[str]] = {}
    for app_id in app_ids:
        by_depth.setdefault(_depth(app_id, depths, lambda each: dependencies_of(root, each)), []).append(app_id)
    return [by_depth[depth] for depth in sorted(by_depth)]


def _depth(start: str, depths: dict[str, int], follow: Callable[[str], Iterator[str]]) -> int:
    """Walk without recursion: chains may be longer than Python's stack."""
    way: list[tuple[str, Iterator[str]]] = []
    open_: set[str] = set()

    def enter(app_id: str) -> None:
        if app_id in open_:
            raise Invalid([Violation("/", CYCLE)])
        if app_id not in depths:
            open_.add(app_id)
            way.append((app_id, follow(app_id)))

    best: dict[str, int] = {}
    enter(start)
    while way:
        app_id, rest = way[-1]
        following = next(rest, None)
        if following is not None:
            enter(following)
            best[app_id] = max(best.get(app_id, 0), depths.get(following, 0))
            continue
        way.pop()
        open_.discard(app_id)
        depths[app_id] = best.pop(app_id, 0) + 1
        if way:
            above = way[-1][0]
            best[above] = max(best.get(above, 0), depths[app_id])
    return depths[start]


def _apps_at(root: Group, path: str) -> Iterator[str]:
    if find_app(root, path) is not None:
        yield path
        return
    group = find_group(root, path)
    if group is not None:
        yield from (app.id for app in group.all_apps())
