"""Deployments: what has to happen, step by step, to get from one root group to the next.

The plan is stored, its progress is not: every action looks at what is there and does what is missing, so after a
restart a plan goes through its steps again and skips what is true already. Source: Marathon ``DeploymentPlan``.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ActionKind(StrEnum):
    """What an action does to one app. The names are those of the API."""

    START = "StartApplication"
    STOP = "StopApplication"
    SCALE = "ScaleApplication"
    RESTART = "RestartApplication"


class Action(msgspec.Struct, frozen=True, omit_defaults=True):
    """One action. ``kill`` names instances that have to be among those that a scale action ends."""

    kind: ActionKind
    app_id: str
    kill: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """Actions that go on at the same time."""

    actions: tuple[Action, ...]


class AppChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One app before and after, by version; ``None`` where there was or is none."""

    app_id: str
    before: str | None = None
    after: str | None = None


class GroupFields(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a group says besides its members."""

    dependencies: tuple[str, ...] = ()
    enforce_role: bool | None = None


class GroupChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One group before and after; ``None`` where there was or is none."""

    group_id: str
    before: GroupFields | None = None
    after: GroupFields | None = None


class Deployment(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A running deployment. ``current_step`` counts from 1; 0 means not begun. Times in seconds since the epoch."""

    id: str
    version: str
    steps: tuple[Step, ...]
    changes: tuple[AppChange, ...] = ()
    groups: tuple[GroupChange, ...] = ()
    current_step: int = 0
    started_at_s: float = 0.0

    @property
    def affected_apps(self) -> tuple[str, ...]:
        """The apps that it changes, and has locked."""
        return tuple(dict.fromkeys(action.app_id for step in self.steps for action in step.actions))
