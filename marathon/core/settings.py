"""The settings that decisions depend on, in seconds and without defaults of their own reading."""

from __future__ import annotations

import msgspec

from marathon.core.matcher.match import Rules


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may change about scheduling. The flags of the same names tell more."""

    role: str = "*"
    user: str = "root"
    accepted_roles_default: str = "any"
    bridge_name: str = "mesos-bridge"
    env_prefix: str = ""
    executor: str = "//cmd"
    rules: Rules = Rules()
    max_per_offer: int = 5
    decline_s: float = 120.0
    revive_interval_s: float = 5.0
    suppress_offers: bool = True
    kill_chunk: int = 100
    kill_retry_s: float = 30.0
    drain_s: float = 1.0
    launch_timeout_s: float = 300.0
    confirm_timeout_s: float = 300.0
    reconcile_delay_s: float = 15.0
    reconcile_interval_s: float = 600.0
    scale_delay_s: float = 15.0
    scale_interval_s: float = 300.0
    expunge_delay_s: float = 300.0
    expunge_interval_s: float = 30.0
    overdue_interval_s: float = 5.0
    overdue_delay_s: float = 30.0
    max_running_deployments: int = 100
    local_port_min: int = 10000
    local_port_max: int = 20000
    default_network_name: str | None = None
    features: frozenset[str] = frozenset()
