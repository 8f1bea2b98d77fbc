"""Which programs make up a local cluster, with which flags. Pure: options in, programs out."""

from __future__ import annotations

import sys

from mezzo.local.options import PORT_FLAGS, Options, Share, service_ports, task_ports
from mezzo.local.state import Cluster, Program, Socket

LOCAL = "127.0.0.1"
AGENT_STOP_TIMEOUT_S = 30.0
"""An agent that leaves ends its tasks first, each with its grace period."""

ELECTED_ROLES = ("mesos", "marathon")
"""What is kept apart below the ZooKeeper path of a cluster."""


def plan(options: Options, share: Share) -> Cluster:
    """Return the cluster that ``options`` describe; nothing is started."""
    masters = [_master(options, number) for number in range(options.masters)]
    agents = [_agent(options, share, number) for number in range(options.agents)]
    sidecars = [_marathon(options), _mesos_dns(options), _marathon_lb(options)]
    return Cluster(options=options, programs=(*masters, *agents, *sidecars), urls=_urls(options))


def master_address(number: int) -> str:
    """Return the loopback address of the ``number``-th master; all listen on the same port."""
    return f"127.0.0.{1 + number}"


def agent_address(number: int) -> str:
    """Return the loopback address of the ``number``-th agent, which is its host name too."""
    return f"127.0.0.{11 + number}"


def leader_url(options: Options) -> str:
    """Return how agents and frameworks find the leading master."""
    if options.zk is None:
        return f"{LOCAL}:{options.port('master')}"
    return zk_url(options, "mesos")


def zk_url(options: Options, role: str) -> str:
    """Return where in ZooKeeper ``role`` lives: below the path of ``--zk``, ``/mezzo`` when there is none."""
    hosts, _, path = (options.zk or "").removeprefix("zk://").partition("/")
    return f"zk://{hosts}/{path or 'mezzo'}/{role}"


def _python(module: str, *flags: str) -> tuple[str, ...]:
    # -P: never import a directory of the place where the user happens to stand
    return (sys.executable, "-P", "-m", module, *flags)


def _socket(options: Options, role: str, address: str = LOCAL, *, more: int = 0, udp: bool = False) -> Socket:
    return Socket(address, options.port(role) + more, PORT_FLAGS[role][0], udp)


def _master(options: Options, number: int) -> Program:
    name = f"master-{number + 1}" if options.masters > 1 else "master"
    address, port = master_address(number), options.port("master")
    flags = [
        f"--ip={address}",
        f"--hostname={address}",
        f"--port={port}",
        f"--work_dir={options.path / name}",
        f"--cluster={options.path.name}",
        "--agent_reregister_timeout=1mins",
    ]
    if options.zk is not None:
        flags += [f"--zk={zk_url(options, 'mesos')}", f"--quorum={options.masters // 2 + 1}"]
    return Program(
        name=name,
        argv=_python("master", *flags),
        stage=0,
        sockets=(_socket(options, "master", address),),
        ready=f"http://{address}:{port}/health",
    )


def _agent(options: Options, share: Share, number: int) -> Program:
    name = f"agent-{number + 1}"
    address, port = agent_address(number), options.port("agent") + number
    first, last = task_ports(options, number)
    resources = f"cpus:{share.cpus:g};mem:{share.mem_mb};disk:{share.disk_mb};ports:[{first}-{last}]"
    return Program(
        name=name,
        argv=_python(
            "agent",
            f"--master={leader_url(options)}",
            f"--ip={address}",
            f"--hostname={address}",
            f"--port={port}",
            f"--work_dir={options.path / name}",
            f"--runtime_dir={options.path / name / 'run'}",
            f"--cgroups_root=mezzo-{options.port('agent') + number}",
            f"--resources={resources}",
            f"--attributes=cloud:local;rack:{number + 1}",
            "--containerizers=docker,mesos",
        ),
        stage=1,
        sockets=(_socket(options, "agent", address, more=number),),
        ready=f"http://{address}:{port}/health",
        stop_signal="SIGUSR1",  # leave the cluster for good: end the tasks, unregister
        stop_timeout_s=AGENT_STOP_TIMEOUT_S,
    )


def _marathon(options: Options) -> Program:
    port = options.port("marathon")
    low, high = service_ports(options)
    flags = [
        f"--master={leader_url(options)}",
        f"--http_address={LOCAL}",
        f"--http_port={port}",
        f"--hostname={LOCAL}",
        f"--local_port_min={low}",
        f"--local_port_max={high}",
    ]
    if options.zk is not None:
        flags.append(f"--zk={zk_url(options, 'marathon')}")
    else:
        flags += ["--disable_ha", f"--store=sqlite:{options.path / 'marathon' / 'state.db'}"]
    return Program(
        name="marathon",
        argv=_python("marathon", *flags),
        stage=2,
        sockets=(_socket(options, "marathon"),),
        ready=f"http://{LOCAL}:{port}/ping",
    )


def _mesos_dns(options: Options) -> Program:
    flags = [
        f"--listener={LOCAL}",
        f"--port={options.port('dns')}",
        f"--httpport={options.port('dns-http')}",
        f"--httplistener={LOCAL}",
        f"--marathon=http://{LOCAL}:{options.port('marathon')}",
    ]
    if options.zk is not None:
        flags.append(f"--zk={zk_url(options, 'mesos')}")
    else:
        flags.append(f"--masters={LOCAL}:{options.port('master')}")
    return Program(
        name="mesos-dns",
        argv=_python("mesos_dns", *flags),
        stage=3,
        sockets=(_socket(options, "dns", udp=True), _socket(options, "dns-http")),
        ready=f"http://{LOCAL}:{options.port('dns-http')}/v1/version",
    )


def _marathon_lb(options: Options) -> Program:
    return Program(
        name="marathon-lb",
        argv=_python(
            "marathon_lb",
            "sse",
            f"--marathon=http://{LOCAL}:{options.port('marathon')}",
            "--group=*",
            f"--work-dir={options.path / 'marathon-lb'}",
            f"--stats-port={options.port('lb-stats')}",
            f"--http-port={options.port('lb-http')}",
            f"--https-port={options.port('lb-https')}",
            f"--appid-port={options.port('lb-appid')}",
        ),
        stage=3,
        sockets=tuple(_socket(options, role, "0.0.0.0") for role in ("lb-stats", "lb-http", "lb-appid")),
        ready=f"http://{LOCAL}:{options.port('lb-stats')}/_haproxy_health_check",
        needs="haproxy",
    )


def _urls(options: Options) -> dict[str, str]:
    return {
        "master": f"http://{LOCAL}:{options.port('master')}",
        "marathon": f"http://{LOCAL}:{options.port('marathon')}",
        "dns": f"{LOCAL}:{options.port('dns')}",
        "dns-http": f"http://{LOCAL}:{options.port('dns-http')}",
        "lb-stats": f"http://{LOCAL}:{options.port('lb-stats')}/haproxy?stats",
        "lb-http": f"http://{LOCAL}:{options.port('lb-http')}",
    }
