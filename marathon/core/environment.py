"""The environment of an app's task. Later ones win: what marathon tells, ports, what the app says itself.

Source: Marathon ``EnvironmentHelper``, ``TaskBuilder.commandInfo``.
"""

from __future__ import annotations

import re

from marathon.core.model.app import AppDefinition
from marathon.core.model.container import EngineType
from marathon.core.model.instance import Instance
from marathon.core.run_spec import PortSpec, RunSpec
from marathon.core.settings import Settings
from mesos.clock import IdSource
from mesos.resources import THOUSAND

LABEL_VALUE_MAX = 512
LABEL_NAME_MAX = 493
"""Longer labels are no variables; upstream's limits."""

_NOT_ALNUM = re.compile(r"[^a-zA-Z0-9_]")
_RANDOM_PORT_MIN, _RANDOM_PORT_MAX = 1025, 65535


def variables(
    app: AppDefinition,
    spec: RunSpec,
    instance: Instance,
    ports: list[tuple[int | None, int | None]],
    settings: Settings,
    ids: IdSource,
) -> dict[str, str]:
    """Return the variables by name. ``ports`` are pairs of host and container port."""
    assert instance.task is not None and instance.agent is not None
    told = _context(app, spec, instance)
    told |= port_variables(spec.ports, ports, ids, settings.env_prefix)
    told[f"{settings.env_prefix}HOST"] = instance.agent.host
    return told | {name: value for name, value in app.env.items() if isinstance(value, str)}


def _context(app: AppDefinition, spec: RunSpec, instance: Instance) -> dict[str, str]:
    assert instance.task is not None
    needs = spec.needs
    told = {
        "MESOS_TASK_ID": instance.task.id,
        "MARATHON_APP_ID": spec.id,
        "MARATHON_APP_VERSION": spec.version,
        "MARATHON_APP_RESOURCE_CPUS": _double(needs.cpus),
        "MARATHON_APP_RESOURCE_MEM": _double(needs.mem),
        "MARATHON_APP_RESOURCE_DISK": _double(needs.disk),
        "MARATHON_APP_RESOURCE_GPUS": str(needs.gpus // THOUSAND),
        "MARATHON_APP_ENFORCE_GROUP_ROLE": "FALSE",
    }
    container = app.container
    if container is not None and container.type is EngineType.DOCKER and container.docker is not None:
        told["MARATHON_APP_DOCKER_IMAGE"] = container.docker.image
    return told | label_variables(app.labels)


def label_variables(labels: dict[str, str]) -> dict[str, str]:
    """Return the names of all labels and a variable for each that is not too long."""
    kept = {
        name: value for name, value in labels.items() if len(value) < LABEL_VALUE_MAX and len(name) < LABEL_NAME_MAX
    }
    told = {"MARATHON_APP_LABELS": " ".join(_plain(name) for name in kept)}
    return told | {f"MARATHON_APP_LABEL_{_plain(name)}": value for name, value in kept.items()}


def port_variables(
    specs: tuple[PortSpec, ...], ports: list[tuple[int | None, int | None]], ids: IdSource, prefix: str
) -> dict[str, str]:
    """Return ``PORT``, ``PORTS``, and for each port its number, the number that was asked for, and its name."""
    told: dict[str, str] = {}
    values = []
    for index, (spec, (host, container)) in enumerate(zip(specs, ports, strict=True)):
        value = host if host is not None else container or _any_port(ids)
        values.append(str(value))
        asked = spec.requested if spec.container_port is None else spec.container_port
        told[f"{prefix}PORT{index}"] = str(value)
        told[f"{prefix}PORT_{asked or value}"] = str(value)
        if spec.name:
            told[f"{prefix}PORT_{spec.name.upper()}"] = str(value)
    if values:
        told[f"{prefix}PORT"] = values[0]
        told[f"{prefix}PORTS"] = ",".join(values)
    return told


def _any_port(ids: IdSource) -> int:
    return int(ids.uniform(_RANDOM_PORT_MIN, _RANDOM_PORT_MAX))


def _plain(name: str) -> str:
    return _NOT_ALNUM.sub("_", name).upper()


def _double(thousandths: int) -> str:
    return repr(thousandths / THOUSAND)
