"""One version of an app as it was written, with defaults filled in and old forms folded into new ones.

Source: Marathon ``appDefinition.raml``. Amounts of memory and disk are MiB, times are seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from marathon.core.model.checks import Check, HealthCheck, ReadinessCheck
from marathon.core.model.container import Container
from marathon.core.model.network import Network, NetworkMode, PortDefinition


class Operator(StrEnum):
    """What a constraint asks of the value that an agent has in its field."""

    UNIQUE = "UNIQUE"
    CLUSTER = "CLUSTER"
    GROUP_BY = "GROUP_BY"
    LIKE = "LIKE"
    UNLIKE = "UNLIKE"
    MAX_PER = "MAX_PER"
    IS = "IS"


class Constraint(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Where instances may be placed; written as ``[field, operator]`` or ``[field, operator, value]``."""

    field: str
    operator: Operator
    value: str | None = None


class EnvSecret(msgspec.Struct, frozen=True, rename="camel"):
    """An environment variable whose value is one of the app's secrets."""

    secret: str


class Secret(msgspec.Struct, frozen=True, rename="camel"):
    """Where the value of a secret comes from."""

    source: str


class Fetch(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A file brought into the sandbox before the task starts."""

    uri: str
    extract: bool = True
    executable: bool = False
    cache: bool = False
    dest_path: str | None = None


class UpgradeStrategy(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Shares of the instance count, 0 to 1: how many stay healthy during an upgrade, how many more may run."""

    minimum_health_capacity: float = 1.0
    maximum_over_capacity: float = 1.0


class UnreachableStrategy(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """When an unreachable instance is replaced, and when it is given up."""

    inactive_after_seconds: int = 0
    expunge_after_seconds: int = 0


class Residency(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Marks an app whose instances keep their place; the numbers have no effect."""

    relaunch_escalation_timeout_seconds: int = 3600
    task_lost_behavior: str = "WAIT_FOREVER"


class ExecutorResources(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a custom executor itself needs."""

    cpus: float = 0.1
    mem: float = 32.0
    disk: float = 10.0


Limit = float | Literal["unlimited"]
"""An upper bound of a resource."""


class ResourceLimits(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How much more than it requests a task may use."""

    cpus: Limit | None = None
    mem: Limit | None = None


class VersionInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The versions at which the number of instances, and anything else, last changed."""

    last_scaling_at: str
    last_config_change_at: str


class AppDefinition(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One app. ``version`` and ``version_info`` are set when the app enters the root group.

    ``port_definitions`` is ``None`` outside the host's network; ``unreachable_strategy`` is ``None`` where unreachable
    instances are never replaced ("disabled").
    """

    id: str
    version: str = ""
    version_info: VersionInfo | None = None
    role: str = "*"
    cmd: str | None = None
    args: tuple[str, ...] = ()
    user: str | None = None
    env: dict[str, str | EnvSecret] = {}
    instances: int = 1
    cpus: float = 1.0
    mem: float = 128.0
    disk: float = 0.0
    gpus: int = 0
    executor: str = ""
    executor_resources: ExecutorResources | None = None
    resource_limits: ResourceLimits | None = None
    constraints: tuple[Constraint, ...] = ()
    accepted_resource_roles: tuple[str, ...] | None = None
    fetch: tuple[Fetch, ...] = ()
    backoff_seconds: int = 1
    backoff_factor: float = 1.15
    max_launch_delay_seconds: int = 300
    container: Container | None = None
    networks: tuple[Network, ...] = (Network(NetworkMode.HOST),)
    port_definitions: tuple[PortDefinition, ...] | None = None
    require_ports: bool = False
    residency: Residency | None = None
    dependencies: tuple[str, ...] = ()
    upgrade_strategy: UpgradeStrategy = UpgradeStrategy()
    labels: dict[str, str] = {}
    health_checks: tuple[HealthCheck, ...] = ()
    check: Check | None = None
    readiness_checks: tuple[ReadinessCheck, ...] = ()
    secrets: dict[str, Secret] = {}
    task_kill_grace_period_seconds: int | None = None
    kill_selection: str = "YOUNGEST_FIRST"
    unreachable_strategy: UnreachableStrategy | None = UnreachableStrategy()
    tty: bool | None = None

    @property
    def config_version(self) -> str:
        """The version at which something else than the number of instances last changed."""
        return self.version_info.last_config_change_at if self.version_info else self.version

    @property
    def uses_host_network(self) -> bool:
        """Whether its tasks live in the agent's own network namespace."""
        return all(each.mode is NetworkMode.HOST for each in self.networks)

    @property
    def is_resident(self) -> bool:
        """Whether its instances have persistent volumes and keep their place."""
        volumes = self.container.volumes if self.container else ()
        return any(each.persistent is not None for each in volumes)

    @property
    def service_ports(self) -> tuple[int, ...]:
        """The ports under which a load balancer offers it, one for each of its ports."""
        if self.uses_host_network:
            return tuple(each.port for each in self.port_definitions or ())
        mappings = self.container.port_mappings if self.container else ()
        return tuple(each.service_port for each in mappings or ())

    @property
    def port_count(self) -> int:
        """How many ports it has."""
        return len(self.service_ports)

    def same_config(self, other: AppDefinition) -> bool:
        """Whether going from one to the other needs no new tasks: all but instances and versions is equal."""
        return self == msgspec.structs.replace(
            other, instances=self.instances, version=self.version, version_info=self.version_info
        )


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AppDefinition)


def encode_app(app: AppDefinition) -> bytes:
    """Return the stored form of an app."""
    return _encoder.encode(app)


def decode_app(data: bytes) -> AppDefinition:
    """Read a stored app. :raises msgspec.DecodeError: when it is none."""
    return _decoder.decode(data)
