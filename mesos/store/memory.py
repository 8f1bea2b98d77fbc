"""A store that forgets: for tests, and for programs whose operator wants no durability."""

from __future__ import annotations

from collections.abc import Sequence

from mesos.effects import Put, Write
from mesos.store.base import StoreError, check_key


class MemoryStore:
    """Keeps everything in a dict.

    :param rows: the table to work on; handing the same dict to a second store stands for opening it again.
    """

    def __init__(self, rows: dict[str, bytes] | None = None) -> None:
        self._rows = {} if rows is None else rows
        self._closed = False

    async def load(self, prefix: str = "") -> dict[str, bytes]:
        """Return every key below ``prefix`` with its value."""
        return {key: value for key, value in self._rows.items() if key.startswith(prefix)}

    async def get(self, key: str) -> bytes | None:
        """Return the value of ``key``, if any."""
        return self._rows.get(key)

    async def write(self, batch: Sequence[Write]) -> None:
        """Apply ``batch``. :raises StoreError: after ``close``, or for an empty key."""
        if self._closed:
            raise StoreError("the store is closed")
        for write in batch:
            check_key(write.key)
        for write in batch:
            if isinstance(write, Put):
                self._rows[write.key] = write.value
            else:
                self._rows.pop(write.key, None)

    async def close(self) -> None:
        """Take no more writes."""
        self._closed = True
