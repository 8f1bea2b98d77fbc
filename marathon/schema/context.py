"""What the meaning of a definition depends on besides itself: the operator's settings."""

from __future__ import annotations

import msgspec


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Settings under which definitions are read; the flags of the same names tell more."""

    role: str = "*"
    default_network_name: str | None = None
    bridge_name: str = "mesos-bridge"
    features: frozenset[str] = frozenset()
    enforce_new_groups: bool = False
