"""A store that fails when a test says so, around one that works."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mesos.effects import Write
from mesos.store.base import Store, StoreError


class FailingStore:
    """Passes everything on to ``inner`` until its plan says fail.

    :param plan: for each call of ``write`` in turn the error it raises, or ``None`` to let it through; calls beyond
        the plan go through. After a failure every later write fails too, as with any store.
    """

    def __init__(self, inner: Store, plan: Iterable[StoreError | None] = ()) -> None:
        self._inner = inner
        self._plan = iter(plan)
        self._failed: StoreError | None = None

    def fail(self, error: StoreError) -> None:
        """Let every write from now on raise ``error``."""
        self._failed = error

    async def load(self, prefix: str = "") -> dict[str, bytes]:
        """Return what ``inner`` holds below ``prefix``."""
        return await self._inner.load(prefix)

    async def get(self, key: str) -> bytes | None:
        """Return what ``inner`` holds under ``key``."""
        return await self._inner.get(key)

    async def write(self, batch: Sequence[Write]) -> None:
        """Fail by the plan, writing nothing; otherwise pass ``batch`` on."""
        if self._failed is None:
            self._failed = next(self._plan, None)
        if self._failed is not None:
            raise self._failed
        await self._inner.write(batch)

    async def close(self) -> None:
        """Close ``inner``."""
        await self._inner.close()
