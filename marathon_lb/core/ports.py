"""Service ports, task ports and task addresses, by the app's network mode.

Source: marathon-lb ``utils.py`` (``get_task_ip_and_ports``, ``ServicePortAssigner``), ``marathon_lb.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import Enum

from marathon_lb.core.documents import App, PortMapping, Task

HASH_TRIES = 50
"""How often a service port is looked for by hash before the range is walked through."""


class Mode(Enum):
    """How tasks of an app reach the network."""

    HOST = "host"
    BRIDGE = "container/bridge"
    CONTAINER = "container"


class PortRange:
    """Service ports of container apps that have none of their own.

    A port belongs to its app and task port for as long as the app is there.

    :param low: first and last port that may be taken; ``None`` hands out none.
    """

    def __init__(self, low: int | None = None, high: int | None = None) -> None:
        self._low, self._high = low, high
        self._ports: dict[tuple[str, int], int] = {}
        self._taken: set[int] = set()

    @property
    def enabled(self) -> bool:
        """Whether there is a range at all."""
        return self._low is not None and self._high is not None

    def port(self, app_id: str, task_port: int) -> int | None:
        """Return the service port, ``None`` when the range is used up or there is none."""
        known = self._ports.get((app_id, task_port))
        if known is not None or self._low is None or self._high is None:
            return known
        free = self._by_hash(f"{app_id}-{task_port}", self._low, self._high)
        if free is not None:
            self._ports[app_id, task_port] = free
            self._taken.add(free)
        return free

    def forget(self, app_id: str) -> None:
        """Free the ports of an app that is gone."""
        for key in [key for key in self._ports if key[0] == app_id]:
            self._taken.discard(self._ports.pop(key))

    def _by_hash(self, seed: str, low: int, high: int) -> int | None:
        for attempt in range(HASH_TRIES):
            digest = hashlib.sha1(f"{seed}-{attempt}".encode(), usedforsecurity=False).hexdigest()
            port = low + int(digest[:8], 16) % (high - low + 1)
            if port not in self._taken:
                return port
        return next((port for port in range(low, high + 1) if port not in self._taken), None)


def mode(app: App) -> Mode:
    """Return the app's network mode; the new form of definition goes before the old ones."""
    if app.networks:
        return Mode(app.networks[-1].mode or "container") if _known(app.networks[-1].mode) else Mode.CONTAINER
    network = app.container.docker.network if app.container and app.container.docker else None
    if network == "USER":
        return Mode.CONTAINER
    if network == "BRIDGE":
        return Mode.BRIDGE
    return Mode.CONTAINER if app.ip_address is not None else Mode.HOST


def service_ports(app: App, of_mode: Mode, assigned: PortRange) -> tuple[int | None, ...]:
    """Return the app's service ports in the order that label indexes count."""
    if of_mode is not Mode.HOST:
        mapped = tuple(each.service_port for each in _mappings(app) if each.service_port is not None)
        if mapped:
            return mapped
    ports = tuple(each.port for each in app.port_definitions or () if each.port is not None) or app.ports or ()
    if not ports and of_mode is Mode.CONTAINER and assigned.enabled and app.tasks:
        return tuple(assigned.port(app.id, port) for port in task_ports(app, of_mode, app.tasks[0]))
    return ports


def task_ports(app: App, of_mode: Mode, task: Task) -> tuple[int, ...]:
    """Return where the task listens, in the order of the service ports."""
    container = tuple(each.container_port for each in _mappings(app) if each.container_port is not None)
    if of_mode is Mode.CONTAINER:
        discovery = app.ip_address.discovery if app.ip_address else None
        announced = tuple(each.number for each in (discovery.ports or ()) if each.number) if discovery else ()
        return announced or container
    defined = tuple(each.port for each in app.port_definitions or () if each.port)
    return tuple(task.ports or ()) or defined or (container if of_mode is Mode.BRIDGE else ())


def task_address(of_mode: Mode, task: Task, addresses: Mapping[str, str]) -> str | None:
    """Return the address to connect to; ``None`` when it is not known.

    :param addresses: of host names.
    """
    if of_mode is Mode.CONTAINER:
        return task.ip_addresses[0].ip_address if task.ip_addresses else None
    return addresses.get(task.host) if task.host else None


def _mappings(app: App) -> tuple[PortMapping, ...]:
    if app.container is None:
        return ()
    docker = app.container.docker.port_mappings if app.container.docker else None
    return docker or app.container.port_mappings or ()


def _known(text: str | None) -> bool:
    return text is None or text in ("host", "container", "container/bridge")
