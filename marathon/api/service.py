"""What handlers talk to: the tables of the present term for reading, its loop for everything that changes something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from aiohttp import web

from marathon.config import Config
from marathon.core import events as ev
from marathon.core import rows
from marathon.core.model.app import AppDefinition, decode_app
from marathon.core.model.deployment import GroupFields
from marathon.core.model.group import Group
from marathon.core.model.instance import Instance
from marathon.core.settings import Settings
from marathon.core.state import State
from marathon.drivers.bus import EventBus
from marathon.errors import MarathonError, UnknownApp, UnknownGroup
from marathon.schema.context import Context
from marathon.store.load import root_of
from mesos.clock import Clock
from mesos.store import Store


class NotLeading(MarathonError):
    """Leadership was lost while the request was on its way."""


class TermLike(Protocol):
    """One term as leader."""

    @property
    def state(self) -> State:
        """Return the tables, to be looked at only."""
        ...

    @property
    def store(self) -> Store:
        """Return where former versions can be read."""
        ...

    async def ask(self, make_event: Callable[[int], ev.Event]) -> object:
        """Let the core decide on a request and return its answer, once that is durable."""
        ...


class Node(Protocol):
    """This program: it leads, or knows who does."""

    @property
    def config(self) -> Config:
        """Return the settings."""
        ...

    @property
    def settings(self) -> Settings:
        """Return what decisions depend on."""
        ...

    @property
    def clock(self) -> Clock:
        """Return the time."""
        ...

    @property
    def bus(self) -> EventBus:
        """Return the event bus."""
        ...

    @property
    def term(self) -> TermLike | None:
        """Return the present term; ``None`` while another leads."""
        ...

    @property
    def leader(self) -> str | None:
        """Return host and port of whoever leads."""
        ...

    @property
    def host_port(self) -> str:
        """Return how others reach this program."""
        ...

    def when_lead_lost(self, call: Callable[[], None]) -> None:
        """Have ``call`` called each time this process stops leading."""
        ...

    async def abdicate(self) -> None:
        """Give the lead to somebody else, if there is anybody."""
        ...


class Service:
    """The leader, as handlers see it. Every method raises :class:`NotLeading` on a standby."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.settings = node.settings
        config = node.config
        self.context = Context(
            role=config.mesos_role,
            default_network_name=config.default_network_name,
            bridge_name=config.mesos_bridge_name,
            features=config.enable_features,
            enforce_new_groups=config.new_group_enforce_role == "top",
        )

    @property
    def term(self) -> TermLike:
        """Return the present term."""
        term = self.node.term
        if term is None:
            raise NotLeading("This process does not lead any more; try again.")
        return term

    @property
    def state(self) -> State:
        """Return the tables, to be looked at only."""
        return self.term.state

    @property
    def root(self) -> Group:
        """Return the root group."""
        return self.state.root

    def now_s(self) -> float:
        """Return the time in seconds since the epoch."""
        return self.node.clock.now_s()

    async def change_root(
        self,
        change: ev.Change,
        *,
        touched: str,
        force: bool,
        restart: frozenset[str] = frozenset(),
        kill: dict[str, tuple[str, ...]] | None = None,
        announce: ev.Announce | None = None,
    ) -> ev.Deployed:
        """Bring the root group to what ``change`` makes of it when its turn comes.

        :param touched: the path that the request is about.
        :param restart: apps to restart though nothing changed; ``kill`` names instances that a scaling has to end.
        :param announce: makes the events that come before all others.
        """
        answer = await self.term.ask(
            lambda ask_id: ev.ChangeRoot(
                ask_id=ask_id,
                change=change,
                touched=touched,
                force=force,
                restart=restart,
                kill=kill or {},
                announce=announce,
            )
        )
        return cast(ev.Deployed, answer)

    async def cancel(self, deployment_id: str, *, force: bool) -> ev.Deployed | None:
        """End a deployment: undo it, or with ``force`` leave things as they stand."""
        answer = await self.term.ask(
            lambda ask_id: ev.CancelDeployment(ask_id=ask_id, deployment_id=deployment_id, force=force)
        )
        return cast(ev.Deployed | None, answer)

    async def kill(self, instance_ids: tuple[str, ...], *, wipe: bool) -> tuple[Instance, ...]:
        """End instances and return those that were there. They come back, with ``wipe`` as new ones."""
        answer = await self.term.ask(
            lambda ask_id: ev.KillInstances(ask_id=ask_id, instance_ids=instance_ids, wipe=wipe)
        )
        return cast(tuple[Instance, ...], answer)

    async def reset_delay(self, app_id: str) -> bool:
        """Launch an app's waiting instances at once. Return whether any wait."""
        return bool(await self.term.ask(lambda ask_id: ev.ResetDelay(ask_id=ask_id, app_id=app_id)))

    async def app_at(self, app_id: str, version: str) -> AppDefinition:
        """Return a stored version of an app. :raises UnknownApp: when there is none."""
        if version not in self.state.history.of_app(app_id):
            raise UnknownApp(app_id, version)
        data = await self.term.store.get(rows.app_key(app_id, version))
        if not data:
            raise UnknownApp(app_id, version)
        return decode_app(data)

    async def root_at(self, version: str) -> Group:
        """Return the root group of a stored version. :raises UnknownGroup: when there is none."""
        history = self.state.history
        if version == self.root.version:
            return self.root
        if version not in history.roots:
            raise UnknownGroup("/", version)
        apps = {app_id: await self.app_at(app_id, own) for app_id, own in history.apps_at(version).items()}
        fields = {}
        for group_id, own in history.groups_at(version).items():
            data = await self.term.store.get(rows.group_key(group_id, own))
            if data:
                fields[group_id] = rows.decode(data, GroupFields)
        return root_of(apps, fields, version)


SERVICE = web.AppKey("service", Service)


def service_of(request: web.Request) -> Service:
    """Return the service that a request is served by."""
    return request.app[SERVICE]
