"""A whole local cluster for a test: real programs, started by ``mezzo up``, stopped and checked for leftovers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from mezzo.local import state
from mezzo.local.options import PORT_FLAGS
from mezzo.local.ports import require_free

TIMEOUT_S = 60.0
HEADERS = {"Content-Type": "application/json"}


def eventually(question: Callable[[], Any], *, timeout_s: float = TIMEOUT_S, what: str = "") -> Any:
    """Return the first true answer of ``question``; an ``AssertionError`` or a refused connection counts as no."""
    until_s = time.monotonic() + timeout_s
    last: object = None
    while True:
        try:
            answer = question()
            if answer:
                return answer
            last = answer
        except (AssertionError, KeyError, IndexError, requests.RequestException) as error:
            last = error
        if time.monotonic() > until_s:
            raise AssertionError(f"not within {timeout_s} s: {what or question}; last: {last!r}")
        time.sleep(0.05)


def free_offset() -> int:
    """Return a port offset at which nothing listens; task ports of such offsets are apart, too."""
    for offset in range(300 + os.getpid() % 20 * 100, 2900 + os.getpid() % 20 * 100, 100):
        offset = 300 + (offset - 300) % 2600
        try:
            for flag, port in PORT_FLAGS.values():
                require_free("0.0.0.0", port + offset, flag, udp=True)
        except Exception:
            continue
        return offset
    raise AssertionError("no free port offset")


class LocalCluster:
    """A cluster in ``directory``. Use as a context manager."""

    def __init__(self, directory: Path, *flags: str, environ: dict[str, str] | None = None) -> None:
        self.dir = directory
        self.offset = free_offset()
        self._flags = flags
        self._environ = os.environ | (environ or {})

    def __enter__(self) -> LocalCluster:
        try:
            self.mezzo("up", "--port-offset", str(self.offset), *self._flags)
        except BaseException:
            self.print_logs()
            self.mezzo("down", check=False)
            raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.print_logs()
        self.mezzo("down")
        assert not self.leftovers(), f"left running: {self.leftovers()}"

    def mezzo(self, *words: str, check: bool = True, dir_flag: bool = True) -> str:
        """Run a command against this cluster and return what it printed."""
        command = [sys.executable, "-P", "-m", "mezzo", *words]
        if dir_flag:
            command += ["--dir", str(self.dir)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, env=self._environ, cwd="/")
        if check:
            assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def port(self, role: str) -> int:
        """Return where a program listens."""
        return PORT_FLAGS[role][1] + self.offset

    def url(self, role: str) -> str:
        """Return a program's URL."""
        return f"http://127.0.0.1:{self.port(role)}"

    def marathon(self, method: str, path: str, body: Any = None, **query: str) -> requests.Response:
        """Call marathon's API."""
        return requests.request(method, self.url("marathon") + path, json=body, params=query, timeout=30)

    def app(self, app_id: str) -> dict[str, Any]:
        """Return an app as marathon shows it."""
        answer = self.marathon("GET", f"/v2/apps/{app_id.strip('/')}")
        assert answer.status_code == 200, answer.text
        app: dict[str, Any] = answer.json()["app"]
        return app

    def deploy(self, definition: dict[str, Any]) -> dict[str, Any]:
        """POST an app (or PUT a group) and wait until its deployment is done."""
        is_group = "apps" in definition or "groups" in definition
        answer = self.marathon("PUT" if is_group else "POST", "/v2/groups" if is_group else "/v2/apps", definition)
        assert answer.status_code in (200, 201), answer.text
        self.settled()
        result: dict[str, Any] = answer.json()
        return result

    def settled(self, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until no deployment runs."""
        eventually(
            lambda: self.marathon("GET", "/v2/deployments").json() == [], timeout_s=timeout_s, what="deployments"
        )

    def tasks(self, app_id: str) -> list[dict[str, Any]]:
        """Return an app's running tasks."""
        return [each for each in self.app(app_id)["tasks"] if each["state"] == "TASK_RUNNING"]

    def process(self, name: str) -> int:
        """Return the process id of a program."""
        pid = next((each.pid for each in state.load_processes(self.dir) if each.name == name), 0)
        assert pid, f"{name} does not run"
        return pid

    def kill(self, name: str) -> int:
        """Kill a program with SIGKILL and wait until the supervisor has started another. Return the old pid."""
        pid = self.process(name)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: self.process(name) != pid, what=f"restart of {name}")
        return pid

    def dig(self, name: str, kind: str = "A", *more: str) -> list[str]:
        """Return the lines that ``dig +short`` prints."""
        command = ["dig", "@127.0.0.1", "-p", str(self.port("dns")), "+short", "+time=2", "+tries=1", name, kind, *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return [line for line in done.stdout.splitlines() if line and not line.startswith(";")]

    def leftovers(self) -> list[str]:
        """Return the command lines of processes that name the cluster's directory."""
        found = []
        for pid, command, environ in _processes():
            if pid != os.getpid() and (str(self.dir) in command or f"MESOS_DIRECTORY={self.dir}" in environ):
                found.append(f"{pid} {command}")
        return found

    def print_logs(self) -> None:
        """Show the end of every log; pytest prints it with the failure."""
        for log in sorted((self.dir / "logs").glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-40:]
            print(f"---- {log.name}", *lines, sep="\n")


def example(name: str) -> dict[str, Any]:
    """Return an app definition of ``examples/``."""
    path = next((Path(__file__).parents[2] / "examples").glob(f"{name}*.json"))
    definition: dict[str, Any] = json.loads(path.read_text())
    return definition


def _processes() -> Iterator[tuple[int, str, str]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environ = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            yield int(entry.name), command, environ
