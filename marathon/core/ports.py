"""Service ports: every 0 becomes a port that no other app has.

An app keeps the ports that it had and no longer names, so that posting the same definition again changes nothing.
Source: Marathon ``GroupManagerImpl.assignDynamicServicePorts``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from marathon.core.model.app import AppDefinition
from marathon.core.model.group import Group
from marathon.errors import PortsExhausted


class ServicePorts:
    """Gives out ports from ``low`` to ``high``, both included. ``taken`` grows as ports are given out."""

    def __init__(self, low: int, high: int, taken: set[int]) -> None:
        self._low, self._high, self._taken = low, high, taken
        self._next = low

    def assign(self, app: AppDefinition, before: AppDefinition | None) -> AppDefinition:
        """Return the app without any service port of 0.

        :raises PortsExhausted: when there is none left.
        """
        wanted = app.service_ports
        if 0 not in wanted:
            return app
        named = set(wanted)
        kept = iter([each for each in (before.service_ports if before else ()) if each and each not in named])
        return _with_ports(app, [each or self._one(kept) for each in wanted])

    def _one(self, kept: Iterator[int]) -> int:
        port = next(kept, None)
        if port is None:
            port = self._free()
        self._taken.add(port)
        return port

    def _free(self) -> int:
        for port in range(self._next, self._high + 1):
            if port not in self._taken:
                self._next = port + 1
                return port
        raise PortsExhausted(self._low, self._high)


def ports_in(root: Group) -> set[int]:
    """Return all service ports of a tree. Walks every app, so it looks at each as little as possible."""
    taken: set[int] = set()
    for app in root.all_apps():
        if app.port_definitions is not None:
            taken.update([each.port for each in app.port_definitions])
        elif app.container is not None and app.container.port_mappings:
            taken.update([each.service_port for each in app.container.port_mappings])
    return taken


def _with_ports(app: AppDefinition, ports: Collection[int]) -> AppDefinition:
    replace = msgspec.structs.replace
    if app.uses_host_network:
        definitions = tuple(
            replace(each, port=port) for each, port in zip(app.port_definitions or (), ports, strict=True)
        )
        return replace(app, port_definitions=definitions)
    assert app.container is not None  # it has service ports, so it has mappings
    mappings = app.container.port_mappings or ()
    mapped = tuple(replace(each, service_port=port) for each, port in zip(mappings, ports, strict=True))
    return replace(app, container=replace(app.container, port_mappings=mapped))
