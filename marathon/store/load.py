"""From stored rows to the state that a new leader starts with. See :mod:`marathon.core.rows` for the keys."""

from __future__ import annotations

import msgspec

from marathon.core import rows
from marathon.core.compile import compile_app
from marathon.core.history import History
from marathon.core.model.app import AppDefinition, decode_app
from marathon.core.model.deployment import Deployment, GroupFields
from marathon.core.model.failure import TaskFailure
from marathon.core.model.group import Group
from marathon.core.model.instance import Instance
from marathon.core.paths import ROOT
from marathon.core.settings import Settings
from marathon.core.state import Known, State
from marathon.core.tree import build
from mesos.errors import MezzoError
from mesos.store import Store


class BadState(MezzoError):
    """What is stored cannot be read; the text names the row."""


class Loaded(msgspec.Struct):
    """Everything that was stored, sorted by kind."""

    framework_id: str | None
    history: History
    bodies: dict[tuple[str, str], bytes]
    """Definitions by app and version, not decoded yet."""
    groups: dict[str, GroupFields]
    instances: list[Instance]
    deployments: list[Deployment]
    failures: list[TaskFailure]

    @classmethod
    def read(cls, stored: dict[str, bytes]) -> Loaded:
        """Sort the rows. :raises BadState: naming the row that cannot be read."""
        loaded = cls(None, History(), {}, {}, [], [], [])
        for key in sorted(stored):
            try:
                loaded._take(key, stored[key])
            except (msgspec.DecodeError, ValueError) as error:
                raise BadState(f"cannot read {key}: {error}") from error
        return loaded

    def _take(self, key: str, value: bytes) -> None:
        kind, _, rest = key.partition("/")
        name, _, version = rest.rpartition("/")
        match f"{kind}/":
            case rows.INSTANCES:
                self.instances.append(rows.decode(value, Instance))
            case rows.APPS:
                app_id = rows.unsafe(name)
                self.history.note_app(app_id, version, bool(value))
                self.bodies[app_id, version] = value
            case rows.GROUPS:
                group_id = rows.unsafe(name)
                self.history.note_group(group_id, version, bool(value))
                if value:
                    self.groups[group_id] = rows.decode(value, GroupFields)
                else:
                    self.groups.pop(group_id, None)
            case rows.ROOTS:
                self.history.note_root(rest)
            case rows.DEPLOYMENTS:
                self.deployments.append(rows.decode(value, Deployment))
            case rows.FAILURES:
                self.failures.append(rows.decode(value, TaskFailure))
            case _:
                if key == rows.FRAMEWORK_ID:
                    self.framework_id = value.decode()


async def load(store: Store, settings: Settings) -> State:
    """Read the whole store. :raises BadState: :raises StoreError:"""
    return state_of(Loaded.read(await store.load()), settings)


def state_of(loaded: Loaded, settings: Settings) -> State:
    """Build the state: the newest root, every instance, and the definitions that instances or deployments need."""
    apps = {app_id: _body(loaded, app_id, version) for app_id, version in _newest(loaded)}
    version = loaded.history.roots[-1] if loaded.history.roots else ""
    root = build(apps, {key: each for key, each in loaded.groups.items() if key != ROOT}, loaded.groups.get(ROOT))
    state = State(msgspec.structs.replace(root, version=version))
    state.history = loaded.history
    state.framework_id = loaded.framework_id
    state.roles[settings.role] = None
    for app_id, app in apps.items():
        known = Known(app, compile_app(app, settings))
        state.current[app_id] = known
        state.versions.setdefault(app_id, {})[app.version] = known
        state.roles[known.spec.role] = None
    for instance in loaded.instances:
        state.instances[instance.id] = instance
        _know(state, loaded, settings, instance.app_id, instance.version)
    for deployment in sorted(loaded.deployments, key=lambda each: each.started_at_s):
        state.deployments[deployment.id] = deployment
        state.originals[deployment.id] = {
            change.app_id: _body(loaded, change.app_id, change.before)
            for change in deployment.changes
            if change.before is not None and (change.app_id, change.before) in loaded.bodies
        }
    state.failures = {each.app_id: each for each in loaded.failures}
    return state


def _newest(loaded: Loaded) -> list[tuple[str, str]]:
    found = []
    for app_id, entries in loaded.history.apps.items():
        version, present = entries[-1]
        if present:
            found.append((app_id, version))
    return found


def _know(state: State, loaded: Loaded, settings: Settings, app_id: str, version: str) -> None:
    versions = state.versions.setdefault(app_id, {})
    if version not in versions and loaded.bodies.get((app_id, version)):
        app = _body(loaded, app_id, version)
        versions[version] = Known(app, compile_app(app, settings))


def _body(loaded: Loaded, app_id: str, version: str) -> AppDefinition:
    try:
        return decode_app(loaded.bodies[app_id, version])
    except (KeyError, msgspec.DecodeError) as error:
        raise BadState(f"cannot read version {version} of {app_id}: {error}") from error


def root_of(apps: dict[str, AppDefinition], fields: dict[str, GroupFields], version: str) -> Group:
    """Build the root group of a version from its parts."""
    root = build(apps, {key: each for key, each in fields.items() if key != ROOT}, fields.get(ROOT))
    return msgspec.structs.replace(root, version=version)
