"""Reads what masters and marathons tell, and keeps what names are made of.

The types name only the fields that are used, so that the state of a large cluster is read at the speed of the parser,
and whatever else an upstream adds does not matter. One element that makes no sense is passed over, never the whole.
Source: Mesos v1 ``master.proto`` (operator API), Marathon's event bus.
"""

from __future__ import annotations

import msgspec

from mesos.errors import CodecError
from mesos_dns.core import events
from mesos_dns.core.cluster import Event
from mesos_dns.core.model import Addresses, Agent, DiscoveryPort, Endpoint, Framework, Task

_TERMINAL = frozenset(
    f"TASK_{name}" for name in ("FINISHED", "FAILED", "KILLED", "ERROR", "LOST", "DROPPED", "GONE", "GONE_BY_OPERATOR")
)
_ENDING_CONDITIONS = frozenset(("Killing", "Killed", "Finished", "Failed", "Error", "Gone", "Dropped", "Lost"))
"""Marathon's conditions of an instance from which it does not come back."""

MAX_HOST_PORTS = 1024
"""Host ports of one task that get records; nobody looks for more, and a range may span thousands."""


class _In(msgspec.Struct, frozen=True, gc=False):
    pass


class _Id(_In, frozen=True):
    value: str


class _Range(_In, frozen=True):
    begin: int
    end: int


class _Ranges(_In, frozen=True):
    range: tuple[_Range, ...] = ()


class _Resource(_In, frozen=True):
    name: str
    ranges: _Ranges | None = None


class _Port(_In, frozen=True):
    number: int
    name: str | None = None
    protocol: str | None = None


class _Ports(_In, frozen=True):
    ports: tuple[_Port, ...] = ()


class _Discovery(_In, frozen=True):
    name: str | None = None
    ports: _Ports | None = None


class _Label(_In, frozen=True):
    key: str
    value: str | None = None


class _Labels(_In, frozen=True):
    labels: tuple[_Label, ...] = ()


class _IpAddress(_In, frozen=True):
    ip_address: str | None = None


class _Network(_In, frozen=True):
    ip_addresses: tuple[_IpAddress, ...] = ()
    ip_address: str | None = None


class _Container(_In, frozen=True):
    network_infos: tuple[_Network, ...] = ()


class _Status(_In, frozen=True):
    state: str
    task_id: _Id | None = None
    timestamp: float | None = None
    labels: _Labels | None = None
    container_status: _Container | None = None


class _Task(_In, frozen=True):
    name: str
    task_id: _Id
    framework_id: _Id
    agent_id: _Id
    state: str
    resources: tuple[_Resource, ...] = ()
    statuses: tuple[_Status, ...] = ()
    discovery: _Discovery | None = None


class _AgentInfo(_In, frozen=True):
    hostname: str = ""
    port: int = 5051
    id: _Id | None = None


class _Agent(_In, frozen=True):
    agent_info: _AgentInfo
    pid: str | None = None


class _FrameworkInfo(_In, frozen=True):
    name: str
    id: _Id | None = None
    hostname: str | None = None


class _Framework(_In, frozen=True):
    framework_info: _FrameworkInfo
    pid: str | None = None


class _GetTasks(_In, frozen=True):
    tasks: tuple[_Task, ...] = ()


class _GetAgents(_In, frozen=True):
    agents: tuple[_Agent, ...] = ()
    recovered_agents: tuple[_AgentInfo, ...] = ()


class _GetFrameworks(_In, frozen=True):
    frameworks: tuple[_Framework, ...] = ()


class _State(_In, frozen=True):
    get_tasks: _GetTasks = _GetTasks()
    get_agents: _GetAgents = _GetAgents()
    get_frameworks: _GetFrameworks = _GetFrameworks()


class _Subscribed(_In, frozen=True):
    get_state: _State = _State()
    heartbeat_interval_seconds: float = 15.0


class _TaskAdded(_In, frozen=True):
    task: _Task


class _TaskUpdated(_In, frozen=True):
    framework_id: _Id
    status: _Status
    state: str | None = None


class _AgentAdded(_In, frozen=True):
    agent: _Agent


class _AgentRemoved(_In, frozen=True):
    agent_id: _Id


class _FrameworkAdded(_In, frozen=True):
    framework: _Framework


class _FrameworkRemoved(_In, frozen=True):
    framework_info: _FrameworkInfo


class MasterEvent(_In, frozen=True):
    """One record of the operator event stream."""

    type: str
    subscribed: _Subscribed | None = None
    task_added: _TaskAdded | None = None
    task_updated: _TaskUpdated | None = None
    agent_added: _AgentAdded | None = None
    agent_removed: _AgentRemoved | None = None
    framework_added: _FrameworkAdded | None = None
    framework_updated: _FrameworkAdded | None = None
    framework_removed: _FrameworkRemoved | None = None


class _MasterAddress(_In, frozen=True):
    port: int
    ip: str | None = None
    hostname: str | None = None


class _MasterInfo(_In, frozen=True):
    port: int
    address: _MasterAddress | None = None
    hostname: str | None = None
    pid: str | None = None


class _GetMaster(_In, frozen=True):
    master_info: _MasterInfo | None = None


class _MasterAnswer(_In, frozen=True):
    get_master: _GetMaster | None = None


class _BusAddress(_In, frozen=True, rename="camel"):
    ip_address: str | None = None


class _BusEvent(_In, frozen=True, rename="camel"):
    event_type: str = ""
    task_id: str = ""
    task_status: str = ""
    instance_id: str = ""
    condition: str = ""
    ip_addresses: tuple[_BusAddress, ...] | None = None


_master_event = msgspec.json.Decoder(MasterEvent, strict=False)
_master_info = msgspec.json.Decoder(_MasterInfo, strict=False)
_master_answer = msgspec.json.Decoder(_MasterAnswer, strict=False)
_bus_event = msgspec.json.Decoder(_BusEvent, strict=False)


def read_master_event(record: bytes) -> MasterEvent:
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


def to_event(record: MasterEvent) -> Event | None:
    """Return what a record means for names; ``None`` when nothing."""
    match record:
        case MasterEvent(type="SUBSCRIBED", subscribed=_Subscribed(get_state=state)):
            return _snapshot(state)
        case MasterEvent(type="TASK_ADDED", task_added=_TaskAdded(task)):
            return events.TaskSeen(_task(task))
        case MasterEvent(type="TASK_UPDATED", task_updated=_TaskUpdated() as updated):
            return _task_updated(updated)
        case MasterEvent(type="AGENT_ADDED", agent_added=_AgentAdded(view)):
            agent = _agent(view)
            return None if agent is None else events.AgentSeen(agent)
        case MasterEvent(type="AGENT_REMOVED", agent_removed=_AgentRemoved(agent_id)):
            return events.AgentGone(agent_id.value)
        case (
            MasterEvent(type="FRAMEWORK_ADDED", framework_added=_FrameworkAdded(seen))
            | MasterEvent(type="FRAMEWORK_UPDATED", framework_updated=_FrameworkAdded(seen))
        ):
            framework = _framework(seen)
            return None if framework is None else events.FrameworkSeen(framework)
        case MasterEvent(type="FRAMEWORK_REMOVED", framework_removed=_FrameworkRemoved(info)):
            return None if info.id is None else events.FrameworkGone(info.id.value)
    return None


def read_bus_event(data: bytes) -> Event | None:
    """Return what an event of marathon's bus means for names; ``None`` when nothing, or when it cannot be read."""
    try:
        event = _bus_event.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    match event.event_type:
        case "status_update_event" if event.task_status == "TASK_RUNNING":
            told = tuple(item.ip_address for item in event.ip_addresses or () if item.ip_address)
            return events.Confirmed(event.task_id, Addresses(netinfo=told) if told else None)
        case "status_update_event" if event.task_status in _TERMINAL or event.task_status == "TASK_KILLING":
            return events.Withdrawn(event.task_id)
        case "instance_changed_event" if event.condition in _ENDING_CONDITIONS:
            return events.Withdrawn(event.instance_id)
        case "unknown_instance_terminated_event":
            return events.Withdrawn(event.instance_id)
        case "unhealthy_instance_kill_event" | "unhealthy_task_kill_event":
            return events.Withdrawn(event.instance_id or event.task_id)
    return None


def _snapshot(state: _State) -> events.Snapshot:
    agents = tuple(agent for agent in map(_agent, state.get_agents.agents) if agent is not None)
    frameworks = tuple(each for each in map(_framework, state.get_frameworks.frameworks) if each is not None)
    recovered = frozenset(info.id.value for info in state.get_agents.recovered_agents if info.id is not None)
    tasks = tuple(_task(task) for task in state.get_tasks.tasks if task.state not in _TERMINAL)
    return events.Snapshot(agents=agents, recovered=recovered, frameworks=frameworks, tasks=tasks)


def _task(task: _Task) -> Task:
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


def _host_ports(resources: tuple[_Resource, ...]) -> tuple[tuple[int, int], ...]:
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


def _latest(statuses: tuple[_Status, ...]) -> Addresses:
    running = [status for status in statuses if status.state == "TASK_RUNNING"]
    return _addresses(max(running, key=lambda status: status.timestamp or 0.0)) if running else Addresses()


def _addresses(status: _Status) -> Addresses:
    labels = status.labels.labels if status.labels is not None else ()
    networks = status.container_status.network_infos if status.container_status is not None else ()
    return Addresses(
        timestamp=status.timestamp or 0.0,
        netinfo=tuple(address for network in networks for address in _network_addresses(network)),
        docker=_labelled(labels, "Docker.NetworkSettings.IPAddress"),
        mesos=_labelled(labels, "MesosContainerizer.NetworkSettings.IPAddress"),
    )


def _network_addresses(network: _Network) -> tuple[str, ...]:
    listed = tuple(item.ip_address for item in network.ip_addresses if item.ip_address)
    return listed or ((network.ip_address,) if network.ip_address else ())


def _labelled(labels: tuple[_Label, ...], key: str) -> tuple[str, ...]:
    return tuple(label.value for label in labels if label.key == key and label.value)


def _task_updated(updated: _TaskUpdated) -> events.TaskChanged | None:
    status = updated.status
    if status.task_id is None:
        return None
    state = updated.state or status.state
    return events.TaskChanged(
        framework_id=updated.framework_id.value,
        task_id=status.task_id.value,
        running=state == "TASK_RUNNING",
        terminal=state in _TERMINAL,
        addresses=_addresses(status) if status.state == "TASK_RUNNING" else None,
    )


def _agent(view: _Agent) -> Agent | None:
    info = view.agent_info
    if info.id is None:
        return None
    return Agent(info.id.value, read_pid(view.pid) or Endpoint(info.hostname, info.port))


def _framework(view: _Framework) -> Framework | None:
    info = view.framework_info
    if info.id is None:
        return None
    return Framework(info.id.value, info.name, read_pid(view.pid) or Endpoint(_without_port(info.hostname or "")))


def _without_port(hostname: str) -> str:
    host, colon, port = hostname.rpartition(":")
    return host.strip("[]") if colon and port.isdigit() and (":" not in host or host.endswith("]")) else hostname
