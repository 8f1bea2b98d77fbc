"""Rows and clusters for tests, short to write."""

from __future__ import annotations

from mesos.effects import Effect
from mesos_dns.core import events
from mesos_dns.core.cluster import Cluster, Event
from mesos_dns.core.model import Addresses, Agent, DiscoveryPort, Endpoint, Framework, Task
from mesos_dns.core.rules import Rules
from mesos_dns.core.settings import ServeSettings
from mesos_dns.wire.responder import Responder

AGENT = Agent("c0f1-S0", Endpoint("10.0.0.1", 5051))
OTHER_AGENT = Agent("c0f1-S1", Endpoint("10.0.0.2", 5051))
MARATHON = Framework("c0f1-0000", "marathon", Endpoint("10.0.9.9"))


def task(
    task_id: str = "web.1",
    name: str = "web",
    *,
    ip: str | None = "12.0.0.1",
    ports: tuple[tuple[int, int], ...] = ((31000, 31000),),
    discovery: str = "",
    discovery_ports: tuple[DiscoveryPort, ...] = (),
    agent: Agent = AGENT,
    framework: Framework = MARATHON,
    running: bool = True,
    addresses: Addresses | None = None,
) -> Task:
    """Return a task that runs."""
    return Task(
        framework_id=framework.id,
        id=task_id,
        name=name,
        agent_id=agent.id,
        running=running,
        host_ports=ports,
        discovery_name=discovery,
        discovery_ports=discovery_ports,
        addresses=addresses or (Addresses(1.0, (ip,)) if ip else Addresses()),
    )


def snapshot(*tasks: Task, agents: tuple[Agent, ...] = (AGENT,), recovered: frozenset[str] = frozenset()) -> Event:
    """Return the whole state: these tasks and one framework."""
    return events.Snapshot(agents=agents, recovered=recovered, frameworks=(MARATHON,), tasks=tasks)


def cluster(*tasks: Task, rules: Rules | None = None, agents: tuple[Agent, ...] = (AGENT,)) -> Cluster:
    """Return a loaded cluster."""
    made = Cluster(rules or Rules())
    made.step(snapshot(*tasks, agents=agents), 0.0)
    made.check()
    return made


def names_changed(effects: list[Effect]) -> set[str]:
    """Return the names that a step changed."""
    return {name for effect in effects if isinstance(effect, events.NamesChanged) for name in effect.names}


def values(of: Cluster, name: str, kind: str = "A") -> list[str]:
    """Return the sorted values of a name."""
    return sorted(of.zone.tables[kind].get(name, ()))


def responder(of: Cluster, settings: ServeSettings | None = None, *, ready: bool = True) -> Responder:
    """Return a responder for the cluster's zone."""
    made = Responder(settings or ServeSettings(), of.zone.lookup)
    made.ready = ready
    made.set_serial(77)
    return made
