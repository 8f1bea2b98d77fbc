"""The master's settings, by upstream's names. ``MESOS_<NAME>`` in the environment is the same as a flag."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from master.core.settings import Quantities, Settings
from mesos.config import boolean, duration_s, setting
from mesos.config import port as port_number
from mesos.resources import ResourceError, Resources


def quantities(text: str) -> tuple[Quantities, ...]:
    """Read ``cpus:0.01|mem:32``: alternatives by ``|``, what must come together by ``;``."""
    try:
        return tuple(Resources.parse(part).scalars() for part in text.split("|") if part.strip())
    except ResourceError as error:
        raise ValueError(str(error)) from error


def weights(text: str) -> dict[str, float]:
    """Read ``role=2.0,other=1``."""
    found = {}
    for part in filter(None, text.split(",")):
        role, equals, value = part.partition("=")
        try:
            found[role] = float(value)
        except ValueError:
            equals = ""
        if not equals or found[role] <= 0:
            raise ValueError(f"'{part}' is no role=weight with a weight above 0")
    return found


def whole(text: str) -> int:
    """Read a number that is not negative."""
    if not text.isdigit():
        raise ValueError("must be a whole number, not negative")
    return int(text)


def names(text: str) -> frozenset[str]:
    """Read a list with commas."""
    return frozenset(filter(None, (part.strip() for part in text.split(","))))


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterConfig:
    """Everything an operator may choose."""

    work_dir: Path | None = setting(None, "directory of the registry", parse=Path)
    zk: str | None = setting(None, "ZooKeeper to elect through: zk://host1:port1,host2:port2/path")
    quorum: int | None = setting(None, "accepted for upstream's sake; ZooKeeper keeps the registry", parse=whole)
    registry: str = setting("replicated_log", "where the registry is: replicated_log (durable) or in_memory")
    ip: str = setting("0.0.0.0", "address to listen on")
    port: int = setting("5050", "port to listen on", parse=port_number)
    advertise_ip: str | None = setting(None, "address that others reach us at, where it is not --ip")
    advertise_port: int | None = setting(
        None, "port that others reach us at, where it is not --port", parse=port_number
    )
    hostname: str | None = setting(None, "name that others reach us at")
    hostname_lookup: bool = setting("true", "advertise a name rather than the address", parse=boolean)
    cluster: str | None = setting(None, "name of the cluster, shown in views")
    zk_session_timeout_s: float = setting("10secs", "ZooKeeper session timeout", parse=duration_s)
    agent_ping_timeout_s: float = setting(
        "15secs", "how long an agent has to answer a ping", parse=duration_s, aliases=("slave_ping_timeout",)
    )
    max_agent_ping_timeouts: int = setting(
        "5", "missed pings before an agent is unreachable", parse=whole, aliases=("max_slave_ping_timeouts",)
    )
    agent_reregister_timeout_s: float = setting(
        "10mins", "how long a lost agent has to come back", parse=duration_s, aliases=("slave_reregister_timeout",)
    )
    allocation_interval_s: float = setting("1secs", "how often declined resources are offered", parse=duration_s)
    offer_timeout_s: float | None = setting(None, "when an unanswered offer is taken back", parse=duration_s)
    min_allocatable_resources: tuple[Quantities, ...] = setting(
        "cpus:0.01|mem:32", "the least that is offered", parse=quantities
    )
    filter_gpu_resources: bool = setting("true", "keep agents with GPUs for those who take GPUs", parse=boolean)
    roles: frozenset[str] | None = setting(None, "the only roles that may be used", parse=names)
    weights: dict[str, float] = setting("", "weights of roles: role=2.0,other=1", parse=weights)
    root_submissions: bool = setting("true", "let frameworks run as root", parse=boolean)
    max_completed_frameworks: int = setting("50", "ended frameworks to remember", parse=whole)
    max_completed_tasks_per_framework: int = setting("1000", "ended tasks to remember of each", parse=whole)
    max_unreachable_tasks_per_framework: int = setting("1000", "unreachable tasks to remember of each", parse=whole)
    max_operator_event_stream_subscribers: int = setting("1000", "event streams at once", parse=whole)
    log_dir: Path | None = setting(None, "directory of the log file; none: stderr", parse=Path)
    logging_level: str = setting("INFO", "least level that is logged: INFO, WARNING, ERROR")

    def __post_init__(self) -> None:
        if self.registry not in ("replicated_log", "in_memory"):
            raise ValueError(f"--registry must be replicated_log or in_memory, not {self.registry}")
        if self.registry == "replicated_log" and self.zk is None and self.work_dir is None:
            raise ValueError("--work_dir is needed to keep the registry, unless --registry=in_memory")
        if self.max_agent_ping_timeouts < 1:
            raise ValueError(f"--max_agent_ping_timeouts must be at least 1, not {self.max_agent_ping_timeouts}")
        if self.logging_level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError(f"--logging_level must be DEBUG, INFO, WARNING or ERROR, not {self.logging_level}")

    @property
    def registry_url(self) -> str:
        """Where the registry is kept. Clients of ZooKeeper pass over ``log_replicas`` when they look for masters."""
        if self.registry == "in_memory":
            return "memory:"
        return f"{self.zk.rstrip('/')}/log_replicas/registry" if self.zk else f"sqlite:{self.work_dir}/registry.db"

    @property
    def public_ip(self) -> str:
        """The numeric address that others reach us at."""
        address = self.advertise_ip or self.ip
        if address != "0.0.0.0":
            return address
        try:
            return socket.gethostbyname(socket.gethostname())
        except OSError:
            return "127.0.0.1"

    @property
    def public_hostname(self) -> str:
        """The name that others reach us at."""
        if self.hostname is not None:
            return self.hostname
        return socket.getfqdn(self.public_ip) if self.hostname_lookup else self.public_ip

    def settings(self) -> Settings:
        """Return what decisions depend on."""
        return Settings(
            allocation_interval_s=self.allocation_interval_s,
            agent_ping_timeout_s=self.agent_ping_timeout_s,
            max_agent_ping_timeouts=self.max_agent_ping_timeouts,
            agent_reregister_timeout_s=self.agent_reregister_timeout_s,
            offer_timeout_s=self.offer_timeout_s,
            min_allocatable=self.min_allocatable_resources,
            max_completed_frameworks=self.max_completed_frameworks,
            max_completed_tasks_per_framework=self.max_completed_tasks_per_framework,
            max_unreachable_tasks_per_framework=self.max_unreachable_tasks_per_framework,
            roles=self.roles,
            weights=self.weights,
            root_submissions=self.root_submissions,
            filter_gpu_resources=self.filter_gpu_resources,
        )
