"""Says what a deployment waits for, in numbers and in words: for people, and for progress bars."""

from __future__ import annotations

import msgspec

from marathon.core.fleet import HOLDING, Worth
from marathon.core.model.deployment import Action, ActionKind, Deployment
from marathon.core.state import State
from marathon.core.timestamps import timestamp


class Waiting(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One action of the current step: ``done`` of ``total`` instances are as they shall be; ``waits_for`` the rest."""

    action: str
    app: str
    done: int
    total: int
    waits_for: tuple[str, ...]


def waiting(state: State, deployment: Deployment, now_s: float) -> tuple[Waiting, ...]:
    """Return what each action of the deployment's current step waits for."""
    if not 0 < deployment.current_step <= len(deployment.steps):
        return ()
    step = deployment.steps[deployment.current_step - 1]
    return tuple(_action(state, deployment, each, now_s) for each in step.actions)


def _action(state: State, deployment: Deployment, action: Action, now_s: float) -> Waiting:
    fleet = state.fleets.get(action.app_id)
    known = state.current.get(action.app_id)
    texts: list[str] = []
    if known is None or action.kind is ActionKind.STOP:
        left = len(fleet.ids) if fleet is not None else 0
        texts += _some(left, "to end")
        return Waiting(action=action.kind.value, app=action.app_id, done=0, total=left, waits_for=tuple(texts))
    total, done = known.spec.instances, 0
    if fleet is not None and action.kind is not ActionKind.START:
        config = known.spec.config if action.kind is ActionKind.RESTART else ""
        done = min(total, fleet.count(Worth.GOOD, config=config))
        if action.kind is ActionKind.RESTART:
            texts += _some(fleet.count(*HOLDING, before=config), "of an older version to be replaced")
        texts += _some(
            fleet.count(Worth.WAITING, config=config), "to be placed" + _why_not_placed(state, action, now_s)
        )
        texts += _some(fleet.count(Worth.STAGED, config=config), "to start")
        texts += _some(fleet.count(Worth.UNSURE, config=config), _proof(known.spec.readiness != ()))
        texts += _some(fleet.count(Worth.BAD, config=config), "to become healthy")
        texts += _some(fleet.count(Worth.LEAVING), "to end")
    finished = (deployment.id, action.app_id) in state.actions_done
    return Waiting(
        action=action.kind.value,
        app=action.app_id,
        done=total if finished else done,
        total=total,
        waits_for=() if finished else tuple(texts),
    )


def _why_not_placed(state: State, action: Action, now_s: float) -> str:
    known, entry = state.current[action.app_id], state.queue.entries.get(action.app_id)
    until_s = state.backoff.until_s(action.app_id, known.spec.config, now_s)
    if until_s > now_s:
        return f" (its launches failed; next try at {timestamp(until_s)})"
    if entry is None or not entry.refused:
        return " (no offers yet)"
    refusals = [f"{each.reason}: {each.declined}" for each in entry.summary().last_offers if each.declined]
    return f" (agents that cannot take one: {', '.join(refusals)})"


def _proof(asks: bool) -> str:
    return "to prove healthy and ready" if asks else "to prove healthy"


def _some(count: int, what: str) -> list[str]:
    if count <= 0:
        return []
    return [f"{count} instance{'s' if count > 1 else ''} {what}"]
