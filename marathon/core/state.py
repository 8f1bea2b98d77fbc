"""Everything that marathon knows while it leads. Tables are changed in place, by the core only; rows never change.

What is stored is written row by row when it changes (see :mod:`marathon.core.rows`); the rest (health, back-off, the
queue, readiness) starts anew with each leader.
"""

from __future__ import annotations

import msgspec

from marathon.core.backoff import Backoff
from marathon.core.fleet import Fleet, Standing, Worth
from marathon.core.history import History
from marathon.core.kill_requests import Kills
from marathon.core.launch_queue import LaunchQueue
from marathon.core.model.app import AppDefinition
from marathon.core.model.deployment import Deployment
from marathon.core.model.failure import TaskFailure
from marathon.core.model.group import Group
from marathon.core.model.instance import Instance
from marathon.core.run_spec import RunSpec
from marathon.core.timers import Timers


class Known(msgspec.Struct, frozen=True):
    """One version of an app: as it was written and as scheduling sees it."""

    app: AppDefinition
    spec: RunSpec


class CheckResult(msgspec.Struct, frozen=True):
    """What one health check knows of one instance. Times are seconds since the epoch."""

    failures: int = 0
    first_success_s: float | None = None
    last_success_s: float | None = None
    last_failure_s: float | None = None
    cause: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether the check has passed or counted a failure."""
        return self.last_success_s is not None or self.last_failure_s is not None

    @property
    def alive(self) -> bool:
        """Whether the last result was a pass."""
        if self.last_success_s is None:
            return False
        return self.last_failure_s is None or self.last_success_s > self.last_failure_s


class ReadinessResult(msgspec.Struct, frozen=True, kw_only=True):
    """The last answer to a readiness check."""

    name: str
    task_id: str
    ready: bool
    status: int
    content_type: str
    body: str


class State:
    """All tables."""

    def __init__(self, root: Group) -> None:
        self.root = root
        self.versions: dict[str, dict[str, Known]] = {}
        """By app and version: the current ones and those that instances still have."""
        self.current: dict[str, Known] = {}
        self.instances: dict[str, Instance] = {}
        self.fleets: dict[str, Fleet] = {}
        self.results: dict[str, list[CheckResult]] = {}
        """Health by instance, an entry for each check of the version that it runs."""
        self.healthy: dict[str, bool] = {}
        """The aggregated health that was last published, by instance."""
        self.unready: dict[str, None] = {}
        """Instances that a deployment started and that have not said that they are ready."""
        self.readiness: dict[str, ReadinessResult] = {}
        """The last readiness answer, by instance."""
        self.failures: dict[str, TaskFailure] = {}
        self.kills = Kills()
        self.queue = LaunchQueue()
        self.backoff = Backoff()
        self.timers = Timers()
        self.deployments: dict[str, Deployment] = {}
        self.originals: dict[str, dict[str, AppDefinition]] = {}
        """By deployment: the apps that it changes or removes, as they were."""
        self.history = History()
        self.locks: dict[str, str] = {}
        """App id to the deployment that changes it."""
        self.actions_done: set[tuple[str, str]] = set()
        """Deployment and app of the actions of current steps that have nothing left to do."""
        self.awaited: dict[str, dict[str, None]] = {}
        """By app: instances that a scale action has started and that are not good yet."""
        self.sentenced: dict[str, tuple[str, ...]] = {}
        """By app: instances that a scale action has to end whatever the count."""
        self.doomed: dict[tuple[str, Worth], list[str]] = {}
        """By app and kind: instances that a restart has still to end, the next one last."""
        self.framework_id: str | None = None
        self.connected = False
        self.roles: dict[str, None] = {}
        """Roles that we are subscribed with."""
        self.suppressed: set[str] = set()

    def fleet(self, app_id: str) -> Fleet:
        """Return the instances of an app, of which there may be none."""
        fleet = self.fleets.get(app_id)
        if fleet is None:
            fleet = self.fleets[app_id] = Fleet(app_id)
        return fleet

    def known(self, instance: Instance) -> Known | None:
        """Return the version of the app that an instance runs; ``None`` when it is not stored any more."""
        return self.versions.get(instance.app_id, {}).get(instance.version)

    def forget_version(self, app_id: str, version: str) -> None:
        """Drop a definition that is not the current one once no instance runs it, and the app when nothing is left."""
        current = self.current.get(app_id)
        fleet = self.fleets.get(app_id)
        if current is not None and current.spec.version == version:
            return
        if fleet is not None and fleet.has_version(version):
            return
        versions = self.versions.get(app_id, {})
        versions.pop(version, None)
        if not versions:
            self.versions.pop(app_id, None)

    def drop_empty(self, app_id: str) -> None:
        """Forget the fleet of an app that is gone when its last instance is."""
        fleet = self.fleets.get(app_id)
        if fleet is not None and not fleet.ids and app_id not in self.current:
            del self.fleets[app_id]

    def standing(self, instance: Instance) -> Standing:
        """Return what is known of an instance besides its row."""
        results = self.results.get(instance.id)
        ready = instance.id not in self.unready
        if results is None:
            return Standing(ready=ready)
        failing = any(each.is_known and not each.alive for each in results)
        healthy = None if not all(each.is_known for each in results) else not failing
        return Standing(has_checks=bool(results), healthy=healthy, failing=failing, ready=ready)
