"""From what a request makes of the tree to a root group that can be stored: ports, versions, and rules of the whole.

Looks only at apps that the request touched, except for the set of service ports in use when new ones are needed.
"""

from __future__ import annotations

import msgspec

from marathon.core import graph
from marathon.core.groups import app_differences, find_app, group_differences, put_app
from marathon.core.model.app import AppDefinition, VersionInfo
from marathon.core.model.group import Group
from marathon.core.ports import ServicePorts, ports_in
from marathon.errors import Invalid, Violation

ENFORCE_ALONE = (
    "enforceRole cannot be modified in a request that adds, removes or modifies services; "
    "please make these changes in separate requests."
)


def finish(
    before: Group, draft: Group, version: str, *, low: int, high: int, restart: frozenset[str] = frozenset()
) -> Group:
    """Return the new root: no service port is 0, every changed app has ``version``. ``before`` if nothing changed.

    :param restart: apps that get a new version though nothing about them changed.
    :param low: the first service port given out, ``high`` the last.
    :raises Invalid: when dependencies go in a circle, or roles are enforced and services changed at once.
    :raises PortsExhausted: when there is no service port left.
    """
    root, changed = _settle_apps(before, draft, version, low, high)
    for app_id in restart:
        app = find_app(root, app_id)
        if app is not None and app_id not in changed:
            root = put_app(root, _stamped(app, app, version, restarted=True))
            changed.add(app_id)
    gone = any(new is None for _, new in app_differences(before, root))
    groups = list(group_differences(before, root))
    if not changed and not gone and not groups:
        return before
    if (changed or gone) and any(_enforces_differently(old, new) for old, new in groups):
        raise Invalid([Violation("/", ENFORCE_ALONE)])
    rewired = {app.id for _, new in groups if new is not None for app in new.all_apps()}
    graph.levels(root, sorted(changed | rewired))
    return msgspec.structs.replace(root, version=version)


def _settle_apps(before: Group, draft: Group, version: str, low: int, high: int) -> tuple[Group, set[str]]:
    """Give changed apps their ports and versions; put back as it was what turns out to be the same."""
    pairs = [(old, new) for old, new in app_differences(before, draft) if new is not None]
    ports: ServicePorts | None = None
    root, changed = draft, set[str]()
    for old, new in pairs:
        if 0 in new.service_ports and ports is None:
            former = {port for was, _ in pairs if was is not None for port in was.service_ports}
            ports = ServicePorts(low, high, ports_in(draft) | former)
        app = ports.assign(new, old) if ports else new
        app = _stamped(old, app, version)
        if app is not old:
            changed.add(app.id)
        if app is not new:
            root = put_app(root, app)
    return root, changed


def _stamped(old: AppDefinition | None, new: AppDefinition, version: str, *, restarted: bool = False) -> AppDefinition:
    """Say what kind of change this is. Source: Marathon ``VersionInfo.FullVersionInfo``."""
    if old is None or old.version_info is None:
        info = VersionInfo(last_scaling_at=version, last_config_change_at=version)
    elif restarted:
        info = VersionInfo(last_scaling_at=old.version_info.last_scaling_at, last_config_change_at=version)
    elif not new.same_config(old):
        info = VersionInfo(last_scaling_at=version, last_config_change_at=version)
    elif new.instances != old.instances:
        info = VersionInfo(last_scaling_at=version, last_config_change_at=old.version_info.last_config_change_at)
    else:
        return old
    return msgspec.structs.replace(new, version=version, version_info=info)


def _enforces_differently(old: Group | None, new: Group | None) -> bool:
    return old is not None and new is not None and old.enforce_role != new.enforce_role
