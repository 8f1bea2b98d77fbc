"""Which Mesos role an app may have, by where in the tree it lives. Source: Marathon ``RoleSettings.forService``."""

from __future__ import annotations

from marathon.core.groups import top_group_of
from marathon.core.model.group import Group
from marathon.core.paths import segments


def default_role(root: Group, app_id: str, default: str, *, enforce_new: bool = False) -> str:
    """Return the role of an app that names none.

    :param default: the role of ``--mesos_role``.
    :param enforce_new: whether a top group that does not exist yet will enforce its role.
    """
    name = _group_role(app_id)
    return name if name is not None and _enforces(root, app_id, enforce_new) else default


def allowed_roles(
    root: Group, app_id: str, default: str, *, enforce_new: bool = False, present: str | None = None
) -> tuple[str, ...]:
    """Return the roles that an app may have; the one that it already has, ``present``, stays allowed."""
    name = _group_role(app_id)
    if name is None:
        allowed = [default]
    elif _enforces(root, app_id, enforce_new):
        allowed = [name]
    else:
        allowed = [default, name]
    return tuple(dict.fromkeys([*allowed, *([present] if present else [])]))


def _group_role(app_id: str) -> str | None:
    names = segments(app_id)
    return names[0] if len(names) > 1 else None


def _enforces(root: Group, app_id: str, enforce_new: bool) -> bool:
    group = top_group_of(root, app_id)
    return enforce_new if group is None else bool(group.enforce_role)
