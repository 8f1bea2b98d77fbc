"""Readiness of instances that a deployment has started: asked until the answer is in the ready set.

Source: Marathon ``ReadinessBehavior``, ``ReadinessCheckExecutorImpl``. Results are shown with the deployment and are
not stored.
"""

from __future__ import annotations

from marathon.core import effects as fx
from marathon.core import instances
from marathon.core.endpoints import endpoint
from marathon.core.model.instance import Condition, Instance
from marathon.core.run_spec import ReadinessSpec, RunSpec
from marathon.core.state import ReadinessResult
from marathon.core.turn import Turn

READY = "ready"
"""Timer: an instance is to be asked for its readiness."""


def task_runs(turn: Turn, instance: Instance) -> None:
    """A task runs: ask it at once when its deployment waits for that."""
    if instance.id in turn.state.unready:
        due(turn, instance.id)


def resume(turn: Turn) -> None:
    """After a restart: ask everything that is not known to be ready."""
    for instance_id in list(turn.state.unready):
        due(turn, instance_id)


def due(turn: Turn, instance_id: str) -> None:
    """Ask an instance, unless it is none to be asked any more."""
    found = _asked(turn, instance_id)
    if found is None:
        return
    instance, spec, check = found
    assert instance.task is not None
    index = next((i for i, port in enumerate(spec.ports) if port.name == check.port_name), None)
    target = endpoint(spec, instance, index, None) if index is not None else None
    if target is None:
        turn.note("warning", "no port to ask for readiness", instance=instance_id, port_name=check.port_name)
        return
    path = check.path if check.path.startswith("/") else f"/{check.path}"
    url = f"{check.protocol.lower()}://{target[0]}:{target[1]}{path}"
    token = fx.ProbeToken(instance_id, instance.task.id, 0)
    turn.add(fx.ReadinessQuery(token=token, url=url, timeout_s=check.timeout_s))


def answered(turn: Turn, token: fx.ProbeToken, status: int, content_type: str, body: str) -> None:
    """An instance has answered, or could not be asked (status 504): it is ready, or is asked again later."""
    found = _asked(turn, token.instance_id)
    if found is None:
        return
    instance, _, check = found
    if instance.task is None or instance.task.id != token.task_id:
        return
    ready = status in check.ready_codes
    result = ReadinessResult(
        name=check.name, task_id=token.task_id, ready=ready, status=status, content_type=content_type, body=body
    )
    turn.state.readiness[token.instance_id] = result
    if ready:
        del turn.state.unready[token.instance_id]
        instances.index(turn, instance)
    else:
        turn.state.timers.arm((READY, token.instance_id), turn.now_s + check.interval_s)


def _asked(turn: Turn, instance_id: str) -> tuple[Instance, RunSpec, ReadinessSpec] | None:
    instance = turn.state.instances.get(instance_id)
    if instance is None or instance_id not in turn.state.unready or instance.condition is not Condition.RUNNING:
        return None
    known = turn.state.known(instance)
    if known is None or not known.spec.readiness:
        return None
    return instance, known.spec, known.spec.readiness[0]
