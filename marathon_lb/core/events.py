"""What the core is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from marathon_lb.core.documents import App


class AllFetched(msgspec.Struct, frozen=True):
    """Every app, as Marathon lists them.

    :ivar unreadable: apps that could not be decoded, and why.
    :ivar addresses: of the host names in the apps.
    :ivar connected: this follows a new connection to the bus: what was announced before no longer counts.
    """

    apps: tuple[App, ...]
    unreadable: Mapping[str, str]
    addresses: Mapping[str, str]
    connected: bool = False


class AppFetched(msgspec.Struct, frozen=True):
    """One app; ``None``: there is no such app any more."""

    app_id: str
    app: App | None
    addresses: Mapping[str, str]


class BusEvent(msgspec.Struct, frozen=True):
    """One event of Marathon's bus, as it was sent."""

    kind: str
    data: Mapping[str, Any]
