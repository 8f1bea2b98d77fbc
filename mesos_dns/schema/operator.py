"""Turns what a master tells into events.

One element that makes no sense is passed over, never the whole.
"""

from __future__ import annotations

import msgspec

from mesos.errors import CodecError
from mesos.types.tasks import TERMINAL_STATES
from mesos_dns.core import events
from mesos_dns.core.cluster import Event
from mesos_dns.core.model import Addresses, Agent, DiscoveryPort, Endpoint, Framework, Task
from mesos_dns.schema import wire

MAX_HOST_PORTS = 1024
"""Host ports of one task that get records; nobody looks for more, and a range may span thousands."""

_master_event = msgspec.json.Decoder(wire.MasterEvent, strict=False)
_master_info = msgspec.json.Decoder(wire.MasterInfo, strict=False)
_master_answer = msgspec.json.Decoder(wire.MasterAnswer, strict=False)


def read_master_event(record: bytes) -> wire.MasterEvent:
    """Read one record. :raises CodecError: when it is no event."""
    try:
        return _master_event.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CodecError(f"an event of the master cannot be read: {error}") from error


def read_leader(data: bytes) -> Endpoint | None:
    """Return the address in a MasterInfo document, as leader nodes and GET_MASTER carry it."""
    try:
        found = _master_answer.decode(data).get_master
        info = found.master_info if found is not None else _master_info.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if info is None:
        return None
    if info.address is not None and (info.address.ip or info.address.hostname):
        return Endpoint(info.address.ip or info.address.hostname or "", info.address.port)
    from_pid = read_pid(info.pid)
    return from_pid or (Endpoint(info.hostname, info.port) if info.hostname else None)


def read_pid(pid: str | None) -> Endpoint | None:
    """Return the address in ``id@host:port``, or ``None`` when there is none."""
    host, _, port = (pid or "").strip(' "').rpartition("@")[2].rpartition(":")
    if "@" not in (pid or "") or not host or not port.isdigit():
        return None
    return Endpoint(host.strip("[]"), int(port))


def to_event(record: wire.MasterEvent) -> Event | None:
    """Return what a record means for names; ``None`` when nothing."""
    match record:
        case wire.MasterEvent(type="SUBSCRIBED", subscribed=wire.Subscribed(get_state=state)):
            return _snapshot(state)
        case wire.MasterEvent(type="TASK_ADDED", task_added=wire.TaskAdded(task)):
            return events.TaskSeen(_task(task))
        case wire.MasterEvent(type="TASK_UPDATED", task_updated=wire.TaskUpdated() as updated):
            return _task_updated(updated)
        case wire.MasterEvent(type="AGENT_ADDED", agent_added=wire.AgentAdded(view)):
            agent = _agent(view)
            return None if agent is None else events.AgentSeen(agent)
        case wire.MasterEvent(type="AGENT_REMOVED", agent_removed=wire.AgentRemoved(agent_id)):
            return events.AgentGone(agent_id.value)
        case (
            wire.MasterEvent(type="FRAMEWORK_ADDED", framework_added=wire.FrameworkAdded(seen))
            | wire.MasterEvent(type="FRAMEWORK_UPDATED", framework_updated=wire.FrameworkAdded(seen))
        ):
            framework = _framework(seen)
            return None if framework is None else events.FrameworkSeen(framework)
        case wire.MasterEvent(type="FRAMEWORK_REMOVED", framework_removed=wire.FrameworkRemoved(info)):
            return None if info.id is None else events.FrameworkGone(info.id.value)
    return None


def _snapshot(state: wire.State) -> events.Snapshot:
    agents = tuple(agent for agent in map(_agent, state.get_agents.agents) if agent is not None)
    frameworks = tuple(each for each in map(_framework, state.get_frameworks.frameworks) if each is not None)
    recovered = frozenset(info.id.value for info in state.get_agents.recovered_agents if info.id is not None)
    tasks = tuple(_task(task) for task in state.get_tasks.tasks if task.state not in TERMINAL_STATES)
    return events.Snapshot(agents=agents, recovered=recovered, frameworks=frameworks, tasks=tasks)


def _task(task: wire.Task) -> Task:
    discovery = task.discovery
    ports = discovery.ports.ports if discovery is not None and discovery.ports is not None else ()
    return Task(
        framework_id=task.framework_id.value,
        id=task.task_id.value,
        name=task.name,
        agent_id=task.agent_id.value,
        running=task.state == "TASK_RUNNING",
        host_ports=_host_ports(task.resources),
        discovery_name=(discovery.name or "") if discovery is not None else "",
        discovery_ports=tuple(
            DiscoveryPort(port.number, port.name or "", port.protocol or "")
            for port in ports
            if 0 <= port.number <= 65535
        ),
        addresses=_latest(task.statuses),
    )


def _host_ports(resources: tuple[wire.Resource, ...]) -> tuple[tuple[int, int], ...]:
    ranges = sorted(
        {
            (each.begin, each.end)
            for resource in resources
            if resource.name == "ports" and resource.ranges is not None
            for each in resource.ranges.range
            if 0 <= each.begin <= each.end <= 65535
        }
    )
    left = MAX_HOST_PORTS
    result = []
    for first, last in ranges:
        last = min(last, first + left - 1)
        if last >= first:
            result.append((first, last))
            left -= last - first + 1
    return tuple(result)


def _latest(statuses: tuple[wire.Status, ...]) -> Addresses:
    running = [status for status in statuses if status.state == "TASK_RUNNING"]
    return _addresses(max(running, key=lambda status: status.timestamp or 0.0)) if running else Addresses()


def _addresses(status: wire.Status) -> Addresses:
    labels = status.labels.labels if status.labels is not None else ()
    networks = status.container_status.network_infos if status.container_status is not None else ()
    return Addresses(
        timestamp=status.timestamp or 0.0,
        netinfo=tuple(address for network in networks for address in _network_addresses(network)),
        docker=_labelled(labels, "Docker.NetworkSettings.IPAddress"),
        mesos=_labelled(labels, "MesosContainerizer.NetworkSettings.IPAddress"),
    )


def _network_addresses(network: wire.Network) -> tuple[str, ...]:
    listed = tuple(item.ip_address for item in network.ip_addresses if item.ip_address)
    return listed or ((network.ip_address,) if network.ip_address else ())


def _labelled(labels: tuple[wire.Label, ...], key: str) -> tuple[str, ...]:
    return tuple(label.value for label in labels if label.key == key and label.value)


def _task_updated(updated: wire.TaskUpdated) -> events.TaskChanged | None:
    status = updated.status
    if status.task_id is None:
        return None
    state = updated.state or status.state
    return events.TaskChanged(
        framework_id=updated.framework_id.value,
        task_id=status.task_id.value,
        running=state == "TASK_RUNNING",
        terminal=state in TERMINAL_STATES,
        addresses=_addresses(status) if status.state == "TASK_RUNNING" else None,
    )


def _agent(view: wire.Agent) -> Agent | None:
    info = view.agent_info
    if info.id is None:
        return None
    return Agent(info.id.value, read_pid(view.pid) or Endpoint(info.hostname, info.port))


def _framework(view: wire.Framework) -> Framework | None:
    info = view.framework_info
    if info.id is None:
        return None
    return Framework(info.id.value, info.name, read_pid(view.pid) or Endpoint(_without_port(info.hostname or "")))


def _without_port(hostname: str) -> str:
    host, colon, port = hostname.rpartition(":")
    return host.strip("[]") if colon and port.isdigit() and (":" not in host or host.endswith("]")) else hostname
