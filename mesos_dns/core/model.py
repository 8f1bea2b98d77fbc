"""What names are made of: tasks, agents, frameworks and masters, reduced to what DNS needs of them."""

from __future__ import annotations

import msgspec

FrameworkId = str
AgentId = str
TaskKey = tuple[str, str]
"""Framework id and task id: task ids are unique within a framework only."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """Base of all rows: immutable, compared by value."""


class Endpoint(Row, frozen=True):
    """Where a process listens. ``host`` may be an address or a name; ``port`` 0 means unknown."""

    host: str
    port: int = 0


class DiscoveryPort(Row, frozen=True):
    """A port that a task announces. An empty protocol stands for both TCP and UDP."""

    number: int
    name: str = ""
    protocol: str = ""


class Addresses(Row, frozen=True):
    """Addresses of a task by where they were told, from the latest TASK_RUNNING status.

    ``timestamp`` is that status' time in seconds since the epoch.
    """

    timestamp: float = 0.0
    netinfo: tuple[str, ...] = ()
    docker: tuple[str, ...] = ()
    mesos: tuple[str, ...] = ()


class Task(Row, frozen=True, kw_only=True):
    """A task. ``withdrawn``: somebody who decides over it has said that it is about to end."""

    framework_id: FrameworkId
    id: str
    name: str
    agent_id: AgentId
    running: bool
    host_ports: tuple[tuple[int, int], ...] = ()
    discovery_name: str = ""
    discovery_ports: tuple[DiscoveryPort, ...] = ()
    addresses: Addresses = Addresses()
    withdrawn: bool = False

    @property
    def key(self) -> TaskKey:
        """What it is filed under."""
        return (self.framework_id, self.id)

    @property
    def announced(self) -> bool:
        """Whether it has names."""
        return self.running and not self.withdrawn


class Agent(Row, frozen=True):
    """An agent and where it listens."""

    id: AgentId
    endpoint: Endpoint


class Framework(Row, frozen=True):
    """A framework. Only one that connected by its own process id has a port."""

    id: FrameworkId
    name: str
    endpoint: Endpoint
