"""Keeps the programs of a local cluster running.

Started once for a cluster (``python -m mezzo.local.supervisor DIR``), in a session of its own. Each program is a child
with a log file in ``DIR/logs``; one that dies is started again, at once the first time, then after 1, 2, 4 ... at most
30 s, and at once again when it has run for a minute. SIGTERM ends the programs, the last stage first and all of a stage
together, each with its own signal and time, and then the supervisor.

The supervisor knows nothing of what the programs do.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

from mesos.clock import SystemClock
from mezzo.errors import CommandError
from mezzo.local.state import Program, Running, load, save_processes

MAX_BACKOFF_S = 30.0
STEADY_AFTER_S = 60.0
"""A program that ran this long is started again without delay."""


class Child:
    """One program, its process and its restarts."""

    def __init__(self, program: Program, logs: Path) -> None:
        self.program = program
        self._log = logs / f"{program.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.restarts = -1
        self.since_s = 0.0
        self.last_exit: str | None = None
        self._again_at_s = 0.0

    @property
    def pid(self) -> int:
        """The process id; 0 while there is none."""
        return self._process.pid if self._process else 0

    def tick(self, now_s: float) -> bool:
        """Notice an exit, start again when it is time. Return whether anything changed."""
        if self._process is not None and self._process.poll() is None:
            return False
        if self._process is not None:
            self._ended(now_s)
            return True
        if now_s < self._again_at_s:
            return False
        self._start(now_s)
        return True

    def ask_to_end(self) -> None:
        """Send the program its stop signal."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(getattr(signal, self.program.stop_signal))

    def wait_for_end(self) -> None:
        """Wait for the program; kill it when it takes too long."""
        if self._process is None:
            return
        try:
            self._process.wait(self.program.stop_timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def running(self) -> Running:
        """Describe the child for ``mezzo status``."""
        return Running(
            name=self.program.name,
            pid=self.pid,
            restarts=max(0, self.restarts),
            since_s=self.since_s,
            last_exit=self.last_exit,
        )

    def _start(self, now_s: float) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.program.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | self.program.environ,
                process_group=0,  # Ctrl-C is for the supervisor, which ends each program in its own way
            )
        self.restarts += 1
        self.since_s = now_s

    def _ended(self, now_s: float) -> None:
        assert self._process is not None
        code = self._process.returncode
        self.last_exit = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        self._process = None
        if now_s - self.since_s >= STEADY_AFTER_S:
            self.restarts = 0
        delay_s = 0.0 if self.restarts <= 0 else min(MAX_BACKOFF_S, 2.0 ** (self.restarts - 1))
        self._again_at_s = now_s + delay_s
        sys.stderr.write(f"{self.program.name} ended ({self.last_exit}); starting again in {delay_s:g} s\n")
        sys.stderr.flush()


def supervise(directory: Path) -> int:
    """Run the cluster planned in ``directory`` until SIGTERM. :raises CommandError: when nothing is planned there."""
    cluster = load(directory)
    if cluster is None:
        raise CommandError(f"no cluster is planned in {directory}")
    logs = directory / "logs"
    logs.mkdir(exist_ok=True)
    children = [Child(program, logs) for program in cluster.programs]
    clock = SystemClock()
    with Signals() as signals:
        while not signals.asked_to_end:
            changed = [child.tick(clock.monotonic_s()) for child in children]
            if any(changed):
                save_processes(directory, tuple(child.running() for child in children))
            signals.wait(0.2)
    for stage in sorted({program.stage for program in cluster.programs}, reverse=True):
        members = [child for child in children if child.program.stage == stage]
        for child in members:
            child.ask_to_end()
        for child in members:
            child.wait_for_end()
    save_processes(directory, ())
    return 0


class Signals:
    """Wakes the supervisor when a child ends or somebody asks it to stop."""

    def __init__(self) -> None:
        self.asked_to_end = False
        self._wake, self._written = socket.socketpair()

    def __enter__(self) -> Signals:
        for end in (self._wake, self._written):
            end.setblocking(False)
        signal.set_wakeup_fd(self._written.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        self._wake.close()
        self._written.close()

    def wait(self, seconds: float) -> None:
        """Return at the next signal, or after ``seconds``."""
        if select.select([self._wake], [], [], seconds)[0]:
            self._wake.recv(4096)

    def _end(self, *_: object) -> None:
        self.asked_to_end = True


if __name__ == "__main__":
    try:
        sys.exit(supervise(Path(sys.argv[1])))
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
