"""A real ZooKeeper server for tests: one JVM on a port of its own with its data in a temporary directory."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

JARS = (
    "zookeeper.jar",
    "zookeeper-jute.jar",
    "slf4j-api.jar",
    "slf4j-nop.jar",
    "netty-all.jar",
    "metrics-core.jar",
    "snappy-java.jar",
    "commons-cli.jar",
)
MAIN = "org.apache.zookeeper.server.ZooKeeperServerMain"
TICK_MS = 200
START_TIMEOUT_S = 30.0


class ZooKeeperServer:
    """Starts on entering or ``start()``; ``close()`` stops it and removes its data.

    ``kill`` and ``start`` again is a crash and a restart on the same data; ``pause`` and ``resume`` hang it.
    Clients may ask for sessions of 0.4 seconds to ``max_session_s``; long ones outlast a slow restart.
    """

    def __init__(self, *, synchronous: bool = False, max_session_s: float = 4.0) -> None:
        self._max_session_ms = round(max_session_s * 1000)
        self._directory = Path(tempfile.mkdtemp(prefix="zookeeper-"))
        self._synchronous = synchronous
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @property
    def hosts(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, path: str = "/", auth: str | None = None) -> str:
        return f"zk://{auth + '@' if auth else ''}{self.hosts}{path}"

    def start(self) -> None:
        """Start the server and wait until it serves."""
        assert self._process is None, "it runs already"
        config = self._directory / "zoo.cfg"
        config.write_text(
            f"dataDir={self._directory / 'data'}\nclientPort={self.port}\nclientPortAddress=127.0.0.1\n"
            f"tickTime={TICK_MS}\nmaxSessionTimeout={self._max_session_ms}\nmaxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=*\n"
        )
        classpath = ":".join(f"/usr/share/java/{jar}" for jar in JARS)
        options = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.admin.enableServer=false"]
        if not self._synchronous:
            options.append("-Dzookeeper.forceSync=no")
        with (self._directory / "log").open("ab") as output:
            self._process = subprocess.Popen(
                ["java", *options, "-cp", classpath, MAIN, str(config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait_until_it_serves()

    def kill(self) -> None:
        """End the server as a crash does; its data stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        self.kill()
        self.start()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def ask(self, word: str) -> str:
        """Send a four letter word (``ruok``, ``cons``, ``mntr``) and return the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(word.encode())
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts).decode()

    def _wait_until_it_serves(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                raise AssertionError(f"ZooKeeper ended: {(self._directory / 'log').read_text()[-2000:]}")
            try:
                if "Mode:" in self.ask("srvr"):
                    return
            except OSError:
                pass
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"ZooKeeper did not start within {START_TIMEOUT_S} s")

    def __enter__(self) -> ZooKeeperServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
