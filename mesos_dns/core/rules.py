"""The settings that decide how names look."""

from __future__ import annotations

import msgspec

from mesos_dns.core.labels import Label, rfc952, rfc1123


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How names are made.

    ``ip_sources``: where a task's address is looked for, first hit wins: netinfo, docker, mesos, host.
    ``own_name`` and ``own_addresses``: this server's name in SOA and NS records, and where it listens.
    """

    domain: str = "mesos"
    ip_sources: tuple[str, ...] = ("netinfo", "mesos", "host")
    enforce_rfc952: bool = False
    own_name: str = "ns1.mesos."
    own_addresses: tuple[str, ...] = ()

    @property
    def label(self) -> Label:
        """The rule for one label."""
        return rfc952 if self.enforce_rfc952 else rfc1123
