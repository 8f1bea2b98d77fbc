"""What happens to marathon, as its core sees it. Requests carry the id under which they are to be answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from marathon.core.effects import ProbeToken
from marathon.core.model.group import Group
from mesos.types.offers import Offer
from mesos.types.tasks import TaskStatus


class Event(msgspec.Struct, frozen=True):
    """Something that happened. Subclasses say what."""


class Elected(Event, frozen=True):
    """We lead, and the state is loaded: go on where the last leader stopped."""


class Subscribed(Event, frozen=True):
    """The master has taken us on."""

    framework_id: str
    master: str


class Disconnected(Event, frozen=True):
    """The master cannot be reached; offers are void and calls may be lost."""

    reason: str = ""


class OffersArrived(Event, frozen=True):
    """The master offers resources."""

    offers: tuple[Offer, ...]


class StatusArrived(Event, frozen=True):
    """The master tells what became of a task."""

    status: TaskStatus


class MasterError(Event, frozen=True):
    """The master ends the subscription for good."""

    message: str


class FrameworkMessage(Event, frozen=True):
    """An executor says something."""

    executor_id: str
    agent_id: str
    data: bytes


class Tick(Event, frozen=True):
    """Time has passed."""


class ProbeDone(Event, frozen=True, kw_only=True):
    """A health probe came back. ``ignored``: the answer says nothing either way."""

    token: ProbeToken
    ok: bool
    cause: str | None = None
    ignored: bool = False


class ReadinessDone(Event, frozen=True, kw_only=True):
    """A readiness query came back; 504 when nobody answered."""

    token: ProbeToken
    status: int
    content_type: str = "text/plain"
    body: str = ""


Change = Callable[[Group, str], Group]
"""``change(root, version) -> root``. Raises an error of the API when it cannot be made; must not act."""

Announce = Callable[[Group], Iterable[tuple[str, dict[str, Any]]]]
"""``announce(new_root)`` gives kinds and fields of events. Must not raise."""


class ChangeRoot(Event, frozen=True, kw_only=True):
    """Bring the root group to what ``change`` makes of it, by a deployment.

    ``restart`` names apps that are to be restarted though nothing changed; ``kill`` instances, by app, that a scaling
    has to end. ``touched`` is the path the request was about: ``group_change_success`` names its parent.
    ``announce`` makes the events that come before all others; ``reverts`` is the deployment that this one undoes.
    Answered with a ``Deployed``.
    """

    ask_id: int
    change: Change
    touched: str = "/"
    force: bool = False
    restart: frozenset[str] = frozenset()
    kill: dict[str, tuple[str, ...]] = {}
    announce: Announce | None = None
    reverts: str | None = None


class CancelDeployment(Event, frozen=True, kw_only=True):
    """End a deployment: with ``force`` leave everything as it stands, else go back to what was before.

    Answered with ``None`` or a ``Deployed``.
    """

    ask_id: int
    deployment_id: str
    force: bool = False


class KillInstances(Event, frozen=True, kw_only=True):
    """End instances, which come back: as themselves, or with ``wipe`` as new ones. Answered with their last rows."""

    ask_id: int
    instance_ids: tuple[str, ...]
    wipe: bool = False


class ResetDelay(Event, frozen=True, kw_only=True):
    """Launch an app's waiting instances without further delay. Answered with whether any wait."""

    ask_id: int
    app_id: str


class Deployed(msgspec.Struct, frozen=True):
    """What a change of the root is answered with; without a change the id is one that is never listed."""

    version: str
    deployment_id: str
