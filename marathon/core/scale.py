"""Keeps the number of instances of apps that no deployment is changing. Source: Marathon ``ScaleActions``."""

from __future__ import annotations

from marathon.core import instances, kill_order, kills
from marathon.core.fleet import HOLDING, Worth
from marathon.core.turn import Turn


def check(turn: Turn, app_id: str) -> None:
    """Start what an app lacks and end what it has too much. Instances of apps that are gone end."""
    state = turn.state
    if app_id in state.locks:
        return
    fleet = state.fleets.get(app_id)
    known = state.current.get(app_id)
    if known is None:
        for instance_id in list(fleet.ids) if fleet is not None else ():
            if state.fleet(app_id).worth(instance_id) is not Worth.LEAVING:
                kills.stop(turn, state.instances[instance_id])
        return
    fleet = state.fleet(app_id)
    have = fleet.count(Worth.WAITING, *HOLDING)
    if have < known.spec.instances:
        instances.create(turn, known, known.spec.instances - have)
    elif have > known.spec.instances:
        pool = [state.instances[each] for each in fleet.members(Worth.WAITING, *HOLDING)]
        for victim in kill_order.victims(pool, have - known.spec.instances, known.spec):
            kills.stop(turn, victim)


def check_all(turn: Turn) -> None:
    """Check every app, and what is left of apps that are gone."""
    turn.state.timers.arm(("scale", ""), turn.now_s + turn.settings.scale_interval_s)
    for app_id in [*turn.state.current, *(each for each in turn.state.fleets if each not in turn.state.current)]:
        check(turn, app_id)
