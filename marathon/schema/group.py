"""Updates of groups: what is absent stays, what is there replaces. Source: Marathon ``GroupUpdate``.

A present list of apps replaces all apps of the group, a present list of groups all its groups; those that exist are
merged by the same rules.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import msgspec

from marathon.core import groups
from marathon.core.model.app import AppDefinition
from marathon.core.model.group import Group
from marathon.core.paths import ROOT, absolute, ancestors, is_within, parent
from marathon.errors import Invalid, Violation
from marathon.schema.body import INVALID_JSON, load
from marathon.schema.context import Context
from marathon.schema.definition import complete
from marathon.schema.forms import AppForm, GroupForm
from marathon.schema.rules.identity import path_rules

Value = dict[str, Any]

NOT_ALONE = "not allowed in conjunction with other properties."


def load_group(value: Any, at: str = "") -> Value:
    """Check the form of a group and of all its members. :raises Invalid: with every wrong path."""
    wrong: list[Violation] = []
    loaded = _load(value, at, wrong)
    if wrong or loaded is None:
        raise Invalid(wrong, INVALID_JSON)
    return loaded


def update_group(root: Group, group_id: str, update: Value, context: Context) -> Group:
    """Return the root with a loaded update applied to one group, which is created when it is missing.

    :raises Invalid: with everything that is wrong.
    """
    for key in ("version", "scaleBy"):
        if key in update and len(update) > 1:
            raise Invalid([Violation(f"/{key}", NOT_ALONE)])
    if "scaleBy" in update:
        return scaled(root, group_id, update["scaleBy"])
    wrong = list(path_rules(group_id, "/id"))
    merge = _Merge(root, context, wrong)
    result = groups.edit(
        root, group_id, lambda group: merge.group(group, update, ""), enforce_new=context.enforce_new_groups
    )
    if wrong:
        raise Invalid(wrong)
    return result


def scaled(root: Group, group_id: str, factor: float) -> Group:
    """Return the root with the instances of all apps in a group multiplied, rounded up."""
    groups.get_group(root, group_id)

    def scale(app: AppDefinition) -> AppDefinition:
        return msgspec.structs.replace(app, instances=ceil(app.instances * factor - 1e-9))

    return groups.edit(root, group_id, lambda group: groups.map_apps(group, scale))


def _load(value: Any, at: str, wrong: list[Violation]) -> Value | None:
    loaded = _checked(GroupForm, value, at, wrong)
    if loaded is None:
        return None
    if "apps" in loaded:
        apps = [_checked(AppForm, each, f"{at}/apps({index})", wrong) for index, each in enumerate(loaded["apps"])]
        loaded["apps"] = apps
        _need_ids(apps, f"{at}/apps", wrong)
    if "groups" in loaded:
        inner = [_load(each, f"{at}/groups({index})", wrong) for index, each in enumerate(loaded["groups"])]
        loaded["groups"] = inner
        _need_ids(inner, f"{at}/groups", wrong)
    return loaded


def _checked(form: type[AppForm] | type[GroupForm], value: Any, at: str, wrong: list[Violation]) -> Value | None:
    try:
        return load(form, value, at)
    except Invalid as error:
        wrong += error.violations
        return None


def _need_ids(members: list[Value | None], at: str, wrong: list[Violation]) -> None:
    for index, each in enumerate(members):
        if each is not None and "id" not in each:
            wrong.append(Violation(f"{at}({index})/id", "error.path.missing"))


class _Merge:
    """One update under way. ``_root`` is the tree as roles see it: with what the update says of top groups."""

    def __init__(self, root: Group, context: Context, wrong: list[Violation]) -> None:
        self._root, self._context, self._wrong = root, context, wrong

    def group(self, group: Group, update: Value, at: str) -> Group:
        changes: dict[str, Any] = {}
        if "enforceRole" in update:
            if len(ancestors(group.id)) != 2:
                text = f"enforceRole can only be set for top-level groups, and {group.id} is not top-level"
                self._wrong.append(Violation(f"{at}/enforceRole", text))
            else:
                changes["enforce_role"] = update["enforceRole"]
        if parent(group.id) == ROOT != group.id:
            own = msgspec.structs.replace(group, **changes)
            self._root = msgspec.structs.replace(self._root, groups={**self._root.groups, group.id: own})
        if "dependencies" in update:
            found = tuple(dict.fromkeys(absolute(each, group.id) for each in update["dependencies"]))
            if found != group.dependencies:
                changes["dependencies"] = found
        if "apps" in update:
            changes["apps"] = self._apps(group, update["apps"], at)
        if "groups" in update:
            changes["groups"] = self._groups(group, update["groups"], at)
        apps, children = changes.get("apps", group.apps), changes.get("groups", group.groups)
        for app_id in [each for each in apps if each in children]:
            if children[app_id].is_empty and "groups" not in update:
                children = changes["groups"] = {key: each for key, each in children.items() if key != app_id}
            else:
                self._wrong.append(Violation(at or "/", groups.SAME_ID))
        return msgspec.structs.replace(group, **changes) if changes else group

    def _apps(self, group: Group, values: list[Value], at: str) -> dict[str, AppDefinition]:
        apps: dict[str, AppDefinition] = {}
        for index, value in enumerate(values):
            app_id = self._member_id(group, value, f"{at}/apps({index})")
            if app_id is None:
                continue
            if app_id in apps:
                self._wrong.append(Violation(f"{at}/apps({index})", "Elements must be unique."))
            existing = group.apps.get(app_id)
            try:
                apps[app_id] = complete(value, app_id, self._root, self._context, existing=existing, base=group.id)
            except Invalid as error:
                self._wrong += [
                    Violation(f"/apps/{app_id}" + ("" if each.path == "/" else each.path), each.text)
                    for each in error.violations
                ]
        return apps

    def _groups(self, group: Group, values: list[Value], at: str) -> dict[str, Group]:
        children: dict[str, Group] = {}
        for index, value in enumerate(values):
            place = f"{at}/groups({index})"
            child_id = self._member_id(group, value, place)
            if child_id is None:
                continue
            if child_id in children:
                self._wrong.append(Violation(place, "Elements must be unique."))
            for key in ("version", "scaleBy"):
                if key in value:
                    self._wrong.append(Violation(f"{place}/{key}", NOT_ALONE))
            self._wrong += path_rules(child_id, f"{place}/id")
            enforced = self._context.enforce_new_groups if group.id == ROOT else None
            child = group.groups.get(child_id) or Group(id=child_id, enforce_role=enforced)
            children[child_id] = self.group(child, value, place)
        return children

    def _member_id(self, group: Group, value: Value, at: str) -> str | None:
        found = absolute(value["id"], group.id)
        if parent(found) != group.id or found == group.id:
            inside = is_within(found, group.id) and found != group.id
            hint = "" if inside else ". Hint: use relative paths."
            self._wrong.append(Violation(f"{at}/id", f"Identifier is not child of '{group.id}'{hint}"))
            return None
        return found
