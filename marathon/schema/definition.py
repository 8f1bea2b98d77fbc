"""Apps out of checked bodies: whole definitions, and updates of what is there. Source: Marathon ``AppsResource``."""

from __future__ import annotations

from typing import Any

import msgspec

from marathon.core.model.app import AppDefinition
from marathon.core.model.group import Group
from marathon.core.paths import ROOT, absolute
from marathon.core.roles import allowed_roles, default_role
from marathon.errors import Invalid, Violation
from marathon.schema.build import as_written, build
from marathon.schema.context import Context
from marathon.schema.fold import fold
from marathon.schema.rules import breaches
from marathon.schema.rules.identity import path_rules

Value = dict[str, Any]

VERSION_ALONE = "The 'version' field may only be combined with the 'id' field."


def complete(
    value: Value,
    app_id: str,
    root: Group,
    context: Context,
    *,
    existing: AppDefinition | None = None,
    base: str = ROOT,
) -> AppDefinition:
    """Return the app that a whole definition describes.

    :param value: a loaded ``AppForm``.
    :param base: where relative dependencies start.
    :raises Invalid: with everything that is wrong.
    """
    folded = fold(without_echo(value), context)
    folded["dependencies"] = list(dict.fromkeys(absolute(each, base) for each in folded.get("dependencies", ())))
    role = default_role(root, app_id, context.role, enforce_new=context.enforce_new_groups)
    app = build(folded, app_id, role)
    wrong = breaches(app, context)
    wrong += [each for path in app.dependencies for each in path_rules(path, "/dependencies")]
    roles = allowed_roles(
        root,
        app_id,
        context.role,
        enforce_new=context.enforce_new_groups,
        present=existing.role if existing else None,
    )
    if app.role not in roles:
        wrong.append(Violation("/role", f"got {app.role}, expected one of: [{', '.join(roles)}]"))
    if wrong:
        raise Invalid(wrong)
    return app


def updated(existing: AppDefinition, update: Value, root: Group, context: Context) -> AppDefinition:
    """Return ``existing`` with the top-level fields of ``update`` in place of its own. Maps and lists are not merged.

    :raises Invalid: with everything that is wrong with the result.
    """
    update = without_echo(update)
    value = as_written(existing)
    for name in _superseded(update):
        value.pop(name, None)
    value.update(update)
    app = complete(value, existing.id, root, context, existing=existing)
    return msgspec.structs.replace(app, version=existing.version, version_info=existing.version_info)


def rollback_version(value: Value) -> str | None:
    """Return the version that an update asks to go back to.

    :raises Invalid: when it asks for something else besides.
    """
    if "version" not in value or is_echo(value):
        return None
    if value.keys() - {"id", "version"}:
        raise Invalid([Violation("/version", VERSION_ALONE)])
    version: str = value["version"]
    return version


def is_echo(value: Value) -> bool:
    """Tell whether a body is an answer of ours that was edited and sent back: nobody writes ``versionInfo``."""
    return "versionInfo" in value


def without_echo(value: Value) -> Value:
    """Return a body without what answers only derive from other fields, so that what is read can be written back."""
    if not is_echo(value):
        return value
    derived = {"version", "versionInfo"}
    if value.get("portDefinitions") is not None or (value.get("container") or {}).get("portMappings") is not None:
        derived.add("ports")
    if value.get("fetch"):
        derived.add("uris")
    return {key: each for key, each in value.items() if key not in derived}


def _superseded(update: Value) -> list[str]:
    """Name the fields of the present definition that an update replaces under an older name, or clears.

    Limits and executor resources that an update leaves out are cleared. Source: Marathon ``AppHelpers``.
    """
    names = [each for each in ("executorResources", "resourceLimits") if each not in update]
    if "ports" in update:
        names.append("portDefinitions")
    if "uris" in update:
        names.append("fetch")
    docker = (update.get("container") or {}).get("docker") or {}
    if "network" in docker or "ipAddress" in update:
        names.append("networks")
    return [each for each in names if each not in update]
