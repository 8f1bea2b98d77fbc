"""Command, counts, upgrades, roles, limits. Source: Marathon ``AppValidation``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from marathon.core.model.app import AppDefinition
from marathon.errors import Violation
from marathon.schema.build import SINGLE_INSTANCE
from marathon.schema.context import Context

CMD_OR_ARGS = "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'."
MIGRATION = (
    "DCOS_PACKAGE_FRAMEWORK_NAME and DCOS_MIGRATION_API_PATH must be defined when using DCOS_MIGRATION_API_VERSION"
)
_BAD_ROLE = re.compile(r"\A\Z|\A\.\.?\Z|\A-|[\s/\x08]")


def rules(app: AppDefinition, context: Context) -> Iterator[Violation]:
    """Check what belongs to no other module."""
    yield from _command(app)
    yield from _upgrade(app)
    yield from _unreachable(app)
    yield from _roles(app)
    yield from _limits(app)
    yield from _labels(app)
    for index, each in enumerate(app.fetch):
        if not _is_uri(each.uri):
            yield Violation(f"/fetch({index})/uri", "URI has invalid syntax.")


def _command(app: AppDefinition) -> Iterator[Violation]:
    if app.cmd is not None and app.args:
        yield Violation("/", CMD_OR_ARGS)
    elif app.cmd is None and not app.args:
        has_image = app.container is not None and (
            app.container.docker is not None or app.container.type.value == "MESOS"
        )
        if not has_image:
            yield Violation("/", CMD_OR_ARGS)
    elif app.cmd is not None and len(app.cmd) <= 1:
        yield Violation("/", "must not be an empty string")


def _upgrade(app: AppDefinition) -> Iterator[Violation]:
    at, strategy = "/upgradeStrategy", app.upgrade_strategy
    for name, value in (
        ("minimumHealthCapacity", strategy.minimum_health_capacity),
        ("maximumOverCapacity", strategy.maximum_over_capacity),
    ):
        if not 0 <= value <= 1:
            yield Violation(f"{at}/{name}", f"got {value}, expected between 0.0 and 1.0")
    volumes = app.container.volumes if app.container else ()
    single = app.labels.get(SINGLE_INSTANCE) == "true"
    moveable = not (single or app.residency or any(each.external and not each.external.shared for each in volumes))
    if not moveable and strategy.maximum_over_capacity != 0:
        yield Violation(f"{at}/maximumOverCapacity", f"got {strategy.maximum_over_capacity}, expected 0.0")
    if single and strategy.minimum_health_capacity != 0:
        yield Violation(f"{at}/minimumHealthCapacity", f"got {strategy.minimum_health_capacity}, expected 0.0")


def _unreachable(app: AppDefinition) -> Iterator[Violation]:
    strategy = app.unreachable_strategy
    if strategy is None:
        return
    if app.is_resident or app.residency is not None:
        yield Violation("/unreachableStrategy", "unreachableStrategy must be disabled for resident tasks")
    elif strategy.inactive_after_seconds > strategy.expunge_after_seconds:
        yield Violation(
            "/unreachableStrategy",
            f"inactiveAfterSeconds ({strategy.inactive_after_seconds}) must be less or equal to "
            f"expungeAfterSeconds, which is {strategy.expunge_after_seconds}",
        )


def _roles(app: AppDefinition) -> Iterator[Violation]:
    if _BAD_ROLE.search(app.role) and app.role != "*":
        yield Violation("/role", f"'{app.role}' is not a valid role name")
    accepted = app.accepted_resource_roles
    if accepted is None:
        return
    if not accepted:
        yield Violation("/acceptedResourceRoles", "must not be empty")
    for role in accepted:
        if _BAD_ROLE.search(role):
            yield Violation("/acceptedResourceRoles", f"'{role}' is not a valid role name")
    if not set(accepted) <= {"*", app.role}:
        yield Violation("/acceptedResourceRoles", f"acceptedResourceRoles can only contain * and {app.role}")
    elif app.is_resident and accepted != ("*",):
        yield Violation("/", 'A resident app must have `acceptedResourceRoles = ["*"]`.')


def _limits(app: AppDefinition) -> Iterator[Violation]:
    limits = app.resource_limits
    if limits is None:
        return
    for name, limit, requested in (("cpus", limits.cpus, app.cpus), ("mem", limits.mem, app.mem)):
        if isinstance(limit, float | int) and limit < requested:
            text = f"resource limit must be greater than or equal to requested resource ({requested})"
            yield Violation(f"/resourceLimits/{name}", text)


def _labels(app: AppDefinition) -> Iterator[Violation]:
    labels = app.labels
    if labels.get(SINGLE_INSTANCE) == "true" and app.instances > 1:
        yield Violation("/", "Single instance app may only have one instance")
    version = labels.get("DCOS_MIGRATION_API_VERSION")
    if version is not None and not (
        version == "v1" and labels.get("DCOS_PACKAGE_FRAMEWORK_NAME") and labels.get("DCOS_MIGRATION_API_PATH")
    ):
        yield Violation("/labels", MIGRATION)


def _is_uri(text: str) -> bool:
    if re.search(r"[\s<>\"{}|\\^`]", text):
        return False
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True
