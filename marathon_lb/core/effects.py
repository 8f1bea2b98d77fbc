"""What the core asks for."""

from __future__ import annotations

from marathon_lb.core.model import Service
from mesos.effects import Effect


class FetchAll(Effect, frozen=True):
    """Ask Marathon for every app."""


class FetchApp(Effect, frozen=True):
    """Ask Marathon for one app."""

    app_id: str


class Balance(Effect, frozen=True):
    """These are the app's services now; none: it is no longer balanced."""

    app_id: str
    services: tuple[Service, ...]


class Synced(Effect, frozen=True):
    """The first or a repeated list of every app has been worked in."""
