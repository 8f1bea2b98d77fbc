"""What scheduling needs to know of an app, worked out once per version.

Amounts are thousandths, regular expressions are compiled, defaults are filled in, so that looking at an offer or at
an instance costs no parsing. Made from the app's definition by :mod:`marathon.core.compile`.
"""

from __future__ import annotations

import re

import msgspec

from marathon.core.backoff import Policy
from marathon.core.model.app import Operator


class Constraint(msgspec.Struct, frozen=True):
    """One rule: ``value`` is as written, ``number`` and ``pattern`` are what it means to its operator."""

    field: str
    operator: Operator
    value: str | None = None
    number: int | None = None
    pattern: re.Pattern[str] | None = None

    @property
    def counts(self) -> bool:
        """Whether the answer depends on where the app's other instances are."""
        return self.operator in _COUNTING


_COUNTING = frozenset({Operator.UNIQUE, Operator.CLUSTER, Operator.GROUP_BY, Operator.MAX_PER})


class Needs(msgspec.Struct, frozen=True):
    """Resources of one instance in thousandths, and its host ports: 0 is any port, ``None`` no port."""

    cpus: int = 0
    mem: int = 0
    disk: int = 0
    gpus: int = 0
    host_ports: tuple[int | None, ...] = ()


class Upgrade(msgspec.Struct, frozen=True):
    """Shares of the instance count: how many have to stay healthy, how many more may run. Both 0 to 1."""

    minimum_health: float = 1.0
    maximum_over: float = 1.0


class PortSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One port of an app. ``host_port``: 0 any, ``None`` none; ``container_port`` ``None`` in the host's network."""

    name: str | None = None
    protocol: str = "tcp"
    host_port: int | None = 0
    container_port: int | None = None
    requested: int = 0
    service_port: int = 0
    labels: dict[str, str] = {}
    network_names: tuple[str, ...] = ()


class CheckSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One health check. Times in seconds; ``max_failures`` 0 never kills."""

    protocol: str = "HTTP"
    path: str = "/"
    port: int | None = None
    port_index: int | None = None
    command: str | None = None
    grace_s: float = 300.0
    interval_s: float = 60.0
    timeout_s: float = 20.0
    delay_s: float = 15.0
    max_failures: int = 3
    ignore_1xx: bool = False
    ipv6: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether marathon itself probes; otherwise the agent does and tells in its updates."""
        return self.protocol in ("HTTP", "HTTPS", "TCP")


class ReadinessSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A readiness check; ``port_name`` names one of the app's ports."""

    name: str = "readinessCheck"
    protocol: str = "HTTP"
    path: str = "/"
    port_name: str = "http-api"
    interval_s: float = 30.0
    timeout_s: float = 10.0
    ready_codes: frozenset[int] = frozenset({200})
    preserve: bool = False


class RunSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One version of something that runs.

    ``config`` is the version that last changed more than the number of instances; instances of an older one are to be
    replaced. ``inactive_after_s`` and ``expunge_after_s`` are ``None`` when unreachable instances are never replaced.
    ``drain_s`` is how long instances that are to be stopped are only told so, before they are killed.
    """

    id: str
    version: str
    config: str
    instances: int = 1
    role: str = "*"
    accepted_roles: frozenset[str] = frozenset({"*"})
    needs: Needs = Needs()
    constraints: tuple[Constraint, ...] = ()
    backoff: Policy = Policy()
    upgrade: Upgrade = Upgrade()
    youngest_first: bool = True
    inactive_after_s: float | None = 0.0
    expunge_after_s: float | None = 0.0
    drain_s: float = 0.0
    grace_s: float | None = None
    ports: tuple[PortSpec, ...] = ()
    checks: tuple[CheckSpec, ...] = ()
    readiness: tuple[ReadinessSpec, ...] = ()
    resident: bool = False
    gpu_policy: str | None = None

    def is_current(self, config: str) -> bool:
        """Tell whether an instance of ``config`` needs no replacement."""
        return config >= self.config
