"""What a task asks of Docker, in the words of the ``docker`` package. Pure. Source: Mesos ``Docker::RunOptions``."""

from __future__ import annotations

from typing import Any

from docker.types import LogConfig, Ulimit

from agent.containerizers.base import ContainerSpec
from agent.drivers.environment import IMAGE_SANDBOX
from agent.errors import LaunchFailed
from mesos.types.containers import ContainerInfo, DockerInfo, Volume
from mesos.types.resources import Resource

MIN_MEMORY_MB = 32
MIN_SHARES = 2

LISTS = {
    "add-host": "extra_hosts",
    "cap-add": "cap_add",
    "cap-drop": "cap_drop",
    "device": "devices",
    "dns": "dns",
    "dns-search": "dns_search",
    "group-add": "group_add",
    "security-opt": "security_opt",
}
"""Parameters that may be given several times -> argument."""

TEXTS = {
    "cgroup-parent": "cgroup_parent",
    "cpuset-cpus": "cpuset_cpus",
    "entrypoint": "entrypoint",
    "hostname": "hostname",
    "ipc": "ipc_mode",
    "mac-address": "mac_address",
    "memory-swap": "memswap_limit",
    "memory": "mem_limit",
    "pid": "pid_mode",
    "runtime": "runtime",
    "shm-size": "shm_size",
    "stop-signal": "stop_signal",
    "user": "user",
    "userns": "userns_mode",
    "uts": "uts_mode",
    "volume-driver": "volume_driver",
    "workdir": "working_dir",
}

FLAGS = {
    "init": "init",
    "privileged": "privileged",
    "read-only": "read_only",
    "tty": "tty",
    "oom-kill-disable": "oom_kill_disable",
}

NUMBERS = {"cpu-shares": "cpu_shares", "cpu-quota": "cpu_quota", "cpu-period": "cpu_period", "pids-limit": "pids_limit"}

PAIRS = {"label": "labels", "env": "environment", "sysctl": "sysctls", "log-opt": "log_opt", "tmpfs": "tmpfs"}
"""Parameters of the form ``name=value`` (``path:options`` for tmpfs) -> argument."""


def arguments(spec: ContainerSpec) -> dict[str, Any]:
    """Return the arguments of ``containers.create``.

    :raises LaunchFailed: for what Docker, or we, cannot do; the text names it.
    """
    container = spec.task.container
    assert container is not None
    info = container.docker
    assert info is not None
    given: dict[str, Any] = {
        "image": info.image,
        "detach": True,
        "environment": dict(spec.environ) | {"MESOS_CONTAINER_NAME": f"mesos-{spec.container_id}"},
        "labels": {
            "mesos_framework_id": spec.framework_id,
            "mesos_executor_id": spec.task.task_id.value,
            "mesos_task_id": spec.task.task_id.value,
        },
        "cpu_shares": max(MIN_SHARES, int(1024 * spec.resources.scalar("cpus"))),
        "mem_limit": f"{max(MIN_MEMORY_MB, int(spec.resources.scalar('mem')))}m",
        "privileged": info.privileged,
        "volumes": _volumes(spec, container),
    }
    # the image's own PATH is better than ours
    if not _sets_path(spec):
        given["environment"].pop("PATH", None)
    given["environment"].pop("PWD", None)
    given |= _command(spec)
    given |= _network(spec, container, info)
    if info.volume_driver:
        given["volume_driver"] = info.volume_driver
    for parameter in info.parameters:
        _apply(given, parameter.key.lstrip("-"), parameter.value)
    log_options = given.pop("log_opt", None)
    if log_options is not None or "log_driver" in given:
        given["log_config"] = LogConfig(type=given.pop("log_driver", "json-file"), config=log_options or {})
    return given


def _sets_path(spec: ContainerSpec) -> bool:
    command = spec.task.command
    variables = command.environment.variables if command and command.environment else ()
    return any(each.name == "PATH" for each in variables)


def _command(spec: ContainerSpec) -> dict[str, Any]:
    command = spec.task.command
    if command is None:
        return {}
    found: dict[str, Any] = {"user": command.user} if command.user else {}
    if command.shell and command.value is not None:
        return found | {"entrypoint": ["/bin/sh", "-c"], "command": [command.value]}
    words = [*([command.value] if command.value is not None else []), *command.arguments]
    return found | ({"command": words} if words else {})


def _network(spec: ContainerSpec, container: ContainerInfo, info: DockerInfo) -> dict[str, Any]:
    if info.network == "HOST":
        if container.hostname:
            raise LaunchFailed("Docker: a hostname cannot be set on the host's network")
        return {"network_mode": "host"}
    found: dict[str, Any] = {"hostname": container.hostname} if container.hostname else {}
    if info.network == "NONE":
        return found | {"network_mode": "none"}
    if info.network == "USER":
        names = [each.name for each in container.network_infos if each.name]
        if len(names) != 1:
            raise LaunchFailed(f"Docker: a user network needs exactly one name, not {names}")
        found["network"] = names[0]
    else:
        found["network_mode"] = "bridge"
    found["ports"] = _ports(spec, info)
    return found


def _ports(spec: ContainerSpec, info: DockerInfo) -> dict[str, list[int]]:
    ports: dict[str, list[int]] = {}
    for mapping in info.port_mappings:
        if not _offered(spec.task.resources, mapping.host_port):
            raise LaunchFailed(f"Docker: port mapping {mapping.host_port} is not among the task's ports")
        for protocol in (mapping.protocol or "tcp").lower().split(","):
            ports.setdefault(f"{mapping.container_port}/{protocol}", []).append(mapping.host_port)
    return ports


def _offered(resources: tuple[Resource, ...], port: int) -> bool:
    return any(
        each.begin <= port <= each.end
        for resource in resources
        if resource.name == "ports" and resource.ranges is not None
        for each in resource.ranges.range
    )


def _volumes(spec: ContainerSpec, container: ContainerInfo) -> list[str]:
    mounts = [f"{spec.sandbox}:{IMAGE_SANDBOX}:rw"]
    return mounts + [_volume(spec, each) for each in container.volumes]


def _volume(spec: ContainerSpec, volume: Volume) -> str:
    path = volume.container_path
    inside = path if path.startswith("/") else f"{IMAGE_SANDBOX}/{path}"
    source = volume.host_path
    if volume.source is not None and volume.source.docker_volume is not None:
        source = volume.source.docker_volume.name
    elif volume.source is not None and volume.source.host_path is not None:
        source = volume.source.host_path.path
    elif source is not None and not source.startswith("/"):
        source = f"{spec.sandbox}/{source}"
    if source is None:
        return inside
    return f"{source}:{inside}:{volume.mode.lower()}"


def _apply(given: dict[str, Any], key: str, value: str) -> None:
    """Fold one parameter of ``docker run`` in. :raises LaunchFailed: naming one that is not known here."""
    if key == "name":
        raise LaunchFailed("Docker: parameter 'name' cannot be given; the agent names its containers")
    if key in ("net", "network"):
        given.pop("network", None)
        if value in ("host", "none"):
            given.pop("ports", None)
        given["network_mode"] = value
    elif key in LISTS:
        given.setdefault(LISTS[key], []).append(value)
    elif key in TEXTS:
        given[TEXTS[key]] = value
    elif key in FLAGS:
        given[FLAGS[key]] = value.lower() in ("", "true", "1")
    elif key in NUMBERS:
        given[NUMBERS[key]] = _number(key, value)
    elif key in PAIRS:
        name, _, text = value.partition(":" if key == "tmpfs" else "=")
        given.setdefault(PAIRS[key], {})[name] = text
    elif key in ("volume", "v"):
        given["volumes"].append(value)
    elif key == "log-driver":
        given["log_driver"] = value
    elif key == "ulimit":
        given.setdefault("ulimits", []).append(_ulimit(value))
    elif key == "cpus":
        given["nano_cpus"] = round(float(value) * 1e9)
    else:
        raise LaunchFailed(f"Docker: parameter '{key}' is not supported")


def _number(key: str, value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise LaunchFailed(f"Docker: parameter '{key}' must be a whole number, not '{value}'") from error


def _ulimit(value: str) -> Ulimit:
    name, _, limits = value.partition("=")
    soft, _, hard = limits.partition(":")
    return Ulimit(name=name, soft=_number("ulimit", soft), hard=_number("ulimit", hard or soft))
