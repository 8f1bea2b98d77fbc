"""The leading master as SUBSCRIBED events, leader nodes and GET_MASTER show it."""

from __future__ import annotations

import ipaddress

from mesos.types.agents import Capability
from mesos.types.base import Address, DomainInfo, Wire

MESOS_VERSION = "1.11.0"
"""The version we speak for; clients compare its three numbers."""

MASTER_CAPABILITIES = tuple(Capability(name) for name in ("AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2"))
"""What clients may probe for."""


class MasterInfo(Wire, frozen=True, kw_only=True):
    """A master. ``ip`` is the IPv4 address read as a little-endian number of its network-order bytes."""

    id: str
    ip: int
    port: int
    pid: str | None = None
    hostname: str | None = None
    version: str | None = None
    address: Address | None = None
    capabilities: tuple[Capability, ...] = ()
    domain: DomainInfo | None = None


def master_info(master_id: str, *, ip: str, port: int, hostname: str, domain: DomainInfo | None = None) -> MasterInfo:
    """Describe the master that listens at ``ip`` (dotted, numeric) and ``port``.

    :raises ValueError: when ``ip`` is no IPv4 address.
    """
    return MasterInfo(
        id=master_id,
        ip=int.from_bytes(ipaddress.IPv4Address(ip).packed, "little"),
        port=port,
        pid=f"master@{ip}:{port}",
        hostname=hostname,
        version=MESOS_VERSION,
        address=Address(port=port, hostname=hostname, ip=ip),
        capabilities=MASTER_CAPABILITIES,
        domain=domain,
    )
