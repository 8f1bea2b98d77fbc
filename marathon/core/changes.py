"""Changes of the root group: from a request to a stored version and a running deployment, in one turn.

The order is upstream's: change, service ports, versions, rules of the whole, plan, conflicts, store. Nothing is
changed before all of that has succeeded, so an error raised on the way leaves everything as it was. Source: Marathon
``GroupManagerImpl``, ``DeploymentManagerActor``.
"""

from __future__ import annotations

import msgspec

from marathon.core import deployment as deployments
from marathon.core import events as ev
from marathon.core import graph, groups, health, planner, root_change, rows
from marathon.core.compile import compile_app
from marathon.core.model.app import AppDefinition
from marathon.core.model.deployment import AppChange, Deployment, GroupChange, GroupFields
from marathon.core.model.group import Group
from marathon.core.paths import ROOT, parent
from marathon.core.run_spec import RunSpec
from marathon.core.state import Known
from marathon.core.timestamps import next_version
from marathon.core.turn import Turn
from marathon.errors import Locked, MarathonError, TooManyDeployments, UnknownDeployment


def change_root(turn: Turn, event: ev.ChangeRoot) -> None:
    """Carry a requested change out, or answer what is wrong with it."""
    try:
        answer = _apply(turn, event)
    except MarathonError as error:
        version = turn.state.root.version
        turn.publish("group_change_failed", groupId=parent(event.touched), version=version, reason=str(error))
        turn.reply(event.ask_id, error=error)
    else:
        turn.reply(event.ask_id, answer)


def cancel(turn: Turn, event: ev.CancelDeployment) -> None:
    """End a deployment: leave things as they stand, or bring back what it has changed."""
    deployment = turn.state.deployments.get(event.deployment_id)
    if deployment is None:
        raise UnknownDeployment(event.deployment_id)
    if event.force:
        deployments.cancel(turn, deployment)
        turn.reply(event.ask_id)
        return
    originals = turn.state.originals.get(deployment.id, {})
    request = ev.ChangeRoot(
        ask_id=event.ask_id,
        change=lambda root, _: reverted(root, deployment, originals),
        force=True,
        reverts=deployment.id,
    )
    change_root(turn, request)


def reverted(root: Group, deployment: Deployment, originals: dict[str, AppDefinition]) -> Group:
    """Return ``root`` without what ``deployment`` has changed; later changes of other things stay."""
    for change in deployment.changes:
        if change.app_id in originals:
            root = groups.put_app(root, originals[change.app_id])
        elif groups.find_app(root, change.app_id) is not None:
            root = groups.remove_app(root, change.app_id)
    for each in sorted(deployment.groups, key=lambda change: change.group_id, reverse=True):
        root = _reverted_group(root, each)
    return root


def _reverted_group(root: Group, change: GroupChange) -> Group:
    group = groups.find_group(root, change.group_id)
    if change.before is None:
        removable = group is not None and group.is_empty and not group.groups and change.group_id != ROOT
        return groups.remove_group(root, change.group_id) if removable else root
    before = change.before

    def restore(group: Group) -> Group:
        return msgspec.structs.replace(group, dependencies=before.dependencies, enforce_role=before.enforce_role)

    return groups.edit(root, change.group_id, restore)


def _apply(turn: Turn, request: ev.ChangeRoot) -> ev.Deployed:
    """Make the next root, and the deployment that leads to it."""
    state, settings = turn.state, turn.settings
    before = state.root
    if len(state.deployments) >= settings.max_running_deployments:
        raise TooManyDeployments(settings.max_running_deployments)
    version = next_version(turn.now_s, before.version)
    draft = request.change(before, version)
    after = root_change.finish(
        before,
        draft,
        version,
        low=settings.local_port_min,
        high=settings.local_port_max,
        restart=request.restart,
    )
    deployment = _planned(turn, before, after, request)
    conflicts = _conflicts(turn, deployment)
    if conflicts and not request.force:
        raise Locked(conflicts)
    # from here on nothing can go wrong
    for kind, fields in request.announce(after) if request.announce else ():
        turn.publish(kind, **fields)
    answer_version = after.version if after is not before else before.version
    turn.publish("group_change_success", groupId=parent(request.touched), version=answer_version)
    if after is not before:
        _adopt(turn, before, after, deployment)
    for deployment_id in conflicts:
        deployments.cancel(turn, state.deployments[deployment_id])
    if request.reverts in state.deployments:
        deployments.cancel(turn, state.deployments[request.reverts])
    deployments.begin(turn, deployment)
    return ev.Deployed(answer_version, deployment.id)


def _planned(turn: Turn, before: Group, after: Group, request: ev.ChangeRoot) -> Deployment:
    old: dict[str, RunSpec] = {}
    new: dict[str, RunSpec] = {}
    changes = []
    for was, now in groups.app_differences(before, after):
        app_id = (was or now).id  # type: ignore[union-attr]
        if was is not None:
            old[app_id] = turn.state.current[app_id].spec
        if now is not None:
            new[app_id] = compile_app(now, turn.settings)
        changes.append(AppChange(app_id, was.version if was else None, now.version if now else None))
    for app_id in request.kill:
        known = turn.state.current.get(app_id)
        if known is not None:
            old.setdefault(app_id, known.spec)
            new.setdefault(app_id, known.spec)
    steps = planner.plan(old, new, graph.levels(after, new), restart=request.restart, kill=request.kill)
    return Deployment(
        id=turn.ids.uuid4_text(),
        version=after.version,
        steps=steps,
        changes=tuple(changes),
        groups=tuple(
            GroupChange((was or now).id, _fields(was), _fields(now))  # type: ignore[union-attr]
            for was, now in groups.group_differences(before, after)
        ),
        started_at_s=turn.now_s,
    )


def _fields(group: Group | None) -> GroupFields | None:
    return None if group is None else GroupFields(group.dependencies, group.enforce_role)


def _conflicts(turn: Turn, deployment: Deployment) -> list[str]:
    locks = turn.state.locks
    return list(dict.fromkeys(locks[app_id] for app_id in deployment.affected_apps if app_id in locks))


def _adopt(turn: Turn, before: Group, after: Group, deployment: Deployment) -> None:
    """Make ``after`` the root: in the tables and in the store."""
    state, version = turn.state, after.version
    originals = state.originals[deployment.id] = {}
    for was, now in groups.app_differences(before, after):
        app_id = (was or now).id  # type: ignore[union-attr]
        if was is not None:
            originals[app_id] = was
        _adopt_app(turn, app_id, now, version)
    for group_was, group_now in groups.group_differences(before, after):
        group_id = (group_was or group_now).id  # type: ignore[union-attr]
        value = rows.encode(_fields(group_now)) if group_now is not None else b""
        turn.put(rows.group_key(group_id, version), value)
        for old in state.history.note_group(group_id, version, group_now is not None):
            turn.delete(rows.group_key(group_id, old))
    turn.put(rows.root_key(version), b"{}")
    for old in state.history.note_root(version):
        turn.delete(rows.root_key(old))
    state.root = after


def _adopt_app(turn: Turn, app_id: str, app: AppDefinition | None, version: str) -> None:
    state = turn.state
    turn.put(rows.app_key(app_id, version), rows.encode(app) if app is not None else b"")
    for old in state.history.note_app(app_id, version, app is not None):
        if old not in state.versions.get(app_id, {}):
            turn.delete(rows.app_key(app_id, old))
    former = state.current.pop(app_id, None)
    if app is not None:
        known = Known(app, compile_app(app, turn.settings))
        state.current[app_id] = known
        state.versions.setdefault(app_id, {})[app.version] = known
        turn.subscribe_role(known.spec.role)
        _tell_checks(turn, former, known)
    elif former is not None and former.spec.checks:
        turn.publish("remove_health_check_event", appId=app_id)
    if former is not None:
        state.forget_version(app_id, former.spec.version)


def _tell_checks(turn: Turn, former: Known | None, known: Known) -> None:
    """Tell of the checks of a new configuration; a mere scaling keeps those there are."""
    if former is not None and former.spec.config == known.spec.config:
        return
    for check in known.spec.checks:
        turn.publish(
            "add_health_check_event",
            appId=known.spec.id,
            healthCheck=health.described(check),
            version=known.spec.version,
        )
