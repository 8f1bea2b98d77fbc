"""What a user may choose about a local cluster, and what the machine has to share out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from mezzo.errors import CommandError

DEFAULT_DIR = Path("~/.mezzo/local").expanduser()
"""Where a cluster lives when ``--dir`` does not say so."""

MAX_AGENTS = 10
"""The cluster's task ports are shared out in equal parts of at least 100."""

PORT_FLAGS = {
    "master": ("--master-port", 5050),
    "agent": ("--agent-port", 5051),
    "marathon": ("--marathon-port", 8080),
    "dns": ("--dns-port", 8053),
    "dns-http": ("--dns-http-port", 8123),
    "lb-stats": ("--lb-stats-port", 9090),
    "lb-http": ("--lb-http-port", 8081),
    "lb-https": ("--lb-https-port", 8443),
    "lb-appid": ("--lb-appid-port", 9091),
}
"""What listens where when nobody says otherwise: role -> (flag, port)."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One local cluster.

    :param dir: where its state and logs are.
    :param ports: role -> port, as :data:`PORT_FLAGS` names them; already moved by ``port_offset``.
    :param zk: ``host:port,...[/path]``, or ``None`` for a single master with SQLite stores.
    """

    dir: str
    agents: int = 1
    masters: int = 1
    zk: str | None = None
    port_offset: int = 0
    ports: dict[str, int] = {}

    def port(self, role: str) -> int:
        """Return where ``role`` listens."""
        return self.ports.get(role, PORT_FLAGS[role][1] + self.port_offset)

    @property
    def path(self) -> Path:
        """The cluster's directory."""
        return Path(self.dir)


def check(options: Options) -> None:
    """Refuse what cannot work.

    :raises CommandError: naming the flag and the rule.
    """
    if not 1 <= options.agents <= MAX_AGENTS:
        raise CommandError(f"--agents must be 1 to {MAX_AGENTS}, not {options.agents}")
    if not 1 <= options.masters <= 9:
        raise CommandError(f"--masters must be 1 to 9, not {options.masters}")
    if options.masters > 1 and options.zk is None:
        raise CommandError(f"--masters {options.masters} needs --zk HOST:PORT: masters elect through ZooKeeper")
    for role, (flag, _) in PORT_FLAGS.items():
        last = options.port(role) + (options.agents - 1 if role == "agent" else 0)
        if options.port(role) <= 0 or last > 65535:
            raise CommandError(f"{flag} (moved by --port-offset {options.port_offset}) must be 1 to 65535, not {last}")


class Share(msgspec.Struct, frozen=True):
    """What one agent offers. MB for memory and disk."""

    cpus: float
    mem_mb: int
    disk_mb: int


def machine_share(options: Options) -> Share:
    """Return an equal part of this machine for each agent, by the rules that a lone agent detects its resources with.

    Source: Mesos ``resources.cpp``/``containerizer.cpp``: all CPUs; memory less 1 GB (half, below 2 GB); disk less 5 GB
    (half, below 10 GB).
    """
    mem_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    disk_mb = shutil.disk_usage(_existing(options.path)).free >> 20
    mem_mb = mem_mb - 1024 if mem_mb >= 2048 else mem_mb // 2
    disk_mb = disk_mb - 5120 if disk_mb >= 10240 else disk_mb // 2
    parts = options.agents
    cpus = max(1, len(os.sched_getaffinity(0))) / parts
    return Share(round(cpus, 3), max(32, mem_mb // parts), max(0, disk_mb // parts))


def task_ports(options: Options, agent: int) -> tuple[int, int]:
    """Return the first and last port for tasks of the ``agent``-th agent.

    All agents share the machine's ports whatever their addresses, since tasks bind to all of them. A cluster has 1,000
    ports; clusters whose offsets differ by 100 to 2,900 have none in common.
    """
    begin = 31000 + (options.port_offset * 10) % 30000
    size = 1000 // options.agents
    return begin + agent * size, begin + (agent + 1) * size - 1


def service_ports(options: Options) -> tuple[int, int]:
    """Return the first and last service port that marathon may assign, apart for each offset like task ports."""
    if options.port_offset == 0:
        return 10000, 20000
    begin = 10000 + (options.port_offset * 10) % 10000
    return begin, begin + 999


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
