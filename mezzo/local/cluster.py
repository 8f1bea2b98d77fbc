"""Up, down and status of a local cluster."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import requests

from mesos.clock import SystemClock
from mezzo.errors import CommandError
from mezzo.local import state
from mezzo.local.options import Options, check, machine_share
from mezzo.local.plan import plan
from mezzo.local.ports import require_free
from mezzo.local.state import Cluster, Program

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 90.0
ASK_EVERY_S = 0.05

Progress = Callable[[str, int, int], None]
"""``(what is waited for, done, total)``."""


class Outcome(msgspec.Struct, frozen=True):
    """What ``up`` found or did."""

    cluster: Cluster
    was_running: bool
    warnings: tuple[str, ...] = ()


def up(options: Options, progress: Progress) -> Outcome:
    """Start the cluster in the background and wait until every program answers.

    :raises CommandError: when a port is taken, the cluster runs with other options, or a program does not come up.
    """
    with state.lock(options.path):
        running = find_running(options.path)
        if running is not None:
            _require_same(running.options, options)
            _wait_ready(running, progress)
            return Outcome(running, True, warnings())
        cluster = prepare(options)
        cluster = msgspec.structs.replace(cluster, supervisor_pid=_start_supervisor(options.path))
        state.save(cluster)
    _wait_ready(cluster, progress)
    return Outcome(cluster, False, warnings())


def prepare(options: Options) -> Cluster:
    """Check the options and the ports, plan the cluster and write the plan down."""
    check(options)
    cluster = _runnable(plan(options, machine_share(options)))
    for program in cluster.programs:
        for each in program.sockets:
            require_free(each.address, each.port, each.flag, udp=each.udp)
    for program in cluster.programs:
        (options.path / program.name).mkdir(parents=True, exist_ok=True)
    (options.path / "logs").mkdir(exist_ok=True)
    state.save(cluster)
    return cluster


def down(directory: Path) -> bool:
    """Stop the cluster and all its tasks. Return whether one was running.

    :raises CommandError: when the supervisor does not end.
    """
    with state.lock(directory):
        cluster = find_running(directory)
        if cluster is None:
            return False
        os.kill(cluster.supervisor_pid, signal.SIGTERM)
        clock = SystemClock()
        until_s = clock.monotonic_s() + STOP_TIMEOUT_S
        while state.alive(cluster.supervisor_pid):
            if clock.monotonic_s() > until_s:
                raise CommandError(f"the cluster of {directory} does not stop; see {directory / 'logs'}")
            time.sleep(ASK_EVERY_S)
        state.save(msgspec.structs.replace(cluster, supervisor_pid=0))
        return True


def find_running(directory: Path) -> Cluster | None:
    """Return the cluster of ``directory`` if its supervisor lives."""
    cluster = state.load(directory)
    if cluster is None or not state.alive(cluster.supervisor_pid):
        return None
    return cluster if _is_supervisor(cluster.supervisor_pid, directory) else None


def answers(program: Program) -> bool:
    """Tell whether a program serves."""
    if program.ready is None:
        return True
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(program.ready, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def warnings() -> tuple[str, ...]:
    """Return what this machine lacks, each with what to do; the rest of the cluster works all the same."""
    found = []
    if not _installed("haproxy"):
        found.append("haproxy is missing: service ports are not balanced. Install it: apt-get install haproxy")
    if not _docker_socket().exists():
        found.append(
            "no Docker engine answers: apps with Docker images will fail. Install it: apt-get install docker.io"
        )
    if os.geteuid() != 0:
        found.append("not root: tasks are neither limited in CPU and memory nor run as other users")
    return tuple(found)


def _runnable(cluster: Cluster) -> Cluster:
    """Leave out what this machine cannot run."""
    programs = tuple(each for each in cluster.programs if each.needs is None or _installed(each.needs))
    balanced = any(each.needs == "haproxy" for each in programs)
    urls = {name: url for name, url in cluster.urls.items() if balanced or not name.startswith("lb-")}
    return msgspec.structs.replace(cluster, programs=programs, urls=urls)


def _installed(command: str) -> bool:
    return shutil.which(command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _docker_socket() -> Path:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return Path(host.removeprefix("unix://"))


def _require_same(running: Options, wanted: Options) -> None:
    if running != wanted:
        raise CommandError(
            f"the cluster of {running.dir} runs with other options; stop it first: mezzo down --dir {running.dir}"
        )


def _start_supervisor(directory: Path) -> int:
    with (directory / "logs" / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            (sys.executable, "-P", "-m", "mezzo.local.supervisor", str(directory)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
    return process.pid


def _is_supervisor(pid: int, directory: Path) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"mezzo.local.supervisor" in words and str(directory).encode() in words


def _wait_ready(cluster: Cluster, progress: Progress) -> None:
    clock = SystemClock()
    until_s = clock.monotonic_s() + READY_TIMEOUT_S
    total = len(cluster.programs)
    for number, program in enumerate(cluster.programs):
        progress(program.name, number, total)
        while not answers(program):
            if not state.alive(cluster.supervisor_pid):
                raise CommandError(f"the cluster ended while it started; see {cluster.options.path / 'logs'}")
            if clock.monotonic_s() > until_s:
                raise CommandError(_not_ready(cluster, program))
            time.sleep(ASK_EVERY_S)
    progress("", total, total)


def _not_ready(cluster: Cluster, program: Program) -> str:
    log = cluster.options.path / "logs" / f"{program.name}.log"
    try:
        last = "\n  ".join(log.read_text(errors="replace").splitlines()[-5:])
    except OSError:
        last = "(no log)"
    return f"{program.name} does not answer at {program.ready} after {READY_TIMEOUT_S:g} s; its log ends:\n  {last}"
