"""App definitions as answers show them."""

from __future__ import annotations

from typing import Any

import msgspec

from marathon.core.model.app import AppDefinition

Json = dict[str, Any]

_NULLS = ("cmd", "args", "user", "container", "acceptedResourceRoles")
"""Shown without a value: clients look them up without asking whether they are there."""

_OMIT_EMPTY = {"networks": ("labels",), "portDefinitions": ("labels",), "portMappings": ("networkNames",)}
_OPTIONAL_LISTS = ("readinessChecks",)


def definition(app: AppDefinition, *, with_info: bool = True) -> Json:
    """Return an app. ``with_info``: also the stamps of its last changes."""
    value: Json = _pruned(msgspec.to_builtins(app))
    for name in _NULLS:
        value.setdefault(name, None)
    value["args"] = value["args"] or None
    for name in _OPTIONAL_LISTS:
        if not value[name]:
            del value[name]
    if app.unreachable_strategy is None:
        value["unreachableStrategy"] = "disabled"
    if not with_info:
        value.pop("versionInfo", None)
    value["uris"] = [each.uri for each in app.fetch]
    value["ports"] = list(app.service_ports)
    return value


def _pruned(value: Any, of: str = "") -> Any:
    """Drop keys without a value, and those that answers leave out when they are empty."""
    if isinstance(value, dict):
        empty = _OMIT_EMPTY.get(of, ())
        return {
            key: _pruned(each, key) for key, each in value.items() if each is not None and (each or key not in empty)
        }
    if isinstance(value, list | tuple):
        return [_pruned(each, of) for each in value if each is not None]
    return value
