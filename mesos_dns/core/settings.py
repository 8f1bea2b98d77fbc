"""What every answering process has to know, besides the names."""

from __future__ import annotations

import msgspec


class ServeSettings(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """How answers look. Times in seconds.

    ``mname`` and ``rname`` end with a dot. ``recursion_available`` is only the flag; ``external``: names outside the
    domain are passed on, else refused. ``truncate_bit``: whether a cut answer says so. ``strict``: see
    :mod:`mesos_dns.core.answers`.
    """

    domain: str = "mesos"
    ttl: int = 60
    srv_weight: int = 1
    mname: str = "ns1.mesos."
    rname: str = "root.ns1.mesos."
    soa_refresh: int = 60
    soa_retry: int = 600
    soa_expire: int = 86400
    recursion_available: bool = True
    external: bool = True
    truncate_bit: bool = True
    strict: bool = False
