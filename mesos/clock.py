"""Time and chance, handed in.

Nothing but this module reads a clock or rolls dice: cores get ``now_s`` and ids as arguments, shells get a
:class:`Clock` and an :class:`IdSource`. Tests hand in :class:`FakeClock` and :class:`SeededIds`, which is what lets a
year of cluster life run in a second, and run the same way twice.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import MutableSequence
from typing import Any, Protocol

_UUID1_EPOCH_100NS = 0x01B21DD213814000
"""100 ns intervals between the UUID epoch (1582-10-15) and the Unix epoch. Source: RFC 4122, 4.1.4."""


class Clock(Protocol):
    """Reads the time."""

    def now_s(self) -> float:
        """Return seconds since the Unix epoch."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds that never go back; only differences mean anything."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now_s(self) -> float:
        """Return seconds since the Unix epoch."""
        return time.time()

    def monotonic_s(self) -> float:
        """Return seconds since some fixed point of this boot."""
        return time.monotonic()


class FakeClock:
    """A clock that a test moves by hand."""

    def __init__(self, now_s: float = 1_000_000_000.0) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        """Return the time that was set."""
        return self._now_s

    def monotonic_s(self) -> float:
        """Return the same time: a fake clock never jumps back."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass. :raises ValueError: when time would go back."""
        if seconds < 0:
            raise ValueError(f"time cannot go back by {-seconds} s")
        self._now_s += seconds


class IdSource(Protocol):
    """Makes ids and random choices."""

    def uuid4_text(self) -> str:
        """Return a random UUID, lower case with dashes."""
        ...

    def uuid1_text(self) -> str:
        """Return a time based UUID, as Marathon's instance ids need."""
        ...

    def uuid_bytes(self) -> bytes:
        """Return the 16 bytes of a random UUID, as status updates carry."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """Return a number in [low, high]."""
        ...

    def shuffle(self, items: MutableSequence[Any]) -> None:
        """Put ``items`` into a random order, in place."""
        ...


class SystemIds:
    """Ids that no other process has."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def uuid4_text(self) -> str:
        """Return a random UUID, lower case with dashes."""
        return str(uuid.uuid4())

    def uuid1_text(self) -> str:
        """Return a time based UUID."""
        return str(uuid.uuid1())

    def uuid_bytes(self) -> bytes:
        """Return the 16 bytes of a random UUID."""
        return uuid.uuid4().bytes

    def uniform(self, low: float, high: float) -> float:
        """Return a number in [low, high]."""
        return self._random.uniform(low, high)

    def shuffle(self, items: MutableSequence[Any]) -> None:
        """Put ``items`` into a random order, in place."""
        self._random.shuffle(items)


class SeededIds:
    """The same ids again for the same seed. UUID1 times come from ``clock``."""

    def __init__(self, seed: int, clock: Clock | None = None) -> None:
        self._random = random.Random(seed)
        self._clock = clock or FakeClock()
        self._last_100ns = 0

    def uuid4_text(self) -> str:
        """Return the next UUID of this seed."""
        return str(uuid.UUID(bytes=self._random.randbytes(16), version=4))

    def uuid1_text(self) -> str:
        """Return the next time based UUID; times of one source never repeat."""
        at = int(self._clock.now_s() * 10_000_000) + _UUID1_EPOCH_100NS
        at = max(at, self._last_100ns + 1)
        self._last_100ns = at
        fields = (at & 0xFFFFFFFF, (at >> 32) & 0xFFFF, (at >> 48) & 0x0FFF, 0x80, 0, 0x0242AC110002)
        return str(uuid.UUID(fields=fields, version=1))

    def uuid_bytes(self) -> bytes:
        """Return the next 16 bytes of this seed."""
        return self._random.randbytes(16)

    def uniform(self, low: float, high: float) -> float:
        """Return the next number in [low, high]."""
        return self._random.uniform(low, high)

    def shuffle(self, items: MutableSequence[Any]) -> None:
        """Put ``items`` into this seed's next order, in place."""
        self._random.shuffle(items)
