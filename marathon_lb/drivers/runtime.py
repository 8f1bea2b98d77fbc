"""HAProxy's runtime API: one connection to the worker that serves, many commands in one write.

``haproxyadmin`` reads what HAProxy runs (:func:`survey`); it has no way to add or delete a server and makes a
connection for each command, so those go over the same socket here, in HAProxy's interactive mode: every answer ends
with a prompt.

After a reload the old worker may still answer new connections for a moment, so a connection counts only once the worker
at its other end is the one that was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from haproxyadmin import haproxy as admin
from haproxyadmin.exceptions import HAProxyBaseError

from marathon_lb.errors import HaproxyFailed, RuntimeRefused

PROMPT = b"\n> "
CHUNK = 50
"""Commands in one write: less than HAProxy's input buffer of 16 kB."""

TIMEOUT_S = 10.0


class Runtime:
    """The socket of the serving worker."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self, worker: int) -> None:
        """Reach the worker with this pid. :raises HaproxyFailed: when it does not answer in time."""
        self.close()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not await self._reached(worker):
                    self.close()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise HaproxyFailed(f"worker {worker} does not answer on {self.socket}") from None

    async def run(self, commands: Sequence[str]) -> None:
        """Run commands that are to succeed.

        :raises RuntimeRefused: at the first that does not.
        :raises HaproxyFailed: when the connection is lost.
        """
        for at in range(0, len(commands), CHUNK):
            chunk = commands[at : at + CHUNK]
            for command, answer in zip(chunk, await self.ask(chunk), strict=True):
                if answer and not answer.startswith("New server registered"):
                    raise RuntimeRefused(command, answer)

    async def delete(self, commands: Sequence[str]) -> list[bool]:
        """Run ``del server`` commands; return for each whether the server is gone. One still in use is not."""
        gone: list[bool] = []
        for at in range(0, len(commands), CHUNK):
            answers = await self.ask(commands[at : at + CHUNK])
            gone += [not answer or "deleted" in answer.lower() or "No such server" in answer for answer in answers]
        return gone

    async def ask(self, commands: Sequence[str]) -> list[str]:
        """Send commands at once and return their answers. :raises HaproxyFailed: when the connection is lost."""
        if self._writer is None or self._reader is None:
            raise HaproxyFailed("not connected to HAProxy")
        try:
            async with asyncio.timeout(TIMEOUT_S):
                self._writer.write("".join(f"{command}\n" for command in commands).encode())
                return [await self._answer(self._reader) for _ in commands]
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise HaproxyFailed(f"HAProxy's runtime socket does not answer: {error or 'timeout'}") from error

    def close(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _reached(self, worker: int) -> bool:
        try:
            self._reader, self._writer = await asyncio.open_unix_connection(str(self.socket), limit=1 << 26)
            self._writer.write(b"prompt\n")
            await self._answer(self._reader)
            (info,) = await self.ask(["show info"])
        except (OSError, EOFError, HaproxyFailed):
            return False
        return f"\nPid: {worker}\n" in info

    @staticmethod
    async def _answer(reader: asyncio.StreamReader) -> str:
        data = await reader.readuntil(PROMPT)
        return data[: -len(PROMPT)].decode(errors="replace").strip()


def without_leaving(states: str) -> str:
    """Return ``show servers state`` without servers that an operator or we took out of service.

    The next worker reads it: what was down stays down until checked, but a new server at the place of one that left
    must not inherit its maintenance.
    """
    kept = []
    for line in states.splitlines():
        words = line.split()
        if line.startswith("#") or len(words) < 7 or words[6] == "0":
            kept.append(line)
    return "\n".join(kept) + "\n"


def survey(socket: Path) -> dict[str, frozenset[str]]:
    """Return the servers that HAProxy runs, by backend. Blocks.

    :raises HaproxyFailed: when HAProxy does not answer.
    """
    try:
        answers = admin.HAProxy(socket_file=str(socket)).command("show servers state")
    except (OSError, ValueError, HAProxyBaseError) as error:
        raise HaproxyFailed(f"HAProxy does not answer on {socket}: {error}") from error
    found: dict[str, set[str]] = {}
    for _process, lines in answers:
        for line in lines:
            words = line.split()
            if len(words) > 6 and not line.startswith("#"):
                found.setdefault(words[1], set()).add(words[3])
    return {backend: frozenset(names) for backend, names in found.items()}
