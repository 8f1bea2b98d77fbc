"""What is balanced: services with their servers. Rows are frozen and compared by value."""

from __future__ import annotations

import msgspec

from marathon_lb.core.documents import HealthCheck
from marathon_lb.core.labels import Options


class Server(msgspec.Struct, frozen=True):
    """One port of one task.

    :ivar id: HAProxy's number for it, stable by name.
    :ivar check_port: where HAProxy probes, if not at ``port``.
    :ivar leaving: it will be killed: what it is doing may end, nothing new is sent.
    """

    name: str
    host: str
    ip: str
    port: int
    id: int
    check_port: int | None = None
    leaving: bool = False


class Service(msgspec.Struct, frozen=True):
    """One service port of one app.

    :ivar name: of its frontend and backend.
    :ivar check: the app's health check that HAProxy repeats.
    """

    app_id: str
    index: int
    port: int
    name: str
    mode: str
    options: Options
    check: HealthCheck | None
    servers: tuple[Server, ...]
