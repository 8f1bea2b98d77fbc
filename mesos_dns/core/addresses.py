"""Addresses of servers as people write them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence

from mesos.errors import ConfigError
from mesos_dns.core.model import Endpoint

DNS_PORT = 53
_ZONE = re.compile(r"[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*")


def endpoint(text: str) -> Endpoint:
    """Read ``host:port``, ``ip:port`` or ``[ipv6]:port``. :raises ValueError: when it is none."""
    host, _, port = text.strip().rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= 65535:
        raise ValueError(f"illegal host:port specified: {text}")
    host = host.strip("[]")
    if ":" in host:
        host = str(ipaddress.ip_address(host))
    return Endpoint(host, int(port))


def resolver(text: str) -> tuple[str, int]:
    """Read ``ip``, ``ip:port``, a bare IPv6 address or ``[ipv6]:port``. :raises ValueError: when it is none."""
    try:
        return str(ipaddress.ip_address(text)), DNS_PORT
    except ValueError:
        found = endpoint(text)
        return str(ipaddress.ip_address(found.host)), found.port


def check_resolvers(texts: Sequence[str], where: str) -> list[tuple[str, int]]:
    """Return the addresses. :raises ConfigError: when one is none, or is there twice."""
    found: list[tuple[str, int]] = []
    for text in texts:
        try:
            address = resolver(text)
        except ValueError:
            raise ConfigError(f"error validating {where}: illegal ip specified: {text}") from None
        if address in found:
            raise ConfigError(f"error validating {where}: duplicate resolver IP specified: {text}")
        found.append(address)
    return found


def check_zones(zones: Mapping[str, Sequence[str]], domain: str) -> None:
    """Check zones with resolvers of their own: none may lie within another, or within ours.

    :raises ConfigError: naming the zone.
    """
    for zone, texts in zones.items():
        if not _ZONE.fullmatch(zone):
            raise ConfigError(f"error validating zone resolvers: invalid domain name: {zone}")
        if not texts:
            raise ConfigError(f"error validating zone resolvers: empty resolvers list for zone {zone}")
        check_resolvers(texts, "zone resolvers")
    names = [f".{name}" for name in (domain, *zones)]
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            if one.endswith(other) or other.endswith(one):
                short, long = sorted((one, other), key=len)
                raise ConfigError(f"ambiguous zone resolvers: {long} is masked by {short}")
