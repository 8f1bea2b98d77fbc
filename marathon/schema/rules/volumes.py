"""Volumes of every kind. Source: Marathon ``VolumeValidation``, ``DVDIProviderValidations``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from marathon.core.model.app import AppDefinition
from marathon.core.model.container import EngineType, ExternalVolume, PersistentVolume, Volume
from marathon.errors import Violation
from marathon.schema.context import Context
from marathon.schema.rules.features import disabled

DVDI, CSI = "dvdi", "csi"
ACCESS_MODES = (
    "SINGLE_NODE_WRITER",
    "SINGLE_NODE_READER_ONLY",
    "MULTI_NODE_READER_ONLY",
    "MULTI_NODE_SINGLE_WRITER",
    "MULTI_NODE_MULTI_WRITER",
)
_OPTION = re.compile(r"[a-zA-Z0-9]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?/[a-zA-Z0-9]([-a-zA-Z0-9_.]*[a-zA-Z0-9])?\Z")


def rules(app: AppDefinition, context: Context) -> Iterator[Violation]:
    """Check each volume, then all together."""
    if app.container is None:
        return
    engine = app.container.type
    for index, volume in enumerate(app.container.volumes):
        yield from _volume(app, volume, engine, f"/container/volumes({index})", context)
    names = [each.external.name for each in app.container.volumes if each.external and each.external.name]
    if len(set(names)) != len(names):
        yield Violation("/container/volumes", "Volume names must be unique")


def _volume(app: AppDefinition, volume: Volume, engine: EngineType, at: str, context: Context) -> Iterator[Violation]:
    kinds = [each for each in (volume.host_path, volume.persistent, volume.external, volume.secret) if each is not None]
    if len(kinds) != 1:
        yield Violation(at, "Unknown app volume type")
        return
    if volume.secret is not None:
        yield from _secret(app, volume.secret, at, context)
        return
    if volume.mode is None:
        yield Violation(f"{at}/mode", "not defined")
    if volume.persistent is not None:
        yield from _persistent(volume, volume.persistent, at)
    if volume.external is not None:
        yield from _external(app, volume, volume.external, engine, at, context)


def _secret(app: AppDefinition, secret: str, at: str, context: Context) -> Iterator[Violation]:
    if "secrets" not in context.features:
        yield Violation(f"{at}/secret", disabled("secrets"))
    elif secret not in app.secrets:
        yield Violation(f"{at}/secret", "volume.secret must refer to an existing secret")


def _persistent(volume: Volume, persistent: PersistentVolume, at: str) -> Iterator[Violation]:
    if volume.mode != "RW":
        yield Violation(f"{at}/mode", "persistent volumes must be mounted RW")
    if volume.container_path in (".", ".."):
        yield Violation(f"{at}/containerPath", "can not be one of (.,..)")
    if "/" in volume.container_path:
        yield Violation(f"{at}/containerPath", 'value must not contain "/"')
    at = f"{at}/persistent"
    if persistent.max_size is not None:
        if persistent.type != "mount":
            yield Violation(f"{at}/maxSize", "Only mount volumes can have maxSize")
        elif persistent.max_size <= persistent.size:
            yield Violation(f"{at}/maxSize", "Max size must be larger than size")
    if persistent.constraints and persistent.type == "root":
        yield Violation(f"{at}/constraints", "Constraints on root volumes are not supported")
    for index, each in enumerate(persistent.constraints):
        if len(each) != 3 or each[0] != "path" or each[1] not in ("LIKE", "UNLIKE"):
            yield Violation(f"{at}/constraints({index})", "illegal constraint specification")


def _external(
    app: AppDefinition, volume: Volume, external: ExternalVolume, engine: EngineType, at: str, context: Context
) -> Iterator[Violation]:
    if "external_volumes" not in context.features:
        yield Violation(f"{at}/external", disabled("external_volumes"))
    at = f"{at}/external"
    if not external.name:
        yield Violation(f"{at}/name", "not defined")
    if external.provider == DVDI:
        yield from _dvdi(app, volume, external, engine, at)
    elif external.provider == CSI:
        yield from _csi(external, at)
    else:
        yield Violation(f"{at}/provider", "is unknown provider")


def _dvdi(
    app: AppDefinition, volume: Volume, external: ExternalVolume, engine: EngineType, at: str
) -> Iterator[Violation]:
    if app.instances > 1 and not external.shared:
        text = f"Number of instances is limited to 1 when declaring DVDI volumes in app [{app.id}]"
        yield Violation("/instances", text)
    if not external.options.get("dvdi/driver"):
        yield Violation(f"{at}/options", "undefined: dvdi/driver")
    for key, value in external.options.items():
        if not _OPTION.match(key) or not isinstance(value, str):
            yield Violation(f"{at}/options/{key}", "option keys are of the form label/name, values are texts")
    if engine is EngineType.DOCKER:
        if external.size is not None:
            yield Violation(f"{at}/size", "must be undefined for Docker containers")
        if set(external.options) - {"dvdi/driver"}:
            yield Violation(f"{at}/options", "must only contain dvdi/driver")
    elif volume.mode != "RW":
        yield Violation(f"{at[: -len('/external')]}/mode", "must be RW")


def _csi(external: ExternalVolume, at: str) -> Iterator[Violation]:
    options = external.options
    if not isinstance(options.get("pluginName"), str):
        yield Violation(f"{at}/options/pluginName", "error.path.missing")
    capability = options.get("capability")
    if not isinstance(capability, dict):
        yield Violation(f"{at}/options/capability", "error.path.missing")
        return
    if capability.get("accessMode") not in ACCESS_MODES:
        text = f"is not one of ({','.join(ACCESS_MODES)})"
        yield Violation(f"{at}/options/capability/accessMode", text)
    if capability.get("accessType") not in ("block", "mount"):
        yield Violation(f"{at}/options/capability/accessType", "is not one of (block,mount)")
