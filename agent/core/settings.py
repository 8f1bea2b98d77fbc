"""The settings that decisions depend on. Times in seconds."""

from __future__ import annotations

import msgspec

DEFAULT_GRACE_S = 3.0
"""Between SIGTERM and SIGKILL when nobody says otherwise. Source: Mesos command executor."""

FIRST_RETRY_S = 10.0
MAX_RETRY_S = 600.0
"""Bounds of the pause after which an update is sent again. Source: Mesos ``slave/constants.hpp``."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may choose, and what this host is."""

    work_dir: str
    ip: str
    pid: str
    version: str
    boot_id: str
    docker_grace_s: float = 5.0
