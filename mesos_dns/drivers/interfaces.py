"""Which addresses this machine has."""

from __future__ import annotations

import subprocess

import msgspec


class _Address(msgspec.Struct):
    local: str | None = None
    scope: str | None = None


class _Interface(msgspec.Struct):
    addr_info: list[_Address] = []


def interface_addresses() -> tuple[str, ...]:
    """Return all addresses but loopback and link-local ones; none where ``ip`` (iproute2) is missing."""
    try:
        found = subprocess.run(["ip", "-json", "address"], capture_output=True, check=True, timeout=5)
        interfaces = msgspec.json.decode(found.stdout, type=list[_Interface])
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError):
        return ()
    addresses = (address for interface in interfaces for address in interface.addr_info)
    return tuple(each.local for each in addresses if each.local and each.scope == "global")


def own_addresses(listener: str) -> tuple[str, ...]:
    """Return the addresses that our own name stands for: the listener's, or all when it listens everywhere."""
    return interface_addresses() if listener in ("0.0.0.0", "::") else (listener,)
