"""The answering processes: starts them, feeds them, mends them.

The main process owns the UDP sockets, all on one port by SO_REUSEPORT, and lends one to each worker. A worker that
dies is replaced by a new one that is given the whole zone; until then its questions wait in the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Callable, Iterable

from mesos.clock import Clock, IdSource
from mesos.http.backoff import Backoff
from mesos_dns.core.settings import ServeSettings
from mesos_dns.core.table import name_rows
from mesos_dns.core.zone import Zone
from mesos_dns.drivers.frames import (
    DATAGRAM_BYTES,
    NAMES_PER_FRAME,
    Begin,
    Changes,
    Counted,
    Down,
    Listen,
    Pass,
    Ready,
    decode_up,
    encode_down,
)

log = logging.getLogger(__name__)

RESTART_FIRST_S, RESTART_MAX_S = 0.05, 5.0
"""Waits before a dead worker is replaced; they grow while workers die young."""

YOUNG_S = 10.0

MAX_BACKLOG_BYTES = 256 << 20
"""Changes that wait for a worker; one that takes so little is replaced."""

PassOn = Callable[[bytes, Callable[[bytes], None]], None]
"""Called with a question and with where its reply goes."""


class Counters:
    """What all workers have done since the start."""

    def __init__(self) -> None:
        self.answered = 0
        self.dropped = 0
        self.restarts = 0


class Pool:
    """Several workers with the same zone.

    :param sockets: bound UDP sockets, one for each worker.
    :param zone: where the values of changed names are read; only names are handed around.
    """

    def __init__(
        self,
        sockets: list[socket.socket],
        settings: ServeSettings,
        zone: Zone,
        pass_on: PassOn,
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self.counters = Counters()
        self.clock, self.ids = clock, ids
        self._settings, self._zone = settings, zone
        self._seats = [_Seat(udp, self, pass_on) for udp in sockets]
        self._serial = 0
        self._ready = False
        self._dirty: set[str] = set()

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return [seat.process.pid for seat in self._seats if seat.process is not None]

    async def run(self) -> None:
        """Keep all workers running until cancelled."""
        async with asyncio.TaskGroup() as group:
            for seat in self._seats:
                group.create_task(seat.run())

    def close(self) -> None:
        """Give the port back."""
        for seat in self._seats:
            seat.close()

    def change(self, names: Iterable[str], serial: int) -> None:
        """Hand changed names to all workers, those of one loop turn together."""
        self._serial = serial
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.update(names)

    def ready(self) -> None:
        """Say that the zone is complete."""
        if self._dirty:
            self._flush()
        self._ready = True
        self._tell_all([Ready()])

    def whole_zone(self) -> list[Down]:
        """Return all that a new worker has to be told."""
        messages: list[Down] = [Begin(self._settings), *self._changes(self._zone.names())]
        return [*messages, Ready(), Listen()] if self._ready else [*messages, Listen()]

    def _flush(self) -> None:
        names, self._dirty = self._dirty, set()
        if names:
            self._tell_all(self._changes(names))

    def _changes(self, names: Iterable[str]) -> list[Down]:
        rows = name_rows(self._zone, names)
        parts = [rows[i : i + NAMES_PER_FRAME] for i in range(0, len(rows), NAMES_PER_FRAME)]
        return [Changes(self._serial, part) for part in parts or [[]]]

    def _tell_all(self, messages: list[Down]) -> None:
        data = b"".join(map(encode_down, messages))
        for seat in self._seats:
            seat.tell(data)


class _Seat:
    """One UDP socket and the worker that has it now."""

    def __init__(self, udp: socket.socket, pool: Pool, pass_on: PassOn) -> None:
        self._udp, self._pool, self._pass_on = udp, pool, pass_on
        self._backoff = Backoff(pool.ids, first_s=RESTART_FIRST_S, max_s=RESTART_MAX_S)
        self.process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Keep a worker here until cancelled."""
        while True:
            started_s = self._pool.clock.monotonic_s()
            await self._one_worker()
            self._pool.counters.restarts += 1
            if self._pool.clock.monotonic_s() - started_s > YOUNG_S:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next_s())

    def close(self) -> None:
        """Close the socket."""
        self._udp.close()

    def tell(self, data: bytes) -> None:
        """Send bytes to the worker, if there is one: a later one is told everything."""
        if self._writer is None:
            return
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > MAX_BACKLOG_BYTES and self.process is not None:
            log.error("worker takes no changes", extra={"pid": self.process.pid})
            self.process.kill()

    async def _one_worker(self) -> None:
        pipe, worker_pipe = socket.socketpair()
        up, worker_up = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        up.setblocking(False)
        loop = asyncio.get_running_loop()
        numbers = [each.fileno() for each in (self._udp, worker_pipe, worker_up)]
        try:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "mesos_dns.drivers.worker", *map(str, numbers), pass_fds=numbers
            )
            worker_pipe.close()
            worker_up.close()
            _, self._writer = await asyncio.open_connection(sock=pipe)
            self.tell(b"".join(map(encode_down, self._pool.whole_zone())))
            loop.add_reader(up.fileno(), self._hear, up)
            log.info("worker started", extra={"pid": self.process.pid})
            code = await self.process.wait()
            log.error("worker ended", extra={"pid": self.process.pid, "exit_code": code})
        finally:
            loop.remove_reader(up.fileno())
            await self._end()
            for each in (worker_pipe, worker_up, up):
                each.close()

    async def _end(self) -> None:
        """Close the pipe, upon which a living worker ends."""
        process, self.process = self.process, None
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()

    def _hear(self, up: socket.socket) -> None:
        try:
            message = decode_up(up.recv(DATAGRAM_BYTES))
        except OSError:
            return
        match message:
            case Pass(packet, address):
                self._pass_on(packet, lambda reply: self._reply(reply, tuple(address)))
            case Counted(answered, dropped):
                self._pool.counters.answered += answered
                self._pool.counters.dropped += dropped

    def _reply(self, reply: bytes, address: tuple[object, ...]) -> None:
        with contextlib.suppress(OSError):  # a full buffer loses a reply, as the network may
            self._udp.sendto(reply, address)
