"""From a folded value to the struct, with the defaults that depend on other fields; and back to what one writes."""

from __future__ import annotations

from typing import Any

import msgspec

from marathon.core.model.app import (
    AppDefinition,
    Residency,
    UnreachableStrategy,
    UpgradeStrategy,
)
from marathon.core.model.checks import Check, HealthCheck

SINGLE_INSTANCE = "MARATHON_SINGLE_INSTANCE_APP"
_READ_ONLY = ("version", "versionInfo", "uris", "ports", "ipAddress")


def build(value: dict[str, Any], app_id: str, role: str) -> AppDefinition:
    """Return the app. ``value`` is folded; ``app_id`` is absolute; ``role`` counts where the value names none."""
    fields = {key: each for key, each in value.items() if key not in _READ_ONLY}
    fields["id"] = app_id
    fields.setdefault("role", role)
    if fields.get("unreachableStrategy") == "disabled":
        fields["unreachableStrategy"] = None
    app = msgspec.convert(fields, AppDefinition)
    app = _with_volume_defaults(app, value)
    checks = tuple(_complete(each, app.port_count) for each in app.health_checks)
    return msgspec.structs.replace(app, health_checks=checks, check=_with_port(app.check, app.port_count))


def as_written(app: AppDefinition) -> dict[str, Any]:
    """Return the value that :func:`build` would make ``app`` of: nothing that is absent, versions left out."""
    value: dict[str, Any] = without_nulls(msgspec.to_builtins(app))
    for key in ("version", "versionInfo"):
        value.pop(key, None)
    if app.unreachable_strategy is None:
        value["unreachableStrategy"] = "disabled"
    return value


def without_nulls(value: Any) -> Any:
    """Return a value without those keys, at any depth, that have none."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(each) for each in value]
    return value


def _with_volume_defaults(app: AppDefinition, value: dict[str, Any]) -> AppDefinition:
    volumes = app.container.volumes if app.container else ()
    changes: dict[str, Any] = {}
    if any(each.persistent or each.external for each in volumes) and "upgradeStrategy" not in value:
        changes["upgrade_strategy"] = UpgradeStrategy(minimum_health_capacity=0.5, maximum_over_capacity=0.0)
    elif app.labels.get(SINGLE_INSTANCE) == "true" and "upgradeStrategy" not in value:
        changes["upgrade_strategy"] = UpgradeStrategy(minimum_health_capacity=0.0, maximum_over_capacity=0.0)
    if app.is_resident:
        changes["residency"] = app.residency or Residency()
        if "unreachableStrategy" not in value:
            changes["unreachable_strategy"] = None
    elif app.residency is None and "unreachableStrategy" not in value:
        changes["unreachable_strategy"] = UnreachableStrategy()
    return msgspec.structs.replace(app, **changes) if changes else app


def _complete(check: HealthCheck, ports: int) -> HealthCheck:
    changes: dict[str, Any] = {}
    if check.protocol != "COMMAND" and check.port is None and check.port_index is None and ports:
        changes["port_index"] = 0
    if check.protocol in ("HTTP", "HTTPS"):
        changes["ignore_http1xx"] = bool(check.ignore_http1xx)
    return msgspec.structs.replace(check, **changes)


def _with_port(check: Check | None, ports: int) -> Check | None:
    if check is None or not ports:
        return check
    replace = msgspec.structs.replace
    if check.http is not None and check.http.port is None and check.http.port_index is None:
        return replace(check, http=replace(check.http, port_index=0))
    if check.tcp is not None and check.tcp.port is None and check.tcp.port_index is None:
        return replace(check, tcp=replace(check.tcp, port_index=0))
    return check
