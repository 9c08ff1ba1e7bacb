"""Group commit: one thread a process and database writes what all its threads hand in.

A synced commit costs the disk's latency, however much is in it. While one is under way,
what arrives gathers in the next batch; so many producers that each wait for their own
record share commits, and a single one does not wait for company.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lucidray.bus.sqlite.database import connect, failures, transaction
from lucidray.bus.sqlite.log import NewRecord, append, trim
from lucidray.bus.sqlite.watch import Watch
from lucidray.core.logging import get

# Beyond this a sender waits until the thread took the batch: memory stays bounded.
BATCH_RECORDS = 5_000
BATCH_BYTES = 32 * 1024 * 1024
TRIM_EVERY_SECONDS = 600.0

Result = TypeVar("Result")
Action = Callable[[sqlite3.Connection], Result]


class Batch:
    """What goes into one transaction."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.actions: list[tuple[Action[Any], Future[Any]]] = []
        self.size = 0
        self.failed: set[Callable[[Exception], None]] = set()
        self.done = threading.Event()

    @property
    def full(self) -> bool:
        """Whether senders must wait for the next batch."""
        return len(self.records) >= BATCH_RECORDS or self.size >= BATCH_BYTES


class Writer:
    """The thread, its connection and the batch that gathers."""

    _shared: dict[tuple[int, Path], "Writer"] = {}  # by process too: threads do not survive a fork
    _shared_lock = threading.Lock()

    @classmethod
    def shared(cls, path: Path, retention_seconds: float) -> "Writer":
        """This process's writer for a file; `release` it as often as it was asked for."""
        key = (os.getpid(), path.resolve())
        with cls._shared_lock:
            writer = cls._shared.get(key) or cls(path.resolve(), retention_seconds)
            cls._shared[key] = writer
            writer._users += 1
            return writer

    def __init__(self, path: Path, retention_seconds: float) -> None:
        self._path = path
        self._retention = retention_seconds
        self._users = 0
        self._condition = threading.Condition()
        self._open = Batch()
        self._closing = False
        self._next_trim = time.monotonic() + TRIM_EVERY_SECONDS
        self._connection = connect(path, durable=True)
        self.watch = Watch(path)
        self._thread = threading.Thread(target=self._run, name=f"bus-writer {path.name}", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Stop after the last user; what was handed in is written first."""
        with self._shared_lock:
            self._users -= 1
            if self._users:
                return
            del self._shared[os.getpid(), self._path]
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self._thread.join()
        self._connection.close()
        self.watch.close()

    def append(self, record: NewRecord, failed: Callable[[Exception], None]) -> Batch:
        """Hand in a record; `failed` is called if its batch cannot be written.

        Returns
        -------
        Batch
            Its `done` is set when the record is durable or has failed.
        """
        with self._condition:
            self._check_open()
            while self._open.full:
                self._condition.wait()
            batch = self._open
            first = not batch.records and not batch.actions
            batch.records.append(record)
            batch.size += len(record.value)
            batch.failed.add(failed)
            if first:
                self._condition.notify_all()
            return batch

    def run(self, action: Action[Result]) -> Result:
        """Run `action` in the next transaction; return its result when it is durable.

        The action must check before it writes: what it raises is raised here and does not
        undo the transaction, which it shares with others.

        Raises
        ------
        Transient, Permanent
            The transaction failed.
        """
        future: Future[Result] = Future()
        with self._condition:
            self._check_open()
            self._open.actions.append((action, future))
            self._condition.notify_all()
        return future.result()

    def _check_open(self) -> None:
        if self._closing:
            raise RuntimeError("this bus is closed")

    def _run(self) -> None:
        while True:
            with self._condition:
                while not (self._open.records or self._open.actions or self._closing or self._trim_due()):
                    self._condition.wait(max(0.0, self._next_trim - time.monotonic()))
                batch, self._open = self._open, Batch()
                self._condition.notify_all()  # senders that wait for room
                closing = self._closing
            if batch.records or batch.actions:
                self._write(batch)
            elif closing:
                return
            if self._trim_due():
                self._trim()

    def _write(self, batch: Batch) -> None:
        outcomes: list[Callable[[], None]] = []
        try:
            with failures(self._path), transaction(self._connection):
                append(self._connection, batch.records, time.time())
                outcomes = [_attempt(action, future, self._connection) for action, future in batch.actions]
        except Exception as error:  # of whatever kind: the thread must live, and its users must learn
            outcomes = [partial(future.set_exception, error) for _, future in batch.actions]
            for failed in batch.failed:
                failed(error)
        for tell in outcomes:  # now that it is durable
            tell()
        batch.done.set()

    def _trim_due(self) -> bool:
        return time.monotonic() >= self._next_trim

    def _trim(self) -> None:
        self._next_trim = time.monotonic() + TRIM_EVERY_SECONDS
        try:
            with failures(self._path), transaction(self._connection):
                if trim(self._connection, time.time() - self._retention):
                    self._next_trim = time.monotonic()  # there may be more: after what waits now
        except Exception as error:
            get(__name__).warning("bus-trim-failed", error=error)


def _attempt(action: Action[Any], future: Future[Any], connection: sqlite3.Connection) -> Callable[[], None]:
    try:
        return partial(future.set_result, action(connection))
    except sqlite3.Error:
        raise  # the transaction itself is in doubt
    except Exception as error:
        return partial(future.set_exception, error)
