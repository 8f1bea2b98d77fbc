"""HAProxy's process: checked, started, reloaded, stopped.

It runs as master and worker (``-W``). A reload lets the master start itself anew, hand the listening sockets to a new
worker and let the old one finish; a master that cannot use the new file keeps the old worker. The master's socket tells
what runs; through it a restarted balancer also finds the HAProxy that an earlier one left, and goes on with it.

Source: HAProxy 2.6 management guide, 4 and 9.4.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from pathlib import Path

import msgspec

from marathon_lb.errors import ConfigRefused, HaproxyFailed, HaproxyMissing

POLL_S = 0.01
START_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 2.0

_FAILED = re.compile(r"\[failed: (\d+)\]")


class Processes(msgspec.Struct, frozen=True):
    """What the master runs.

    :ivar reloads: how often the master was reloaded.
    :ivar failed: how often in vain, since it last went well.
    """

    master: int
    reloads: int
    failed: int
    workers: tuple[int, ...]
    old_workers: tuple[int, ...]


class Haproxy:
    """One HAProxy.

    :param master_socket: a path that the master listens on.
    :param log_file: what HAProxy writes to its standard error.
    """

    def __init__(self, binary: str, config: Path, master_socket: Path, log_file: Path) -> None:
        self._binary, self._config, self._socket, self._log_file = binary, config, master_socket, log_file
        self._process: asyncio.subprocess.Process | None = None
        self._master = 0

    async def check(self, text: str) -> None:
        """Let HAProxy read ``text`` without using it. :raises ConfigRefused: with what it says."""
        file = self._config.with_name(f".{self._config.name}.check")
        file.write_text(text, encoding="utf-8")
        process = await self._spawn("-c", "-f", str(file), stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        if process.returncode != 0:
            raise ConfigRefused(output.decode(errors="replace"))

    def write(self, text: str) -> None:
        """Put the file in place, whole or not at all."""
        temporary = self._config.with_name(f".{self._config.name}.new")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, self._config)

    def read(self) -> str:
        """Return the file in place; empty when there is none."""
        return self._config.read_text(encoding="utf-8") if self._config.exists() else ""

    async def adopt(self) -> int | None:
        """Go on with an HAProxy that already runs here; return its worker, ``None`` when there is none."""
        found = await self.processes()
        if found is None or not found.workers:
            return None
        self._master = found.master
        return found.workers[0]

    async def start(self) -> int:
        """Start on the file in place and return the worker's pid.

        :raises HaproxyMissing: when there is no such program.
        :raises HaproxyFailed: when it ends at once; the text is what it said.
        """
        self._socket.unlink(missing_ok=True)
        seen = self._log_size()
        log = os.open(self._log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            self._process = await self._spawn(
                "-W", "-db", "-S", f"{self._socket},mode,600", "-f", str(self._config), stdout=log
            )
        finally:
            os.close(log)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_TIMEOUT_S):
                while self._process.returncode is None:
                    found = await self.processes()
                    if found is not None and found.workers:
                        self._master = found.master
                        return found.workers[0]
                    await asyncio.sleep(POLL_S)
        await self.stop(grace_s=0)
        raise HaproxyFailed(f"HAProxy does not start: {self._said(seen)}")

    async def reload(self) -> int:
        """Start a new worker on the file in place and return its pid; the old one finishes what it has.

        :raises HaproxyFailed: when the new worker does not come up; the old one then goes on.
        """
        before = await self.processes()
        if before is None:
            raise HaproxyFailed("HAProxy's master does not answer")
        seen = self._log_size()
        await self._ask("reload")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_TIMEOUT_S):
                while True:
                    now = await self.processes()
                    if now is not None and (now.reloads, now.failed) != (before.reloads, before.failed):
                        fresh = [pid for pid in now.workers if pid not in before.workers]
                        if fresh:
                            return fresh[0]
                        if now.failed > before.failed or not now.workers:
                            break  # the master waits for a better file
                    if not _exists(before.master) or (self._process and self._process.returncode is not None):
                        break
                    await asyncio.sleep(POLL_S)
        raise HaproxyFailed(f"HAProxy does not take the new file: {self._said(seen)}")

    async def processes(self) -> Processes | None:
        """Return what runs; ``None`` when no master answers."""
        return _parse(await self._ask("show proc"))

    async def ended(self) -> None:
        """Wait until HAProxy has ended."""
        if self._process is not None:
            await self._process.wait()
            return
        while _exists(self._master):
            await asyncio.sleep(0.5)

    async def stop(self, grace_s: float) -> None:
        """Stop: what is being served may end within ``grace_s`` seconds."""
        pid = self._process.pid if self._process is not None else self._master
        if not pid:
            return
        for number, wait_s in ((signal.SIGUSR1, grace_s), (signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
            if wait_s <= 0:
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ended(), wait_s)
                break
        self._process, self._master = None, 0

    async def _spawn(self, *args: str, stdout: int) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                self._binary, *args, stdin=asyncio.subprocess.DEVNULL, stdout=stdout, stderr=asyncio.subprocess.STDOUT
            )
        except (FileNotFoundError, PermissionError) as error:
            raise HaproxyMissing(self._binary) from error

    async def _ask(self, command: str) -> str:
        """Return the master's answer; empty when there is none."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(str(self._socket))
                try:
                    writer.write(f"{command}\n".encode())
                    return (await reader.readuntil(b"\n\n")).decode(errors="replace")
                finally:
                    writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return ""  # a master that starts itself anew hangs up

    def _log_size(self) -> int:
        return self._log_file.stat().st_size if self._log_file.exists() else 0

    def _said(self, since: int) -> str:
        """Return what HAProxy has written since then."""
        if not self._log_file.exists():
            return "it says nothing"
        with open(self._log_file, "rb") as log:
            log.seek(since)
            return log.read(20_000).decode(errors="replace").strip() or "it says nothing"


def _parse(answer: str) -> Processes | None:
    """Read ``show proc``: a head line, then a section for each kind of process."""
    section = ""
    found: dict[str, list[int]] = {}
    reloads = failed = 0
    for line in answer.splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ").strip()
            continue
        words = line.split()
        if len(words) >= 3 and words[0].isdigit():
            kind = "master" if words[1] == "master" else section
            found.setdefault(kind, []).append(int(words[0]))
            if kind == "master":
                reloads, vain = int(words[2]), _FAILED.search(line)
                failed = int(vain[1]) if vain else 0
    if "master" not in found:
        return None
    workers, old_workers = found.get("workers", ()), found.get("old workers", ())
    return Processes(found["master"][0], reloads, failed, tuple(workers), tuple(old_workers))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return pid != 0
