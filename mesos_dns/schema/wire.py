"""The operator API of a master, reduced to the fields that are used.

So the state of a large cluster is read at the speed of the parser, and whatever else an upstream adds does not matter.
Source: Mesos v1 ``master.proto``.
"""

from __future__ import annotations

import msgspec


class In(msgspec.Struct, frozen=True, gc=False):
    """Base of what is read: unknown fields do not matter."""


class Id(In, frozen=True):
    """An id, wrapped."""

    value: str


class Range(In, frozen=True):
    """Whole numbers, both ends included."""

    begin: int
    end: int


class Ranges(In, frozen=True):
    """Several ranges."""

    range: tuple[Range, ...] = ()


class Resource(In, frozen=True):
    """A resource; only ports matter."""

    name: str
    ranges: Ranges | None = None


class Port(In, frozen=True):
    """An announced port."""

    number: int
    name: str | None = None
    protocol: str | None = None


class Ports(In, frozen=True):
    """Announced ports."""

    ports: tuple[Port, ...] = ()


class Discovery(In, frozen=True):
    """How a task wants to be found."""

    name: str | None = None
    ports: Ports | None = None


class Label(In, frozen=True):
    """A label of a status."""

    key: str
    value: str | None = None


class Labels(In, frozen=True):
    """Labels of a status."""

    labels: tuple[Label, ...] = ()


class IpAddress(In, frozen=True):
    """An address."""

    ip_address: str | None = None


class Network(In, frozen=True):
    """The addresses on one network; ``ip_address`` is the form before lists."""

    ip_addresses: tuple[IpAddress, ...] = ()
    ip_address: str | None = None


class Container(In, frozen=True):
    """What the agent knows of a container."""

    network_infos: tuple[Network, ...] = ()


class Status(In, frozen=True):
    """A status update."""

    state: str
    task_id: Id | None = None
    timestamp: float | None = None
    labels: Labels | None = None
    container_status: Container | None = None


class Task(In, frozen=True):
    """A task."""

    name: str
    task_id: Id
    framework_id: Id
    agent_id: Id
    state: str
    resources: tuple[Resource, ...] = ()
    statuses: tuple[Status, ...] = ()
    discovery: Discovery | None = None


class AgentInfo(In, frozen=True):
    """An agent by its own word."""

    hostname: str = ""
    port: int = 5051
    id: Id | None = None


class Agent(In, frozen=True):
    """An agent as the master sees it."""

    agent_info: AgentInfo
    pid: str | None = None


class FrameworkInfo(In, frozen=True):
    """A framework by its own word."""

    name: str
    id: Id | None = None
    hostname: str | None = None


class Framework(In, frozen=True):
    """A framework as the master sees it."""

    framework_info: FrameworkInfo
    pid: str | None = None


class GetTasks(In, frozen=True):
    """All tasks."""

    tasks: tuple[Task, ...] = ()


class GetAgents(In, frozen=True):
    """All agents; ``recovered_agents`` are still to come back."""

    agents: tuple[Agent, ...] = ()
    recovered_agents: tuple[AgentInfo, ...] = ()


class GetFrameworks(In, frozen=True):
    """All frameworks."""

    frameworks: tuple[Framework, ...] = ()


class State(In, frozen=True):
    """The whole state."""

    get_tasks: GetTasks = GetTasks()
    get_agents: GetAgents = GetAgents()
    get_frameworks: GetFrameworks = GetFrameworks()


class Subscribed(In, frozen=True):
    """The first event."""

    get_state: State = State()
    heartbeat_interval_seconds: float = 15.0


class TaskAdded(In, frozen=True):
    """A new task."""

    task: Task


class TaskUpdated(In, frozen=True):
    """A task in another state; ``state`` may be ahead of the status."""

    framework_id: Id
    status: Status
    state: str | None = None


class AgentAdded(In, frozen=True):
    """A new agent."""

    agent: Agent


class AgentRemoved(In, frozen=True):
    """An agent that is gone."""

    agent_id: Id


class FrameworkAdded(In, frozen=True):
    """A new or changed framework."""

    framework: Framework


class FrameworkRemoved(In, frozen=True):
    """A framework that is gone."""

    framework_info: FrameworkInfo


class MasterEvent(In, frozen=True):
    """One record of the operator event stream."""

    type: str
    subscribed: Subscribed | None = None
    task_added: TaskAdded | None = None
    task_updated: TaskUpdated | None = None
    agent_added: AgentAdded | None = None
    agent_removed: AgentRemoved | None = None
    framework_added: FrameworkAdded | None = None
    framework_updated: FrameworkAdded | None = None
    framework_removed: FrameworkRemoved | None = None


class MasterAddress(In, frozen=True):
    """Where a master listens."""

    port: int
    ip: str | None = None
    hostname: str | None = None


class MasterInfo(In, frozen=True):
    """A master."""

    port: int
    address: MasterAddress | None = None
    hostname: str | None = None
    pid: str | None = None


class GetMaster(In, frozen=True):
    """The leading master."""

    master_info: MasterInfo | None = None


class MasterAnswer(In, frozen=True):
    """An answer of the operator API."""

    get_master: GetMaster | None = None
