"""A store in one SQLite file: the durable default where there is no ZooKeeper.

One thread owns the connection. Whatever batches have gathered while it was waiting for the disk go into the next
transaction together, so the price of one flush is shared by everybody who writes at that moment. WAL with
``synchronous=FULL`` flushes once per transaction and survives the loss of power.

A lock on ``<path>.lock`` keeps a second writer out; the kernel lets go of it when the process ends, however it ends.
The file itself stays open to readers such as the ``sqlite3`` shell.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mesos.effects import Put, Write
from mesos.store.base import Fenced, StoreError, check_key

MAX_GROUP = 4096
"""Batches in one transaction; bounds how long the first of them waits for the others."""

_LAST_CHARACTER = chr(0x10FFFF)
_SCHEMA = "CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
_PUT = "INSERT INTO rows (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_DELETE = "DELETE FROM rows WHERE key = ?"


class SqliteStore:
    """Keeps rows in the file ``path``, whose directory is made when it is missing. Made with :meth:`open`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._failed: StoreError | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"sqlite {path}", daemon=True)
        self._ready: asyncio.Future[Any] = self._loop.create_future()

    @classmethod
    async def open(cls, path: str) -> SqliteStore:
        """Open or create the file.

        :raises Fenced: when another process writes to it.
        :raises StoreError: when it cannot be opened.
        """
        store = cls(path)
        store._thread.start()
        await store._ready
        return store

    async def load(self, prefix: str = "") -> dict[str, bytes]:
        """Return every key below ``prefix`` with its value, in the order of the keys."""
        rows: dict[str, bytes] = await self._submit(_Job(self._future(), read=lambda db: _load(db, prefix)))
        return rows

    async def get(self, key: str) -> bytes | None:
        """Return the value of ``key``, if any."""
        value: bytes | None = await self._submit(_Job(self._future(), read=lambda db: _get(db, key)))
        return value

    async def write(self, batch: Sequence[Write]) -> None:
        """Make ``batch`` durable together with whatever else is waiting."""
        for write in batch:
            check_key(write.key)
        await self._submit(_Job(self._future(), writes=tuple(batch)))

    async def close(self) -> None:
        """Finish what waits, close the file and release the lock."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _future(self) -> asyncio.Future[Any]:
        return self._loop.create_future()

    def _submit(self, job: _Job) -> asyncio.Future[Any]:
        if self._closed:
            raise StoreError("the store is closed")
        self._jobs.put(job)
        return job.done

    def _run(self) -> None:
        """Own the connection until the store is closed. Runs in the store's thread."""
        try:
            lock = _lock(self._path)
            db = _connect(self._path)
        except (OSError, sqlite3.Error, StoreError) as error:
            failed = error if isinstance(error, StoreError) else StoreError(f"cannot open {self._path}: {error}")
            self._finish([(self._ready, None, failed)])
            return
        self._finish([(self._ready, None, None)])
        try:
            while self._serve(db):
                pass
        finally:
            db.close()
            os.close(lock)

    def _serve(self, db: sqlite3.Connection) -> bool:
        """Take what waits and do it. Return whether to go on."""
        jobs, go_on = self._take()
        outcomes: list[_Outcome] = []
        writers: list[_Job] = []
        for job in jobs:
            if job.read is None:
                writers.append(job)
                continue
            outcomes += self._commit(db, writers)
            writers = []
            outcomes.append(_read(db, job))
        outcomes += self._commit(db, writers)
        self._finish(outcomes)
        return go_on

    def _take(self) -> tuple[list[_Job], bool]:
        jobs: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == MAX_GROUP or self._jobs.empty():
                return jobs, True
            job = self._jobs.get()
        return jobs, False

    def _commit(self, db: sqlite3.Connection, jobs: list[_Job]) -> list[_Outcome]:
        """Make the batches of ``jobs`` durable in one transaction; when it fails, so does everything after it."""
        if jobs and self._failed is None:
            try:
                with db:
                    db.execute("BEGIN IMMEDIATE")
                    for job in jobs:
                        _apply(db, job.writes)
            except Exception as error:  # whatever it is, the thread has to live and the writers have to hear of it
                self._failed = StoreError(f"cannot write {self._path}: {error}")
        return [(job.done, None, self._failed) for job in jobs]

    def _finish(self, outcomes: list[_Outcome]) -> None:
        """Cross over to the loop once for all of ``outcomes``."""
        try:
            self._loop.call_soon_threadsafe(_settle, outcomes)
        except RuntimeError:
            return  # the loop is closed, and with it everybody who waited


class _Job:
    """Something the thread is to do: a batch to write, or a question."""

    __slots__ = ("done", "read", "writes")

    def __init__(
        self,
        done: asyncio.Future[Any],
        *,
        writes: tuple[Write, ...] = (),
        read: Callable[[sqlite3.Connection], Any] | None = None,
    ) -> None:
        self.done, self.writes, self.read = done, writes, read


_Outcome = tuple[asyncio.Future[Any], Any, StoreError | None]


def _settle(outcomes: list[_Outcome]) -> None:
    for future, value, error in outcomes:
        if future.done():
            continue  # the caller was cancelled
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)


def _lock(path: str) -> int:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Fenced(f"another process writes to {path}") from None
    return lock


def _connect(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(_SCHEMA)
    return db


def _read(db: sqlite3.Connection, job: _Job) -> _Outcome:
    assert job.read is not None
    try:
        return job.done, job.read(db), None
    except Exception as error:
        return job.done, None, StoreError(f"cannot read: {error}")


def _apply(db: sqlite3.Connection, writes: Sequence[Write]) -> None:
    for write in writes:
        if isinstance(write, Put):
            db.execute(_PUT, (write.key, write.value))
        else:
            db.execute(_DELETE, (write.key,))


def _load(db: sqlite3.Connection, prefix: str) -> dict[str, bytes]:
    rows = db.execute(
        "SELECT key, value FROM rows WHERE key >= ? AND key < ? ORDER BY key", (prefix, prefix + _LAST_CHARACTER)
    )
    return dict(rows.fetchall())


def _get(db: sqlite3.Connection, key: str) -> bytes | None:
    row = db.execute("SELECT value FROM rows WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]
