"""What has to be done to HAProxy's servers so that they are what they should be. Pure: from two tables to commands.

A server that should be and is not gets added, one that is and should not leaves: it gets nothing new (maintenance), and
is deleted once its last connection has ended. Only what HAProxy cannot change while it runs asks for a reload: a server
with a cookie, a balance algorithm that is computed when the file is read, an option of a server that runs.

Source: HAProxy 2.6 management guide, ``add server``, ``del server``, ``set server``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

DYNAMIC_BALANCE = frozenset(("roundrobin", "leastconn", "random", "first"))
"""Algorithms that take servers at run time (HAProxy refuses the others without consistent hashing)."""

_FLAGS = frozenset(("check", "ssl", "backup", "send-proxy", "send-proxy-v2", "agent-check", "disabled"))
_WITH_VALUE = frozenset(
    [
        "inter",
        "fastinter",
        "downinter",
        "fall",
        "rise",
        "port",
        "addr",
        "weight",
        "slowstart",
        "maxconn",
        "observe",
        "on-marked-down",
        "track",
        "source",
        "proto",
        "id",
        "pool-max-conn",
        "error-limit",
        "verify",
        "sni",
        "ca-file",
        "crt",
    ]
)


class ServerLine(msgspec.Struct, frozen=True):
    """One server as the file has it.

    :ivar address: ``ip:port``.
    :ivar args: everything after the address.
    """

    name: str
    address: str
    args: tuple[str, ...] = ()


class Running(msgspec.Struct, frozen=True):
    """One server as HAProxy runs it.

    :ivar leaving: it is in maintenance.
    """

    line: ServerLine
    leaving: bool = False


class Change(msgspec.Struct, frozen=True):
    """What to do to the servers of one backend.

    :ivar commands: in order; each is to be answered well, or what runs is unknown.
    :ivar after: what runs when they have been.
    :ivar reload: what cannot be done while HAProxy runs; empty: nothing.
    """

    commands: tuple[str, ...]
    after: dict[str, Running]
    reload: str = ""


def servers(
    backend: str,
    balance: str,
    running: Mapping[str, Running],
    wanted: Mapping[str, ServerLine],
    leaving: frozenset[str] = frozenset(),
) -> Change:
    """Return how to get from ``running`` to ``wanted``.

    :param balance: the backend's algorithm, with its arguments.
    :param leaving: names out of ``wanted`` that get nothing new.
    """
    commands: list[str] = []
    after = dict(running)
    reasons: list[str] = []
    for name, line in wanted.items():
        now = running.get(name)
        if name in leaving:
            continue
        if now is None:
            reason = _why_not(balance, line)
            if reason:
                reasons.append(reason)
                continue
            commands += _add(backend, line)
            after[name] = Running(line)
        elif now.line != line:
            reasons.append(f"{name} changes")
        elif now.leaving:
            commands.append(f"set server {backend}/{name} state ready")
            after[name] = Running(line)
    for name, now in running.items():
        if not now.leaving and (name not in wanted or name in leaving):
            commands.append(leave(backend, name))
            after[name] = Running(now.line, leaving=True)
    return Change(tuple(commands), after, reasons[0] if reasons else "")


def leave(backend: str, name: str) -> str:
    """Return the command after which the server gets nothing new: requests it holds may end."""
    return f"set server {backend}/{name} state maint"


def delete(backend: str, name: str) -> str:
    """Return the command that removes a server that has no connection any more."""
    return f"del server {backend}/{name}"


def parse_line(text: str) -> ServerLine | None:
    """Return the server of a ``server`` line; ``None`` when the line is something else."""
    words = text.split()
    if len(words) < 3 or words[0] != "server":
        return None
    return ServerLine(words[1], words[2], tuple(words[3:]))


def _add(backend: str, line: ServerLine) -> list[str]:
    where = f"{backend}/{line.name}"
    args = [arg for arg in line.args if arg != "disabled"]
    commands = [" ".join((f"add server {where} {line.address}", *args))]
    if "check" in args:
        commands.append(f"enable health {where}")
    if "disabled" not in line.args:
        commands.append(f"enable server {where}")
    return commands


def _why_not(balance: str, line: ServerLine) -> str:
    """Return why the server cannot be added while HAProxy runs; empty when it can."""
    algorithm = balance.split("(")[0].split()[0]
    if algorithm not in DYNAMIC_BALANCE:
        return f"balance {algorithm} takes no servers at run time"
    words = iter(line.args)
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif word not in _FLAGS:
            return f"a server with {word} cannot be added at run time"
    return ""
