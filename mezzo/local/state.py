"""What is remembered of a local cluster: one JSON file in its directory, written whole and atomically."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from mezzo.errors import CommandError
from mezzo.local.options import Options

FILE = "cluster.json"

T = TypeVar("T")


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """One process of the cluster.

    :param sockets: what it listens on; the first one is shown.
    :param ready: URL that answers 200 as soon as the program serves.
    :param stage: programs of a lower stage start before and end after it.
    :param needs: a command without which it cannot run; it is then left out.
    :param stop_signal: what ends it for good.
    """

    name: str
    argv: tuple[str, ...]
    stage: int
    environ: dict[str, str] = {}
    sockets: tuple[Socket, ...] = ()
    ready: str | None = None
    needs: str | None = None
    stop_signal: str = "SIGTERM"
    stop_timeout_s: float = 10.0


class Socket(msgspec.Struct, frozen=True):
    """An address that a program listens on, and the flag that moves its port."""

    address: str
    port: int
    flag: str
    udp: bool = False


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """A planned or running cluster. ``supervisor_pid`` is 0 while nothing runs."""

    options: Options
    programs: tuple[Program, ...]
    urls: dict[str, str]
    supervisor_pid: int = 0


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What the supervisor knows of one program; written by it to ``processes.json``."""

    name: str
    pid: int
    restarts: int
    since_s: float
    last_exit: str | None = None


def load(directory: Path) -> Cluster | None:
    """Return the cluster of ``directory``; ``None`` when there never was one.

    :raises CommandError: when the file cannot be read.
    """
    return _read(directory / FILE, Cluster)


def save(cluster: Cluster) -> None:
    """Remember ``cluster`` in its directory."""
    write_whole(cluster.options.path / FILE, msgspec.json.format(msgspec.json.encode(cluster)))


def load_processes(directory: Path) -> tuple[Running, ...]:
    """Return what the supervisor last wrote."""
    return _read(directory / "processes.json", tuple[Running, ...]) or ()


def save_processes(directory: Path, processes: tuple[Running, ...]) -> None:
    """Write down what runs."""
    write_whole(directory / "processes.json", msgspec.json.encode(processes))


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file so that a reader sees the old or the new, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)


@contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Keep two commands from changing one cluster at once. Waits for the other to finish."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def alive(pid: int) -> bool:
    """Tell whether a process of this id exists and is no zombie."""
    if pid <= 0:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise CommandError(f"{path} cannot be read ({error}); remove it to start anew") from error
