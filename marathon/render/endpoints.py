"""Endpoints as lines of text, for scripts that configure a load balancer. Source: Marathon ``EndpointsHelper``."""

from __future__ import annotations

from marathon.core.model.app import AppDefinition
from marathon.core.model.instance import Condition
from marathon.core.paths import segments
from marathon.core.state import State
from marathon.render.task import instances_of


def endpoints_text(state: State, app: AppDefinition) -> str:
    """Return one line for each service port: name, port, and where every running task listens for it."""
    name = "_".join(segments(app.id))
    running = [
        (each.agent.host, each.task.host_ports)
        for each in instances_of(state, app.id)
        if each.condition is Condition.RUNNING and each.agent is not None and each.task is not None
    ]
    if not app.service_ports:
        return f"{name}\t \t" + "".join(f"{host} " for host, _ in running) + "\n"
    lines = []
    for index, port in enumerate(app.service_ports):
        places = "".join(f"{host}:{ports[index]}\t" for host, ports in running if index < len(ports))
        lines.append(f"{name}\t{port}\t{places}\n")
    return "".join(lines)
