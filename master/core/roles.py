"""Names of roles. Source: Mesos ``roles.cpp``."""

from __future__ import annotations

import re

_WHITESPACE = re.compile(r"[\s\x08]")


def problem(role: str) -> str | None:
    """Return what is wrong with a role's name, ``None`` when nothing is."""
    if role == "*":
        return None
    if not role:
        return "Role names cannot be the empty string"
    if role.startswith("/"):
        return f"Role '{role}' cannot start with a slash"
    if role.endswith("/"):
        return f"Role '{role}' cannot end with a slash"
    for component in role.split("/"):
        if found := _component_problem(role, component):
            return found
    return None


def _component_problem(role: str, component: str) -> str | None:
    if not component:
        return f"Role '{role}' cannot contain two adjacent slashes"
    if component in (".", "..", "*"):
        return f"Role '{role}' cannot include '{component}' as a component"
    if component.startswith("-"):
        return f"Role component '{component}' is invalid because it starts with a dash"
    if _WHITESPACE.search(component):
        return f"Role component '{component}' is invalid because it contains backspace or whitespace"
    return None
