"""The agent's settings, by upstream's names. ``MESOS_<NAME>`` in the environment is the same as a flag."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path

from mesos import attributes
from mesos.attributes import AttributeSyntaxError
from mesos.config import boolean, duration_s, inline_or_file, setting
from mesos.config import port as port_number
from mesos.resources import ResourceError, Resources
from mesos.types.resources import Attribute

CONTAINERIZERS = frozenset({"docker", "mesos"})


def containerizers(text: str) -> tuple[str, ...]:
    """Read ``docker,mesos``."""
    names = tuple(filter(None, (part.strip() for part in text.split(","))))
    unknown = sorted(set(names) - CONTAINERIZERS)
    if unknown or not names:
        raise ValueError(f"must be docker, mesos or both, not {', '.join(unknown) or 'nothing'}")
    return names


def attribute_list(text: str) -> tuple[Attribute, ...]:
    """Read ``rack:r7;zone:west``."""
    try:
        return attributes.parse(inline_or_file(text))
    except AttributeSyntaxError as error:
        raise ValueError(str(error)) from error


def resource_text(text: str) -> str:
    """Check ``cpus:2;mem:512`` or a JSON array, and keep it as it is: what it lacks is found out later."""
    plain = inline_or_file(text)
    try:
        Resources.parse(plain)
    except ResourceError as error:
        raise ValueError(str(error)) from error
    return plain


def environment(text: str) -> dict[str, str]:
    """Read a JSON object of texts."""
    try:
        value = json.loads(inline_or_file(text))
    except ValueError as error:
        raise ValueError(f"must be a JSON object of texts: {error}") from error
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ValueError("must be a JSON object of texts")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """Everything an operator may choose."""

    master: str = setting(None, "the master: host:port, zk://host1:port1/path or file:///file", required=True)
    work_dir: Path = setting(None, "directory of sandboxes and state; must survive reboots", parse=Path, required=True)
    runtime_dir: Path = setting("/var/run/mesos", "directory that does not survive reboots", parse=Path)
    ip: str = setting("0.0.0.0", "address to listen on")
    port: int = setting("5051", "port to listen on", parse=port_number)
    advertise_ip: str | None = setting(None, "address that others reach us at, where it is not --ip")
    advertise_port: int | None = setting(
        None, "port that others reach us at, where it is not --port", parse=port_number
    )
    hostname: str | None = setting(None, "name that others reach us at")
    hostname_lookup: bool = setting("true", "advertise a name rather than the address", parse=boolean)
    resources: str = setting(
        "", "resources: cpus:2;mem:512;ports:[31000-32000]; others are detected", parse=resource_text
    )
    attributes: tuple[Attribute, ...] = setting("", "attributes: rack:r7;zone:west", parse=attribute_list)
    default_role: str = setting("*", "static role of resources given without one")
    containerizers: tuple[str, ...] = setting("mesos", "who runs containers: docker,mesos", parse=containerizers)
    isolation: str = setting("posix/cpu,posix/mem", "accepted for upstream's sake; cgroups are used where they can be")
    docker_socket: str = setting("/var/run/docker.sock", "socket of the Docker engine")
    cgroups_hierarchy: Path = setting("/sys/fs/cgroup", "where cgroups are mounted", parse=Path)
    cgroups_root: str = setting("mesos", "our part of the hierarchy")
    cgroups_enable_cfs: bool = setting("false", "limit CPU hard, not only by shares", parse=boolean)
    executor_environment_variables: dict[str, str] = setting("{}", "JSON object for all tasks", parse=environment)
    switch_user: bool = setting("true", "run tasks as their user, when root", parse=boolean)
    docker_stop_timeout_s: float = setting("5secs", "between stop and kill of Docker containers", parse=duration_s)
    registration_backoff_factor_s: float = setting(
        "1secs", "pause between attempts to reach a master", parse=duration_s
    )
    zk_session_timeout_s: float = setting("10secs", "ZooKeeper session timeout", parse=duration_s)
    log_dir: Path | None = setting(None, "directory of the log file; none: stderr", parse=Path)
    logging_level: str = setting("INFO", "least level that is logged: INFO, WARNING, ERROR")

    def __post_init__(self) -> None:
        if not self.cgroups_root or self.cgroups_root.startswith("/") or ".." in self.cgroups_root:
            raise ValueError(f"--cgroups_root must be a name below the hierarchy, not {self.cgroups_root!r}")

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
