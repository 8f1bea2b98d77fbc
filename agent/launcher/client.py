"""The agent's side of the zygote: keeps one running, asks it to launch."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from agent.errors import LaunchFailed
from agent.launcher import zygote

log = logging.getLogger(__name__)

START_TIMEOUT_S = 10.0
LAUNCH_TIMEOUT_S = 60.0


class Started(msgspec.Struct, frozen=True):
    """What the monitor answered. ``start`` in clock ticks since boot: with the pid it names the process for good."""

    monitor: int
    pid: int
    start: int


class Launcher:
    """Launches through a zygote on ``socket_path``; one that has died is replaced at the next launch."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = asyncio.Lock()

    async def launch(self, document: dict[str, Any]) -> Started:
        """Start a command; see :class:`agent.launcher.zygote.Launch` for the document.

        :raises LaunchFailed: with the reason that a user can act on.
        """
        line = json.dumps(document).encode() + b"\n"
        try:
            async with asyncio.timeout(LAUNCH_TIMEOUT_S):
                reader, writer = await self._connect()
                writer.write(line)
                answer = await reader.readline()
                writer.close()
        except (OSError, TimeoutError) as error:
            raise LaunchFailed(f"the launcher does not answer: {error or type(error).__name__}") from error
        if not answer:
            raise LaunchFailed("the launcher ended before it answered")
        told = json.loads(answer)
        if "error" in told:
            raise LaunchFailed(told["error"])
        return msgspec.convert(told, Started)

    async def start(self) -> None:
        """Have a zygote running. :raises LaunchFailed: when it does not come up."""
        async with self._starting:
            if self._process is not None and self._process.poll() is None:
                return
            self._path.unlink(missing_ok=True)
            self._process = _start_zygote(self._path)
            log.info("zygote started", extra={"pid": self._process.pid})
            try:
                async with asyncio.timeout(START_TIMEOUT_S):
                    while not self._path.exists():
                        if self._process.poll() is not None:
                            raise LaunchFailed(f"the launcher ended with {self._process.returncode}")
                        await asyncio.sleep(0.005)
            except TimeoutError as error:
                raise LaunchFailed("the launcher does not come up") from error

    def stop(self) -> None:
        """End the zygote; monitors and their commands go on."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._path.unlink(missing_ok=True)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._process is None or self._process.poll() is not None:
            await self.start()
        return await asyncio.open_unix_connection(str(self._path))


def _start_zygote(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        (sys.executable, "-I", "-S", zygote.__file__, str(path)),
        stdin=subprocess.PIPE,  # its end tells the zygote of ours
        env={},
        cwd="/",
        close_fds=True,
    )
