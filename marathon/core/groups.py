"""Changes of the tree of groups: each returns a new root and leaves the old one as it was.

What a change does not touch is shared between both, so that :func:`app_differences` looks only at what changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from marathon.core.model.app import AppDefinition
from marathon.core.model.group import Group
from marathon.core.paths import ROOT, ancestors, parent, segments
from marathon.errors import Invalid, UnknownApp, UnknownGroup, Violation

SAME_ID = "Groups and Applications may not have the same identifier."


def find_group(root: Group, group_id: str) -> Group | None:
    """Return the group of that id."""
    group: Group | None = root
    for each in ancestors(group_id)[1:]:
        group = group.groups.get(each) if group else None
    return group


def find_app(root: Group, app_id: str) -> AppDefinition | None:
    """Return the app of that id."""
    group = find_group(root, parent(app_id))
    return group.apps.get(app_id) if group else None


def get_group(root: Group, group_id: str) -> Group:
    """Return the group of that id. :raises UnknownGroup: when there is none."""
    group = find_group(root, group_id)
    if group is None:
        raise UnknownGroup(group_id)
    return group


def get_app(root: Group, app_id: str) -> AppDefinition:
    """Return the app of that id. :raises UnknownApp: when there is none."""
    app = find_app(root, app_id)
    if app is None:
        raise UnknownApp(app_id)
    return app


def edit(root: Group, group_id: str, change: Callable[[Group], Group], *, enforce_new: bool | None = None) -> Group:
    """Replace one group by what ``change`` makes of it; it and those above are created where they are missing.

    :param enforce_new: ``enforce_role`` of a top group that is created.
    """
    return _edit(root, ancestors(group_id)[1:], change, enforce_new)


def _edit(group: Group, way: list[str], change: Callable[[Group], Group], enforce_new: bool | None) -> Group:
    if not way:
        return change(group)
    child_id = way[0]
    if child_id in group.apps:
        raise Invalid([Violation("/", SAME_ID)])
    child = group.groups.get(child_id) or Group(id=child_id, enforce_role=enforce_new if group.id == ROOT else None)
    changed = _edit(child, way[1:], change, enforce_new)
    if group.groups.get(child_id) is changed:
        return group
    return msgspec.structs.replace(group, groups={**group.groups, child_id: changed})


def put_app(root: Group, app: AppDefinition, *, enforce_new: bool | None = None) -> Group:
    """Add or replace an app. A group of the same id gives way when nothing is in it."""

    def put(group: Group) -> Group:
        groups = group.groups
        in_the_way = groups.get(app.id)
        if in_the_way is not None:
            if not in_the_way.is_empty:
                raise Invalid([Violation("/", SAME_ID)])
            groups = {key: each for key, each in groups.items() if key != app.id}
        return msgspec.structs.replace(group, apps={**group.apps, app.id: app}, groups=groups)

    return edit(root, parent(app.id), put, enforce_new=enforce_new)


def remove_app(root: Group, app_id: str) -> Group:
    """Take an app out. :raises UnknownApp: when there is none."""
    get_app(root, app_id)

    def remove(group: Group) -> Group:
        apps = {key: app for key, app in group.apps.items() if key != app_id}
        return msgspec.structs.replace(group, apps=apps)

    return edit(root, parent(app_id), remove)


def remove_group(root: Group, group_id: str) -> Group:
    """Take a group out with all that is in it; the root only loses its members. :raises UnknownGroup: if missing."""
    get_group(root, group_id)
    if group_id == ROOT:
        return msgspec.structs.replace(root, apps={}, groups={}, dependencies=())

    def remove(group: Group) -> Group:
        groups = {key: each for key, each in group.groups.items() if key != group_id}
        return msgspec.structs.replace(group, groups=groups)

    return edit(root, parent(group_id), remove)


def map_apps(group: Group, change: Callable[[AppDefinition], AppDefinition]) -> Group:
    """Replace every app of a group and of all groups in it by what ``change`` makes of it."""
    apps = {key: change(app) for key, app in group.apps.items()}
    groups = {key: map_apps(each, change) for key, each in group.groups.items()}
    same = all(apps[key] is app for key, app in group.apps.items())
    if same and all(groups[key] is each for key, each in group.groups.items()):
        return group
    return msgspec.structs.replace(group, apps=apps, groups=groups)


def app_differences(
    before: Group | None, after: Group | None
) -> Iterator[tuple[AppDefinition | None, AppDefinition | None]]:
    """Give each app that is not the same object in both trees, as it is in either; ``None`` where it is not."""
    if before is after:
        return
    old = before.apps if before else {}
    new = after.apps if after else {}
    for key in dict.fromkeys([*old, *new]) if old is not new else ():
        if old.get(key) is not new.get(key):
            yield old.get(key), new.get(key)
    for left, right in _child_pairs(before, after):
        yield from app_differences(left, right)


def group_differences(before: Group | None, after: Group | None) -> Iterator[tuple[Group | None, Group | None]]:
    """Give each group that came, went, or says something else about itself (members aside)."""
    if before is after:
        return
    if before is None or after is None or _own(before) != _own(after):
        yield before, after
    for left, right in _child_pairs(before, after):
        yield from group_differences(left, right)


def top_group_of(root: Group, path: str) -> Group | None:
    """Return the group right below the root that ``path`` lies in, ``None`` for what lies in the root itself."""
    names = segments(path)
    return root.groups.get(f"/{names[0]}") if len(names) > 1 else None


def _own(group: Group) -> tuple[tuple[str, ...], bool | None]:
    return group.dependencies, group.enforce_role


def _child_pairs(before: Group | None, after: Group | None) -> Iterator[tuple[Group | None, Group | None]]:
    old = before.groups if before else {}
    new = after.groups if after else {}
    if old is not new:
        for key in dict.fromkeys([*old, *new]):
            yield old.get(key), new.get(key)
