"""What ``/metrics/snapshot`` tells of the cluster now, by upstream's names."""

from __future__ import annotations

import os
from collections.abc import Callable

from master.core.state import State
from master.drivers.leadership import Leadership
from mesos.clock import Clock
from mesos.metrics import Metrics
from mesos.resources import Resources

TOTALS = ("cpus", "mem", "disk", "gpus")
STATES = ("staging", "starting", "running", "killing")


def add_gauges(metrics: Metrics, leadership: Leadership, clock: Clock, start_s: float) -> None:
    """Register all gauges; while this master does not lead they are 0."""

    def of_state(ask: Callable[[State], float]) -> Callable[[], float]:
        return lambda: ask(leadership.term.machine.state) if leadership.term else 0.0

    metrics.gauge("master/elected", lambda: float(leadership.term is not None))
    metrics.gauge("master/uptime_secs", lambda: clock.now_s() - start_s)
    for name, ask in {
        "slaves_active": lambda s: sum(a.active for a in s.agents.values()),
        "slaves_inactive": lambda s: sum(not a.active for a in s.agents.values()),
        "slaves_connected": lambda s: sum(a.link is not None for a in s.agents.values()),
        "slaves_disconnected": lambda s: sum(a.link is None for a in s.agents.values()),
        "slaves_unreachable": lambda s: len(s.unreachable_since_s),
        "frameworks_active": lambda s: sum(f.connected for f in s.frameworks.values()),
        "frameworks_connected": lambda s: sum(f.connected for f in s.frameworks.values()),
        "frameworks_inactive": lambda s: sum(not f.connected for f in s.frameworks.values()),
        "frameworks_disconnected": lambda s: sum(not f.connected for f in s.frameworks.values()),
        "outstanding_offers": lambda s: len(s.offers),
        "tasks_unreachable": lambda s: sum(map(len, s.unreachable_tasks.values())),
    }.items():
        metrics.gauge(f"master/{name}", of_state(ask))
    for state_name in STATES:
        metrics.gauge(f"master/tasks_{state_name}", of_state(_in_state(f"TASK_{state_name.upper()}")))
    for resource in TOTALS:
        metrics.gauge(f"master/{resource}_total", of_state(_total(resource)))
        metrics.gauge(f"master/{resource}_used", of_state(_used(resource)))
        metrics.gauge(f"master/{resource}_percent", of_state(_percent(resource)))
    metrics.gauge(
        "master/operator_event_stream_subscribers",
        lambda: float(len(leadership.term.operators)) if leadership.term else 0.0,
    )
    metrics.gauge("system/load_1min", lambda: os.getloadavg()[0])
    metrics.gauge("system/load_5min", lambda: os.getloadavg()[1])
    metrics.gauge("system/load_15min", lambda: os.getloadavg()[2])
    metrics.gauge("system/cpus_total", lambda: float(os.cpu_count() or 0))
    page = os.sysconf("SC_PAGE_SIZE")
    metrics.gauge("system/mem_total_bytes", lambda: float(page * os.sysconf("SC_PHYS_PAGES")))
    metrics.gauge("system/mem_free_bytes", lambda: float(page * os.sysconf("SC_AVPHYS_PAGES")))


def _in_state(state_name: str) -> Callable[[State], float]:
    return lambda state: sum(row.task.state == state_name for row in state.all_tasks())


def _total(resource: str) -> Callable[[State], float]:
    return lambda state: sum(agent.total.scalar(resource) for agent in state.agents.values())


def _used(resource: str) -> Callable[[State], float]:
    def ask(state: State) -> float:
        held: list[Resources] = [state.used_on(agent_id) for agent_id in state.agents]
        return sum(each.scalar(resource) for each in held)

    return ask


def _percent(resource: str) -> Callable[[State], float]:
    total, used = _total(resource), _used(resource)
    return lambda state: used(state) / total(state) if total(state) else 0.0
