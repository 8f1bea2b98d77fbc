"""One answering process: a loop over a UDP socket and a pipe, without asyncio.

Started with the numbers of three inherited descriptors: the socket, the pipe with changes, the datagram socket for
what has to be passed on. The sockets belong to the main process, so when a worker dies, questions wait in its socket
until the next one takes over.

Several questions are answered per wake-up, but never so many that changes have to wait.
"""

from __future__ import annotations

import contextlib
import logging
import select
import signal
import socket
import sys

from mesos.clock import Clock, SystemClock
from mesos_dns.core.answers import SERVFAIL
from mesos_dns.core.table import Table
from mesos_dns.drivers.frames import Begin, Changes, Counted, Down, DownDecoder, Listen, Pass, Ready, encode_up
from mesos_dns.wire.query import refuse
from mesos_dns.wire.responder import Forward, Responder

log = logging.getLogger(__name__)

BURST = 64
"""Questions answered between two looks at the pipe."""

MAX_QUESTION_BYTES = 4096
"""Longer packets are cut here, and then no longer parse."""

PIPE_BYTES = 1 << 18
COUNT_INTERVAL_S = 1.0


class Worker:
    """Answers from its copy of the zone."""

    def __init__(self, udp: socket.socket, pipe: socket.socket, up: socket.socket, clock: Clock) -> None:
        self._udp, self._pipe, self._up, self._clock = udp, pipe, up, clock
        self._poll = select.epoll()
        self._frames = DownDecoder()
        self._responder: Responder | None = None
        self._table = Table()
        self._answered = self._dropped = 0
        self._count_at_s = clock.monotonic_s()

    def run(self) -> None:
        """Work until the pipe is closed."""
        udp, pipe = self._udp.fileno(), self._pipe.fileno()
        self._poll.register(pipe, select.EPOLLIN)
        while True:
            waiting = self._take_over()
            for number, _ in self._poll.poll(0 if waiting else COUNT_INTERVAL_S):
                if number == udp:
                    self._answer_burst()
                elif not self._read_pipe():
                    return
            self._count()

    def _take_over(self) -> bool:
        """Take over one message of the main process; tell whether there may be more."""
        message = self._frames.next()
        if message is not None:
            self._apply(message)
        return message is not None

    def _apply(self, message: Down) -> None:
        match message:
            case Begin(settings):
                self._table = Table(count_inner=settings.strict)
                self._responder = Responder(settings, self._table.lookup, is_inner=self._table.is_inner)
            case Changes(serial, names):
                assert self._responder is not None
                self._table.apply(names)
                self._responder.set_serial(serial)
                self._responder.forget(change.name for change in names)
            case Ready():
                assert self._responder is not None
                self._responder.ready = True
            case Listen():
                self._poll.register(self._udp.fileno(), select.EPOLLIN)

    def _read_pipe(self) -> bool:
        data = self._pipe.recv(PIPE_BYTES)
        self._frames.feed(data)
        return bool(data)

    def _answer_burst(self) -> None:
        assert self._responder is not None
        receive, send, hot = self._udp.recvfrom, self._udp.sendto, self._responder.hot
        turn = answered = self._answered
        for _ in range(BURST):
            try:
                data, address = receive(MAX_QUESTION_BYTES)
            except OSError:
                break  # empty, or an error of an earlier answer that this socket does not mind
            ready = hot.get(data[2:])
            if ready is not None:
                reply: bytes | None = data[:2] + ready[turn % len(ready)]
            else:
                reply = self._answer_slowly(data, address)
            if reply is None:
                continue
            turn += 1
            try:
                send(reply, address)
            except OSError:
                self._dropped += 1
        self._answered += turn - answered

    def _answer_slowly(self, data: bytes, address: tuple[object, ...]) -> bytes | None:
        assert self._responder is not None
        try:
            reply = self._responder.respond(data)
        except Exception:  # whatever is wrong with one name, the others have to be answered
            log.exception("question failed")
            return refuse(data, SERVFAIL)
        if isinstance(reply, Forward):
            try:
                self._up.send(encode_up(Pass(data, address)))
            except OSError:
                self._dropped += 1  # more than the resolvers can take: the asker asks again
            return None
        return reply

    def _count(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s < self._count_at_s or not (self._answered or self._dropped):
            return
        with contextlib.suppress(OSError):
            self._up.send(encode_up(Counted(self._answered, self._dropped, len(self._table))))
            self._answered = self._dropped = 0
        self._count_at_s = now_s + COUNT_INTERVAL_S


def main(argv: list[str]) -> int:
    """Work with the descriptors in ``argv`` until the main process closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides when to stop
    udp, pipe, up = (socket.socket(fileno=int(number)) for number in argv)
    udp.setblocking(False)
    up.setblocking(False)
    Worker(udp, pipe, up, SystemClock()).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
