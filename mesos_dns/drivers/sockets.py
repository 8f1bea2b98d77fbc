"""Opens the sockets of the DNS service."""

from __future__ import annotations

import errno
import socket

from mesos.errors import ConfigError

BUFFER_BYTES = 4 << 20
"""Questions that may wait while a worker is replaced; the system may allow less."""

_ATTEMPTS = 16


def family_of(host: str) -> socket.AddressFamily:
    """Return the family of a numeric address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def open_dns(host: str, port: int, workers: int) -> tuple[list[socket.socket], socket.socket]:
    """Bind one UDP socket for each worker and a TCP socket, all on one port.

    :param port: 0 lets the system choose one that is free for both.
    :raises ConfigError: naming the address when it cannot be had.
    """
    attempts = 1 if port else _ATTEMPTS
    for attempt in range(attempts):
        opened: list[socket.socket] = []
        try:
            opened.append(_bind(socket.SOCK_DGRAM, host, port, shared=workers > 1))
            chosen = opened[0].getsockname()[1]
            opened += [_bind(socket.SOCK_DGRAM, host, chosen, shared=True) for _ in range(workers - 1)]
            tcp = _bind(socket.SOCK_STREAM, host, chosen, shared=False)
        except OSError as error:
            for each in opened:
                each.close()
            if error.errno != errno.EADDRINUSE or attempt + 1 == attempts:
                reason = error.strerror or str(error)
                raise ConfigError(f"Cannot listen for DNS on {host} port {port} (--port): {reason}") from error
        else:
            return opened, tcp
    raise AssertionError("every attempt returns or raises")


def _bind(kind: socket.SocketKind, host: str, port: int, *, shared: bool) -> socket.socket:
    opened = socket.socket(family_of(host), kind)
    try:
        opened.setblocking(False)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if kind == socket.SOCK_STREAM:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened
