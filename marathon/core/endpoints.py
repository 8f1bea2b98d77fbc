"""Where a port of an instance can be reached. Source: Marathon ``HealthCheck``, ``Task.effectiveIpAddress``."""

from __future__ import annotations

from marathon.core.model.instance import Instance
from marathon.core.run_spec import RunSpec


def effective_ports(spec: RunSpec, host_ports: tuple[int, ...]) -> list[tuple[int | None, int | None]]:
    """Return host port and container port of each of the app's ports; a container port of 0 is the host port."""
    assigned = iter(host_ports)
    pairs: list[tuple[int | None, int | None]] = []
    for port in spec.ports:
        host = next(assigned, None) if port.host_port is not None else None
        container = port.container_port
        pairs.append((host, host if container == 0 else container))
    return pairs


def endpoint(spec: RunSpec, instance: Instance, index: int | None, port: int | None) -> tuple[str, int] | None:
    """Return host and port for the app's port number ``index``, or for the given ``port`` on the agent.

    ``None`` when the instance has no agent, or not so many ports, or no address for a port of its container alone.
    """
    if instance.agent is None or instance.task is None:
        return None
    if port is not None:
        return instance.agent.host, port
    pairs = effective_ports(spec, instance.task.host_ports)
    if not 0 <= (index or 0) < len(pairs):
        return None
    host_port, container_port = pairs[index or 0]
    if host_port is not None:
        return instance.agent.host, host_port
    addresses = instance.task.ip_addresses
    return (addresses[0].address, container_port) if addresses and container_port else None
