"""Is a port free? Asked before anything is started, so that the error names the flag and not a stack of logs."""

from __future__ import annotations

import errno
import socket

from mezzo.errors import CommandError


def require_free(address: str, port: int, flag: str, *, udp: bool = False) -> None:
    """Check that ``address:port`` can be bound.

    :raises CommandError: naming the port and the flag that moves it.
    """
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM) if udp else (socket.SOCK_STREAM,)
    for kind in kinds:
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                raise _refused(error, address, port, flag) from error


def _refused(error: OSError, address: str, port: int, flag: str) -> CommandError:
    move = f"choose another with {flag}, or move all with --port-offset"
    if error.errno == errno.EADDRINUSE:
        return CommandError(f"port {port} on {address} is taken: {move}")
    if error.errno == errno.EACCES:
        return CommandError(f"port {port} may only be opened by root: {move}")
    return CommandError(f"port {port} on {address} cannot be opened ({error.strerror}): {move}")
