"""Carries deployments out: looks at what is there, does what is missing, and goes on when a step has nothing left.

Nothing is remembered about progress but the number of the step and which started instances are still awaited; every
look starts from the counts of the app. A deployment has no deadline. Source: Marathon ``DeploymentActor``,
``TaskStartActor``, ``AppStopActor``, ``TaskReplaceActor``.
"""

from __future__ import annotations

import msgspec

from marathon.core import instances, kill_order, kills, rows
from marathon.core.fleet import HOLDING, Fleet, Worth
from marathon.core.model.deployment import Action, ActionKind, Deployment, Step
from marathon.core.model.instance import Instance
from marathon.core.rolling import Counts, plan_moves
from marathon.core.state import Known
from marathon.core.turn import Turn

CANCELLED = "The upgrade has been cancelled"
"""The reason of a deployment that another one, or an operator, has put an end to."""


def begin(turn: Turn, deployment: Deployment) -> None:
    """Store a deployment, lock its apps and start with its first step. One without steps is over at once."""
    state = turn.state
    if not deployment.steps:
        state.originals.pop(deployment.id, None)
        turn.publish("deployment_success", id=deployment.id, plan=plan_of(deployment))
        return
    state.deployments[deployment.id] = deployment
    for app_id in deployment.affected_apps:
        state.locks[app_id] = deployment.id
    turn.put(rows.deployment_key(deployment.id), rows.encode(deployment))
    _enter(turn, deployment, 1)


def resume(turn: Turn) -> None:
    """After a restart: go through every stored deployment from its first step."""
    for deployment in list(turn.state.deployments.values()):
        for app_id in deployment.affected_apps:
            turn.state.locks[app_id] = deployment.id
        _enter(turn, msgspec.structs.replace(deployment, current_step=0), 1, resumed=True)


def look(turn: Turn, app_id: str) -> None:
    """Something about an app has changed: see whether its deployment can go on."""
    deployment_id = turn.state.locks.get(app_id)
    deployment = turn.state.deployments.get(deployment_id) if deployment_id else None
    if deployment is None:
        return
    step = deployment.steps[deployment.current_step - 1]
    done = True
    for action in step.actions:
        if action.app_id == app_id:
            if not _advance(turn, deployment, action):
                done = False
        elif (deployment.id, action.app_id) not in turn.state.actions_done:
            done = False
    if done:
        _succeed(turn, deployment, step)


def cancel(turn: Turn, deployment: Deployment, reason: str = CANCELLED) -> None:
    """End a deployment where it stands; instances stay as they are."""
    _forget(turn, deployment)
    turn.publish("deployment_failed", id=deployment.id, plan=plan_of(deployment), reason=reason)


def plan_of(deployment: Deployment) -> dict[str, object]:
    """Return the plan as events show it."""
    return {
        "id": deployment.id,
        "steps": [step_of(step) for step in deployment.steps],
        "version": deployment.version,
    }


def step_of(step: Step) -> dict[str, object]:
    """Return a step as events and the API show it."""
    return {"actions": [{"action": each.kind.value, "app": each.app_id} for each in step.actions]}


def _enter(turn: Turn, deployment: Deployment, number: int, *, resumed: bool = False) -> None:
    """Go to step ``number``, or end when there is none."""
    state = turn.state
    if number > len(deployment.steps):
        _forget(turn, deployment)
        turn.publish("deployment_success", id=deployment.id, plan=plan_of(deployment))
        return
    deployment = msgspec.structs.replace(deployment, current_step=number)
    state.deployments[deployment.id] = deployment
    step = deployment.steps[number - 1]
    turn.publish("deployment_info", plan=plan_of(deployment), currentStep=step_of(step))
    for action in step.actions:
        _prepare(turn, deployment, action, resumed=resumed)
        turn.touch(action.app_id)


def _prepare(turn: Turn, deployment: Deployment, action: Action, *, resumed: bool) -> None:
    """Note what an action has to wait for besides what it will start."""
    state = turn.state
    known = state.current.get(action.app_id)
    fleet = state.fleet(action.app_id)
    state.awaited[action.app_id] = {}
    if known is None:
        return
    if action.kind is ActionKind.RESTART:
        state.backoff.reset(action.app_id)
        turn.new_demand.add(known.spec.role)
        if known.spec.readiness and resumed:
            _unready_again(turn, fleet, known)
    elif action.kind is ActionKind.SCALE:
        state.sentenced[action.app_id] = tuple(each for each in action.kill if each in fleet.ids)
        if resumed and _grows(turn, deployment, action.app_id):
            if known.spec.readiness:
                _unready_again(turn, fleet, known)
            waiting = fleet.members(Worth.WAITING, Worth.STAGED, Worth.UNSURE, Worth.BAD, config=known.spec.config)
            state.awaited[action.app_id] = dict.fromkeys(waiting)


def _unready_again(turn: Turn, fleet: Fleet, known: Known) -> None:
    """Readiness is not stored: instances of the new version have to say again that they are ready."""
    for instance_id in list(fleet.members(*HOLDING, Worth.WAITING, config=known.spec.config)):
        turn.state.unready[instance_id] = None
        instances.index(turn, turn.state.instances[instance_id])


def _grows(turn: Turn, deployment: Deployment, app_id: str) -> bool:
    before = turn.state.originals.get(deployment.id, {}).get(app_id)
    return before is None or turn.state.current[app_id].spec.instances > before.instances


def _advance(turn: Turn, deployment: Deployment, action: Action) -> bool:
    """Do what an action lacks. Return whether nothing is left."""
    match action.kind:
        case ActionKind.START:
            done = True
        case ActionKind.STOP:
            done = _stop(turn, action.app_id)
        case ActionKind.SCALE:
            done = _scale(turn, action.app_id)
        case ActionKind.RESTART:
            done = _restart(turn, action.app_id)
    if done:
        turn.state.actions_done.add((deployment.id, action.app_id))
    else:
        turn.state.actions_done.discard((deployment.id, action.app_id))
    return done


def _stop(turn: Turn, app_id: str) -> bool:
    state = turn.state
    fleet = state.fleet(app_id)
    for instance_id in list(fleet.ids):
        if fleet.worth(instance_id) is not Worth.LEAVING:
            kills.stop(turn, state.instances[instance_id])
    return not fleet.ids


def _scale(turn: Turn, app_id: str) -> bool:
    """First end what is too much or sentenced and wait for that, then start what is missing and wait for that."""
    state = turn.state
    known = state.current.get(app_id)
    if known is None:
        return _stop(turn, app_id)
    fleet, wanted = state.fleet(app_id), known.spec.instances
    sentenced = [each for each in state.sentenced.get(app_id, ()) if fleet.worth(each) not in (None, Worth.LEAVING)]
    wants = (Worth.WAITING, *HOLDING)
    surplus = max(fleet.count(*wants) - wanted, len(sentenced))
    if surplus > 0:
        pool = [state.instances[each] for each in fleet.members(*wants)]
        for victim in kill_order.victims(pool, surplus, known.spec, sentenced):
            state.awaited[app_id].pop(victim.id, None)
            kills.stop(turn, victim)
    if fleet.count(Worth.LEAVING):
        return False
    missing = wanted - fleet.count(*wants)
    if missing > 0:
        created = instances.create(turn, known, missing, unready=True)
        state.awaited[app_id].update(dict.fromkeys(created))
    awaited = state.awaited[app_id]
    while awaited:
        first = next(iter(awaited))
        if fleet.worth(first) not in (None, Worth.GOOD):
            return False  # the others are looked at when this one is good
        del awaited[first]
    return True


def _restart(turn: Turn, app_id: str) -> bool:
    """Replace the instances of older configurations, as fast as the upgrade strategy allows."""
    state = turn.state
    known = state.current.get(app_id)
    if known is None:
        return _stop(turn, app_id)
    fleet, spec = state.fleet(app_id), known.spec
    for instance_id in list(fleet.members(Worth.WAITING, Worth.LOST, before=spec.config)):
        kills.stop(turn, state.instances[instance_id])
    moves = plan_moves(counts_of(fleet, known), spec.upgrade, resident=spec.resident)
    if moves.kill > 0:
        _kill_old(turn, fleet, known, moves.kill)
    if moves.launch > 0:
        instances.create(turn, known, moves.launch, unready=True)
    surplus = fleet.count(Worth.WAITING, *HOLDING, config=spec.config) - spec.instances
    if surplus > 0:
        pool = [state.instances[each] for each in fleet.members(Worth.WAITING, *HOLDING, config=spec.config)]
        for victim in kill_order.victims(pool, surplus, spec):
            kills.stop(turn, victim)
    return moves.done and surplus <= 0


def counts_of(fleet: Fleet, known: Known) -> Counts:
    """Return what the arithmetic of an upgrade asks for."""
    config = known.spec.config
    return Counts(
        wanted=known.spec.instances,
        old=fleet.count(*HOLDING, before=config),
        old_good=fleet.count(Worth.GOOD, before=config),
        old_bad=fleet.count(Worth.BAD, Worth.STAGED, before=config),
        new=fleet.count(Worth.WAITING, *HOLDING, config=config),
        new_good=fleet.count(Worth.GOOD, config=config),
        leaving=fleet.count(Worth.LEAVING),
    )


def _kill_old(turn: Turn, fleet: Fleet, known: Known, count: int) -> None:
    """End old instances: those that are no good first, then by kill order."""
    for worth in (Worth.BAD, Worth.STAGED, Worth.UNSURE, Worth.GOOD):
        while count > 0:
            victim = _next_victim(turn, fleet, known, worth)
            if victim is None:
                break
            kills.stop(turn, victim)
            count -= 1


def _next_victim(turn: Turn, fleet: Fleet, known: Known, worth: Worth) -> Instance | None:
    """Take the next old instance of its kind. They are sorted once and not for each; changed ones are passed over."""
    state, config = turn.state, known.spec.config
    if not fleet.count(worth, before=config):
        return None
    key = (known.spec.id, worth)
    while True:
        order = state.doomed.get(key, [])
        while order:
            instance = state.instances.get(order.pop())
            if instance is not None and fleet.worth(instance.id) is worth and instance.version < config:
                return instance
        pool = [state.instances[each] for each in fleet.members(worth, before=config)]
        sorted_pool = kill_order.ordered(pool, youngest_first=known.spec.youngest_first)
        state.doomed[key] = [each.id for each in reversed(sorted_pool)]


def _succeed(turn: Turn, deployment: Deployment, step: Step) -> None:
    turn.publish("deployment_step_success", plan=plan_of(deployment), currentStep=step_of(step))
    for action in step.actions:
        _end_action(turn, deployment, action)
        if action.kind is ActionKind.STOP:
            turn.publish("app_terminated_event", appId=action.app_id)
    _enter(turn, deployment, deployment.current_step + 1)


def _forget(turn: Turn, deployment: Deployment) -> None:
    state = turn.state
    state.deployments.pop(deployment.id, None)
    state.originals.pop(deployment.id, None)
    turn.delete(rows.deployment_key(deployment.id))
    for step in deployment.steps:
        for action in step.actions:
            _end_action(turn, deployment, action)
    for app_id in deployment.affected_apps:
        if state.locks.get(app_id) == deployment.id:
            del state.locks[app_id]
            turn.touch(app_id)


def _end_action(turn: Turn, deployment: Deployment, action: Action) -> None:
    state = turn.state
    state.actions_done.discard((deployment.id, action.app_id))
    state.awaited.pop(action.app_id, None)
    state.sentenced.pop(action.app_id, None)
    for worth in Worth:
        state.doomed.pop((action.app_id, worth), None)
    fleet = state.fleets.get(action.app_id)
    for instance_id in list(fleet.ids) if fleet is not None and state.unready else ():
        if instance_id in state.unready:
            del state.unready[instance_id]
            instances.index(turn, state.instances[instance_id])
