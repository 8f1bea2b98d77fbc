"""Running deployments as answers show them. Source: Marathon ``DeploymentStepInfo``."""

from __future__ import annotations

from typing import Any

from marathon.core.deployment import step_of
from marathon.core.model.deployment import Action, Deployment
from marathon.core.state import ReadinessResult, State

Json = dict[str, Any]


def deployment(state: State, running: Deployment) -> Json:
    """Return a deployment and what it is doing now."""
    current = running.steps[running.current_step - 1].actions if running.current_step else ()
    return {
        "id": running.id,
        "version": running.version,
        "affectedApps": list(running.affected_apps),
        "affectedPods": [],
        "steps": [step_of(step) for step in running.steps],
        "currentActions": [_current(state, action) for action in current],
        "currentStep": running.current_step,
        "totalSteps": len(running.steps),
    }


def readiness_results(state: State, app_id: str) -> list[Json]:
    """Return the last readiness answers of an app's instances."""
    if not state.readiness:
        return []
    fleet = state.fleets.get(app_id)
    found = (state.readiness.get(each) for each in (fleet.ids if fleet else ()))
    current = state.current.get(app_id)
    preserve = bool(current and current.spec.readiness and current.spec.readiness[0].preserve)
    return [_readiness(each, preserve=preserve) for each in found if each is not None]


def _current(state: State, action: Action) -> Json:
    return {
        "action": action.kind.value,
        "app": action.app_id,
        "readinessCheckResults": readiness_results(state, action.app_id),
    }


def _readiness(result: ReadinessResult, *, preserve: bool) -> Json:
    value: Json = {"name": result.name, "taskId": result.task_id, "ready": result.ready}
    if preserve:
        value["lastResponse"] = {
            "status": result.status,
            "contentType": result.content_type,
            "body": result.body,
        }
    return value
