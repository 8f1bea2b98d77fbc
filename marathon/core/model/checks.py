"""Health checks, checks and readiness checks. All times in whole seconds. Source: Marathon ``healthCheck.raml``."""

from __future__ import annotations

import msgspec


class Command(msgspec.Struct, frozen=True, rename="camel"):
    """A shell command that a check runs."""

    value: str


class HealthCheck(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How to tell whether an instance is healthy. ``HTTP``, ``HTTPS`` and ``TCP`` are probed by marathon itself."""

    protocol: str = "HTTP"
    path: str | None = None
    port: int | None = None
    port_index: int | None = None
    command: Command | None = None
    grace_period_seconds: int = 300
    interval_seconds: int = 60
    timeout_seconds: int = 20
    max_consecutive_failures: int = 3
    delay_seconds: int = 15
    ignore_http1xx: bool | None = msgspec.field(default=None, name="ignoreHttp1xx")
    ip_protocol: str = "IPv4"


class HttpCheck(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Asks by HTTP."""

    port_index: int | None = None
    port: int | None = None
    path: str | None = None
    scheme: str = "HTTP"


class TcpCheck(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Opens a connection."""

    port_index: int | None = None
    port: int | None = None


class CheckCommand(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A command line for a shell, or its words."""

    shell: str | None = None
    argv: tuple[str, ...] | None = None


class ExecCheck(msgspec.Struct, frozen=True, rename="camel"):
    """Runs a command."""

    command: CheckCommand


class Check(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A check whose result is shown and has no consequence. Exactly one of ``http``, ``tcp``, ``exec`` is set."""

    http: HttpCheck | None = None
    tcp: TcpCheck | None = None
    exec: ExecCheck | None = None
    interval_seconds: int = 60
    timeout_seconds: int = 20
    delay_seconds: int = 15


class ReadinessCheck(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Asked of instances that a deployment started, until they say that they are ready."""

    name: str = "readinessCheck"
    protocol: str = "HTTP"
    path: str = "/"
    port_name: str = "http-api"
    interval_seconds: int = 30
    timeout_seconds: int = 10
    http_status_codes_for_ready: tuple[int, ...] = (200,)
    preserve_last_response: bool = False
