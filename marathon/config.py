"""Marathon's settings, under upstream's names. Times of flags are milliseconds unless their help says otherwise."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from getpass import getuser

from mesos.config import boolean, port, setting

UPSTREAM_VERSION = "1.11.0"
"""The version that we speak for."""


def milliseconds(text: str) -> float:
    """Read milliseconds and return seconds."""
    if not text.isdigit():
        raise ValueError("must be a whole number of milliseconds")
    return int(text) / 1000


def count(text: str) -> int:
    """Read a whole number, 0 or more."""
    if not text.isdigit():
        raise ValueError("must be a whole number, 0 or more")
    return int(text)


def number(text: str) -> float:
    """Read a number, 0 or more."""
    value = float(text)
    if not value >= 0:
        raise ValueError("must be a number, 0 or more")
    return value


def names(text: str) -> frozenset[str]:
    """Read a comma-separated list."""
    return frozenset(filter(None, (each.strip() for each in text.split(","))))


def log_level(text: str) -> str:
    """Read a level by upstream's name and return ours."""
    levels = {"trace": "DEBUG", "debug": "DEBUG", "info": "INFO", "warn": "WARNING", "warning": "WARNING"}
    levels |= {"error": "ERROR", "fatal": "CRITICAL", "off": "CRITICAL"}
    if text.lower() not in levels:
        raise ValueError(f"must be one of {', '.join(levels)}")
    return levels[text.lower()]


def one_of(*allowed: str) -> Callable[[str], str]:
    """Make a parser that takes one of ``allowed``."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return text

    return parse


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of marathon."""

    master: str = setting(None, "Mesos masters: zk://h1:2181,h2:2181/mesos or host:port", required=True)
    zk: str = setting("zk://localhost:2181/marathon", "ZooKeeper of election and state: zk://h1:2181,h2:2181/path")
    ha: bool = setting("true", "elect a leader through ZooKeeper; off: lead at once", parse=boolean)
    disable_ha: bool = setting("false", "the same as --no-ha", parse=boolean)
    store: str | None = setting(None, "where state is kept with --disable_ha: sqlite:/path, memory: or a path")
    zk_session_timeout: float = setting("10000", "ZooKeeper session timeout", parse=milliseconds)
    zk_timeout: float = setting("10000", "taken for upstream's sake: connecting is tried for ever", parse=milliseconds)

    hostname: str | None = setting(None, "the name others reach this marathon by (default: host name)")
    http_address: str = setting("0.0.0.0", "the address to listen on")
    http_port: int = setting("8080", "the port to listen on", parse=port)
    webui_url: str | None = setting(None, "the URL that the master shows (default: this marathon's)")
    http_max_concurrent_requests: int | None = setting(None, "requests served at once; more get 503", parse=count)
    access_control_allow_origin: str | None = setting(None, "origins for CORS, comma separated")
    leader_proxy_connection_timeout: float = setting("5000", "time to connect to the leader", parse=milliseconds)
    leader_proxy_read_timeout: float = setting("10000", "time to wait for the leader's answer", parse=milliseconds)
    leader_proxy_max_open_connections: int = setting("64", "connections to the leader at once", parse=count)
    event_stream_max_outstanding_messages: int = setting("1024", "events a slow reader may lag behind", parse=count)

    framework_name: str = setting("marathon", "name of the framework")
    failover_timeout: float = setting(
        "604800", "seconds until the master ends the tasks of a lost marathon", parse=number
    )
    checkpoint: bool = setting("true", "tasks survive an agent's restart", parse=boolean)
    mesos_role: str = setting("*", "the role of apps that name none")
    mesos_user: str = setting(getuser(), "the user that tasks run as")
    mesos_authentication_principal: str | None = setting(None, "the principal of the framework")
    mesos_leader_ui_url: str | None = setting(None, "the URL of the master to show")
    mesos_bridge_name: str = setting("mesos-bridge", "the CNI network of bridged Mesos containers")
    executor: str = setting("//cmd", "the executor of apps that name none")

    local_port_min: int = setting("10000", "lowest service port given out", parse=port)
    local_port_max: int = setting("20000", "highest service port given out", parse=port)
    env_vars_prefix: str | None = setting(None, "put before HOST and PORT variables of tasks")
    default_network_name: str | None = setting(None, "the network of container networks that name none")
    accepted_resource_roles_default_behavior: str = setting(
        "any",
        "roles of apps that accept none: any, unreserved, reserved",
        parse=one_of("any", "unreserved", "reserved"),
    )
    new_group_enforce_role: str = setting("off", "enforceRole of new top groups", parse=one_of("off", "top"))
    max_running_deployments: int = setting("100", "deployments at once", parse=count)
    enable_features: frozenset[str] = setting("", "features to switch on, comma separated", parse=names)

    max_instances_per_offer: int = setting("5", "launches on one offer", parse=count, aliases=("max_tasks_per_offer",))
    decline_offer_duration: float = setting("120000", "for how long to decline useless offers", parse=milliseconds)
    min_revive_offers_interval: float = setting("5000", "between repeated calls for offers", parse=milliseconds)
    suppress_offers: bool = setting("true", "tell the master when no offers are wanted", parse=boolean)
    gpu_scheduling_behavior: str = setting(
        "restricted",
        "apps without GPUs on agents with: restricted, unrestricted",
        parse=one_of("restricted", "unrestricted"),
    )
    maintenance_mode: bool = setting("true", "keep off agents in maintenance", parse=boolean)
    draining_seconds: float = setting("0", "seconds before a maintenance from which on to keep off", parse=number)

    task_launch_timeout: float = setting("300000", "until a staging task is killed", parse=milliseconds)
    task_launch_confirm_timeout: float = setting(
        "300000", "until a launch nobody confirmed is given up", parse=milliseconds
    )
    reconciliation_initial_delay: float = setting("15000", "from election to reconciliation", parse=milliseconds)
    reconciliation_interval: float = setting("600000", "between reconciliations", parse=milliseconds)
    scale_apps_initial_delay: float = setting(
        "15000", "from election to the first count of instances", parse=milliseconds
    )
    scale_apps_interval: float = setting("300000", "between counts of instances", parse=milliseconds)
    kill_chunk_size: int = setting("100", "kills in flight at once", parse=count)
    kill_retry_timeout: float = setting("30000", "until an unanswered kill is sent again", parse=milliseconds)
    kill_drain_time: float = setting(
        "1000", "time between telling that a balanced task will end and killing it", parse=milliseconds
    )
    max_concurrent_marathon_health_checks: int = setting("256", "probes at once", parse=count)

    logging_level: str = setting("info", "trace, debug, info, warn, error, fatal", parse=log_level)

    @property
    def elects(self) -> bool:
        """Whether leadership is a matter of election."""
        return self.ha and not self.disable_ha

    @property
    def host(self) -> str:
        """The name that others reach us by."""
        return self.hostname or socket.gethostname()

    @property
    def host_port(self) -> str:
        """What is published in elections and told to clients."""
        return f"{self.host}:{self.http_port}"


REMOVED_FLAGS = frozenset(
    {
        "artifact_store",
        "event_subscriber",
        "http_endpoints",
        "http_event_callback_slow_consumer_timeout",
        "http_event_request_timeout",
        "marathon_store_timeout",
        "max_tasks_per_offer_cycle",
        "task_lost_expunge_gc",
        "revive_offers_for_new_apps",
        "revive_offers_repetitions",
        "save_tasks_to_launch_timeout",
        "default_accepted_resource_roles",
        "reporter_graphite",
        "reporter_datadog",
        "internal_store_backend",
        "enable_tracing",
        "launch_tokens",
        "launch_token_refresh_interval",
        "offer_matching_timeout",
        "deprecated_features",
        "assets_path",
    }
)
"""Flags of upstream, some of releases long gone, that old unit files still name and that change nothing here."""


def as_written_upstream(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Read upstream's spellings: ``--disable_x`` is ``--no-x``; flags without effect are left out.

    Return the words for the settings' loader, and the names that were left out.
    """
    booleans = {each.name for each in fields(Config) if each.metadata["setting"].parse is boolean}
    words: list[str] = []
    ignored: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        name, has_value, _ = word.removeprefix("--").partition("=")
        plain = name.replace("-", "_").lower()
        if word.startswith("--") and plain in REMOVED_FLAGS:
            ignored.append(plain)
            if not has_value and rest and not rest[0].startswith("--"):
                rest.pop(0)
        elif plain.startswith("disable_") and plain.removeprefix("disable_") in booleans and plain not in booleans:
            words.append(f"--no-{plain.removeprefix('disable_')}")
        else:
            words.append(word)
    return words, ignored
