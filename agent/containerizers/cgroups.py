"""Control groups, version 1 (also hybrid) and 2, behind one interface.

A container has one group (in version 1: one for each controller) below ``root``. Limits follow Mesos' isolators: CPU by
shares (1024 for each CPU; weight 100 in version 2), a hard cap only when asked for, memory by a hard limit of at least
32 MB. Source: Mesos ``isolators/cgroups``.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

log = logging.getLogger(__name__)

MIN_MEMORY_BYTES = 32 << 20
CPU_PERIOD_US = 100_000
MIN_SHARES = 2
KILL_ROUNDS = 50
"""How often a group is emptied before it is given up; a process may fork as fast as it is killed."""


class Cgroups(Protocol):
    """The groups of one agent's containers."""

    def create(self, name: str, cpus: float, memory_bytes: int | None) -> tuple[str, ...]:
        """Make a container's group and return the files that its first process' id has to be written to."""
        ...

    def processes(self, name: str) -> list[int]:
        """Return the ids of all processes in a container's group."""
        ...

    def oom_kills(self, name: str) -> int:
        """Return how many processes the kernel has killed for want of memory."""
        ...

    def memory(self, name: str) -> tuple[int | None, int | None]:
        """Return used bytes and the limit."""
        ...

    def peak_memory(self, name: str) -> int | None:
        """Return the most bytes that were ever used."""
        ...

    def cpu_seconds(self, name: str) -> tuple[float, float] | None:
        """Return seconds in user and system mode."""
        ...

    def remove(self, name: str) -> None:
        """Kill what is left in a group and remove it."""
        ...


class NoCgroups:
    """Without root or without a writable hierarchy: no limits, and processes are found by their session."""

    def create(self, name: str, cpus: float, memory_bytes: int | None) -> tuple[str, ...]:
        """Make nothing."""
        return ()

    def processes(self, name: str) -> list[int]:
        """Know nothing."""
        return []

    def oom_kills(self, name: str) -> int:
        """Know nothing."""
        return 0

    def memory(self, name: str) -> tuple[int | None, int | None]:
        """Know nothing."""
        return None, None

    def peak_memory(self, name: str) -> int | None:
        """Know nothing."""
        return None

    def cpu_seconds(self, name: str) -> tuple[float, float] | None:
        """Know nothing."""
        return None

    def remove(self, name: str) -> None:
        """Remove nothing."""


class CgroupsV1:
    """One hierarchy for each controller."""

    CONTROLLERS = ("cpu", "cpuacct", "memory")

    def __init__(self, hierarchy: Path, root: str, *, cfs: bool) -> None:
        self._hierarchy, self._root, self._cfs = hierarchy, root, cfs
        for controller in self.CONTROLLERS:
            (hierarchy / controller / root).mkdir(parents=True, exist_ok=True)

    def create(self, name: str, cpus: float, memory_bytes: int | None) -> tuple[str, ...]:
        """Make the groups, with their limits."""
        for controller in self.CONTROLLERS:
            self._path(controller, name).mkdir(parents=True, exist_ok=True)
        _write(self._path("cpu", name) / "cpu.shares", max(MIN_SHARES, int(1024 * cpus)))
        if self._cfs:
            _write(self._path("cpu", name) / "cpu.cfs_period_us", CPU_PERIOD_US)
            _write(self._path("cpu", name) / "cpu.cfs_quota_us", max(1000, int(cpus * CPU_PERIOD_US)))
        if memory_bytes is not None:
            limit = max(MIN_MEMORY_BYTES, memory_bytes)
            _write(self._path("memory", name) / "memory.soft_limit_in_bytes", limit)
            _write(self._path("memory", name) / "memory.limit_in_bytes", limit)
        return tuple(str(self._path(controller, name) / "cgroup.procs") for controller in self.CONTROLLERS)

    def processes(self, name: str) -> list[int]:
        """Read them from the memory hierarchy."""
        return _numbers(self._path("memory", name) / "cgroup.procs")

    def oom_kills(self, name: str) -> int:
        """Read ``oom_kill`` of ``memory.oom_control`` (Linux 4.13)."""
        return _field(self._path("memory", name) / "memory.oom_control", "oom_kill")

    def memory(self, name: str) -> tuple[int | None, int | None]:
        """Read usage and limit."""
        path = self._path("memory", name)
        return _number(path / "memory.usage_in_bytes"), _number(path / "memory.limit_in_bytes")

    def peak_memory(self, name: str) -> int | None:
        """Read the high-water mark."""
        return _number(self._path("memory", name) / "memory.max_usage_in_bytes")

    def cpu_seconds(self, name: str) -> tuple[float, float] | None:
        """Read ``cpuacct.stat``, which counts in ticks."""
        path = self._path("cpuacct", name) / "cpuacct.stat"
        ticks = os.sysconf("SC_CLK_TCK")
        return _field(path, "user") / ticks, _field(path, "system") / ticks

    def remove(self, name: str) -> None:
        """Empty and remove the groups of all controllers."""
        _empty(lambda: self.processes(name))
        for controller in self.CONTROLLERS:
            _rmdir(self._path(controller, name))

    def _path(self, controller: str, name: str) -> Path:
        return self._hierarchy / controller / self._root / name


class CgroupsV2:
    """The unified hierarchy."""

    CONTROLLERS = ("cpu", "memory")

    def __init__(self, hierarchy: Path, root: str, *, cfs: bool) -> None:
        self._base, self._cfs = hierarchy / root, cfs
        self._base.mkdir(parents=True, exist_ok=True)
        for group in (hierarchy, self._base):
            for controller in self.CONTROLLERS:
                _write(group / "cgroup.subtree_control", f"+{controller}")

    def create(self, name: str, cpus: float, memory_bytes: int | None) -> tuple[str, ...]:
        """Make the group, with its limits."""
        path = self._base / name
        path.mkdir(parents=True, exist_ok=True)
        _write(path / "cpu.weight", min(10_000, max(1, round(100 * cpus))))
        if self._cfs:
            _write(path / "cpu.max", f"{max(1000, int(cpus * CPU_PERIOD_US))} {CPU_PERIOD_US}")
        if memory_bytes is not None:
            limit = max(MIN_MEMORY_BYTES, memory_bytes)
            _write(path / "memory.low", limit)
            _write(path / "memory.max", limit)
        return (str(path / "cgroup.procs"),)

    def processes(self, name: str) -> list[int]:
        """Read them."""
        return _numbers(self._base / name / "cgroup.procs")

    def oom_kills(self, name: str) -> int:
        """Read ``oom_kill`` of ``memory.events``."""
        return _field(self._base / name / "memory.events", "oom_kill")

    def memory(self, name: str) -> tuple[int | None, int | None]:
        """Read usage and limit."""
        return _number(self._base / name / "memory.current"), _number(self._base / name / "memory.max")

    def peak_memory(self, name: str) -> int | None:
        """Read the high-water mark (Linux 5.19)."""
        return _number(self._base / name / "memory.peak")

    def cpu_seconds(self, name: str) -> tuple[float, float] | None:
        """Read ``cpu.stat``, which counts in microseconds."""
        path = self._base / name / "cpu.stat"
        return _field(path, "user_usec") / 1e6, _field(path, "system_usec") / 1e6

    def remove(self, name: str) -> None:
        """Empty and remove the group."""
        _write(self._base / name / "cgroup.kill", 1)
        _empty(lambda: self.processes(name))
        _rmdir(self._base / name)


def detect(hierarchy: Path, root: str, *, cfs: bool) -> Cgroups:
    """Return what this host allows; without root, or where groups cannot be made, a warning and no limits."""
    if os.geteuid() != 0:
        log.warning("not root: tasks are not limited in CPU and memory")
        return NoCgroups()
    try:
        if (hierarchy / "cgroup.controllers").exists():
            return CgroupsV2(hierarchy, root, cfs=cfs)
        if (hierarchy / "memory").is_dir() and (hierarchy / "cpu").is_dir():
            return CgroupsV1(hierarchy, root, cfs=cfs)
    except OSError as error:
        log.warning("cgroups cannot be used: tasks are not limited", extra={"error": str(error)})
        return NoCgroups()
    log.warning("no cgroups found: tasks are not limited", extra={"hierarchy": str(hierarchy)})
    return NoCgroups()


def _empty(processes: Callable[[], list[int]]) -> None:
    """Kill everything in a group until nothing is left."""
    for _ in range(KILL_ROUNDS):
        pids = processes()
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.01)


def _rmdir(path: Path) -> None:
    for _ in range(KILL_ROUNDS):
        try:
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)  # the kernel still has its last processes
        else:
            return
    log.warning("cgroup cannot be removed", extra={"path": str(path)})


def _write(path: Path, value: object) -> None:
    """Set one value; a file that this kernel lacks is passed over."""
    try:
        path.write_text(str(value))
    except OSError as error:
        log.debug("cgroup value not set", extra={"path": str(path), "error": str(error)})


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _numbers(path: Path) -> list[int]:
    try:
        return [int(line) for line in path.read_text().split()]
    except OSError:
        return []


def _field(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.split()[:1] == [name]), 0)
