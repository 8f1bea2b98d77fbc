"""The forms of an app: types, limits and words of every field, old ones included. Source: Marathon's RAML types."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields

from marathon.schema.check_forms import CheckForm, HealthCheckForm, ReadinessForm
from marathon.schema.container_forms import (
    NAME,
    NETWORK_NAME,
    PROTOCOLS,
    ContainerForm,
    NetworkForm,
    PortDefinitionForm,
)
from marathon.schema.fields import Anything, Flag, Form, Inner, Items, Number, Table, Text, Whole, messages

PATH_ID = r"^(\/?((\.\.)|(([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9]))?($|\/))+$"
EXECUTOR = r"^(//cmd)\Z|^(/?[^/]+(/[^/]+)*)\Z|^\Z"
OPERATORS = ("UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "MAX_PER", "UNLIKE", "IS")

_SEGMENT = re.compile(r"(\.\.?|([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])(\.([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9]))*)\Z")


class PathId(Text):
    """The id of an app or a group. Slashes at its ends, and double ones, do not matter."""

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> str:
        text: str = super()._deserialize(value, *args, **options)
        # upstream's own pattern backtracks without bound; name by name it means the same
        if not all(_SEGMENT.match(name) for name in text.split("/") if name):
            raise ValidationError(f"error.pattern: must fully match regular expression '{PATH_ID}'")
        return text


class ConstraintField(fields.Field[list[str]]):
    """``[field, operator]`` or ``[field, operator, value]``."""

    default_error_messages = messages()

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[str]:
        if isinstance(value, dict):
            value = [
                each for each in (value.get(key) for key in ("fieldName", "operator", "value")) if each is not None
            ]
        if not isinstance(value, list):
            raise ValidationError("error.expected.jsarray")
        texts = Items(Text()).deserialize(value)
        assert isinstance(texts, list)
        if len(texts) not in (2, 3):
            raise ValidationError("Each constraint must have either 2 or 3 fields")
        if not texts[0]:
            raise ValidationError("missing field for constraint declaration")
        if texts[1] not in OPERATORS:
            words = ", ".join(OPERATORS[:-1])
            raise ValidationError(f"operator must be one of the following {words} or {OPERATORS[-1]}")
        return texts


class SecretRef(Form):
    """A variable whose value is a secret."""

    secret = Text(required=True, shortest=1)


class EnvValue(fields.Field[Any]):
    """The value of a variable: a string or a reference to a secret."""

    default_error_messages = messages()

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, dict):
            return Inner(SecretRef).deserialize(value)
        if not isinstance(value, str):
            raise ValidationError("error.expected.jsstring")
        return value


class LimitField(fields.Field[Any]):
    """``"unlimited"`` or a number."""

    default_error_messages = messages()

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, str):
            if value != "unlimited":
                raise ValidationError(f"'{value}' is an invalid resource limit. It must be 'unlimited' or a number")
            return value
        return Number().deserialize(value)


class UnreachableForm(Form):
    """When unreachable instances are replaced and forgotten."""

    inactiveAfterSeconds = Whole()
    expungeAfterSeconds = Whole()


class UnreachableField(fields.Field[Any]):
    """``"disabled"`` or an object."""

    default_error_messages = messages()

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, str):
            if value != "disabled":
                raise ValidationError("error.unknown.enum.literal: must be an object or 'disabled'")
            return value
        return Inner(UnreachableForm).deserialize(value)


class FetchForm(Form):
    """A file to bring into the sandbox."""

    uri = Text(required=True, shortest=1, longest=1024)
    extract = Flag()
    executable = Flag()
    cache = Flag()
    destPath = Text(shortest=1, longest=1024)


class UpgradeForm(Form):
    """Limits of an upgrade; both are needed."""

    minimumHealthCapacity = Number(None, required=True)
    maximumOverCapacity = Number(None, required=True)


class ResidencyForm(Form):
    """Marks a resident app."""

    relaunchEscalationTimeoutSeconds = Whole()
    taskLostBehavior = Text(words=("WAIT_FOREVER", "RELAUNCH_AFTER_TIMEOUT"))


class ExecutorResourcesForm(Form):
    """What a custom executor needs."""

    cpus = Number(0.1)
    mem = Number(32.0)
    disk = Number(10.0)


class ResourceLimitsForm(Form):
    """Upper bounds."""

    cpus = LimitField()
    mem = LimitField()


class SecretForm(Form):
    """The source of a secret."""

    source = Text(required=True, shortest=1)


class DiscoveryPortForm(Form):
    """A port of the old per-task address."""

    number = Whole(0, 65535, required=True)
    name = Text(required=True, pattern=NAME)
    protocol = Text(words=PROTOCOLS)
    labels = Table(Text())


class DiscoveryForm(Form):
    """The ports of the old per-task address."""

    ports = Items(Inner(DiscoveryPortForm))


class IpAddressForm(Form):
    """The old way to ask for an address per task."""

    groups = Items(Text())
    labels = Table(Text())
    networkName = Text(shortest=1, longest=63, pattern=NETWORK_NAME)
    discovery = Inner(DiscoveryForm)


class AppForm(Form):
    """An app, or what of it is to change."""

    id = PathId()
    cmd = Text(shortest=1)
    args = Items(Text())
    user = Text()
    env = Table(EnvValue())
    instances = Whole()
    cpus = Number(0.001)
    mem = Number(0.0)
    disk = Number(0.0)
    gpus = Whole()
    executor = Text(pattern=EXECUTOR)
    executorResources = Inner(ExecutorResourcesForm)
    resourceLimits = Inner(ResourceLimitsForm)
    constraints = Items(ConstraintField())
    acceptedResourceRoles = Items(Text(), unique=True)
    role = Text(shortest=1)
    fetch = Items(Inner(FetchForm))
    uris = Items(Text(shortest=1, longest=1024))
    backoffSeconds = Whole()
    backoffFactor = Number(1.0)
    maxLaunchDelaySeconds = Whole()
    container = Inner(ContainerForm)
    networks = Items(Inner(NetworkForm))
    ipAddress = Inner(IpAddressForm)
    ports = Items(Whole(0, 65535))
    portDefinitions = Items(Inner(PortDefinitionForm))
    requirePorts = Flag()
    residency = Inner(ResidencyForm)
    dependencies = Items(PathId(), unique=True)
    upgradeStrategy = Inner(UpgradeForm)
    labels = Table(Text())
    healthChecks = Items(Inner(HealthCheckForm))
    check = Inner(CheckForm)
    readinessChecks = Items(Inner(ReadinessForm))
    secrets = Table(Inner(SecretForm))
    taskKillGracePeriodSeconds = Whole()
    killSelection = Text(words=("YOUNGEST_FIRST", "OLDEST_FIRST"))
    unreachableStrategy = UnreachableField()
    tty = Flag()
    version = Text()
    versionInfo = Anything()


class GroupForm(Form):
    """A group, or what of it is to change. Members have forms of their own, checked one by one."""

    id = PathId()
    apps = Items(Anything())
    groups = Items(Anything())
    dependencies = Items(PathId(), unique=True)
    scaleBy = Number()
    version = Text()
    enforceRole = Flag()
