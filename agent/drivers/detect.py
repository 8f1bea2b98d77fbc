"""What this host has. Source: Mesos ``Containerizer::resources``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mesos.resources import Resources, ranges_of, scalar

DEFAULT_PORTS = ((31000, 32000),)


def resources(given: str, work_dir: Path, default_role: str) -> Resources:
    """Return the given resources, and what is detected for the names that are not given."""
    found = Resources.parse(given, default_role)
    # a name that is given as 0 is not detected
    named = (
        {part.partition(":")[0].partition("(")[0].strip() for part in given.split(";")} if given[:1] != "[" else set()
    )
    named |= {key.name for key, _ in found}
    detected = []
    if "cpus" not in named:
        detected.append(scalar("cpus", float(len(os.sched_getaffinity(0)))))
    if "mem" not in named:
        detected.append(scalar("mem", _memory_mb()))
    if "disk" not in named:
        detected.append(scalar("disk", _disk_mb(work_dir)))
    if "ports" not in named:
        detected.append(ranges_of("ports", DEFAULT_PORTS))
    return found + Resources.from_wire(detected, default_role)


def boot_id() -> str:
    """Return what changes with every boot of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _memory_mb() -> float:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return float(total - 1024 if total >= 2048 else total // 2)


def _disk_mb(work_dir: Path) -> float:
    total = shutil.disk_usage(work_dir).total >> 20
    return float(total - 5120 if total >= 10240 else total // 2)
