"""Builds a tree of groups from the apps and groups that are stored one by one."""

from __future__ import annotations

from collections.abc import Mapping

from marathon.core.model.app import AppDefinition
from marathon.core.model.deployment import GroupFields
from marathon.core.model.group import Group
from marathon.core.paths import ROOT, parent, segments


def build(apps: Mapping[str, AppDefinition], groups: Mapping[str, GroupFields], root: GroupFields | None) -> Group:
    """Return the root group. Groups that are only implied by their members are made too."""
    fields = {ROOT: root or GroupFields(), **groups}
    for path in (*apps, *groups):
        above = parent(path)
        while above not in fields:
            fields[above] = GroupFields()
            above = parent(above)
    built: dict[str, Group] = {}
    children: dict[str, dict[str, Group]] = {}
    members: dict[str, dict[str, AppDefinition]] = {}
    for app_id, app in apps.items():
        members.setdefault(parent(app_id), {})[app_id] = app
    for group_id in sorted(fields, key=lambda each: len(segments(each)), reverse=True):
        own = fields[group_id]
        built[group_id] = Group(
            id=group_id,
            apps=members.get(group_id, {}),
            groups=children.get(group_id, {}),
            dependencies=own.dependencies,
            enforce_role=own.enforce_role,
        )
        if group_id != ROOT:
            children.setdefault(parent(group_id), {})[group_id] = built[group_id]
    return built[ROOT]
