"""The file: its tables, connections and transactions.

Everything lies in one database in WAL mode (https://sqlite.org/wal.html). How durable a
commit is depends on the connection that makes it: records and offsets are written with
``synchronous=FULL`` (synced before the commit returns), group membership with ``NORMAL``
(not synced). An unsynced commit can be lost with the machine's power, never tear the file;
and after a power cut every member is dead, so its membership was void anyway.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lucidray.core.errors import Permanent, Transient

BUSY_SECONDS = 30.0
SCHEMA_VERSION = 1

# A record's position is its partition's id and its offset in one integer, so that each
# partition is one contiguous range of the table's own B-tree and needs no further index.
OFFSET_BITS = 40

SCHEMA = """
CREATE TABLE partition (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL, next_offset INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, number));
CREATE TABLE record (
    position INTEGER PRIMARY KEY, stored_at REAL NOT NULL, key BLOB, value BLOB NOT NULL, headers TEXT);
CREATE TABLE consumer_group (name TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE subscription (
    group_name TEXT NOT NULL, topic TEXT NOT NULL, PRIMARY KEY (group_name, topic)) WITHOUT ROWID;
CREATE TABLE committed (
    group_name TEXT NOT NULL, partition_id INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    PRIMARY KEY (group_name, partition_id)) WITHOUT ROWID;
CREATE TABLE member (
    incarnation TEXT PRIMARY KEY, group_name TEXT NOT NULL, name TEXT NOT NULL, topics TEXT NOT NULL,
    renewed REAL NOT NULL, lease REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE claim (
    group_name TEXT NOT NULL, partition_id INTEGER NOT NULL, incarnation TEXT NOT NULL,
    PRIMARY KEY (group_name, partition_id)) WITHOUT ROWID;
"""


def connect(path: Path, *, durable: bool) -> sqlite3.Connection:
    """Open the database; make it if it is missing.

    Parameters
    ----------
    path
        The file. Its folder must be on a local disk.
    durable
        Whether commits of this connection are synced to the disk.

    Raises
    ------
    Permanent, Transient
        As `failures` says.
    """
    with failures(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _enter_wal(connection)
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            _make_tables(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def _enter_wal(connection: sqlite3.Connection) -> None:
    # Turning WAL on does not wait for others that do the same (no busy handler): try again.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection) == 0:
        with transaction(connection):
            if _version(connection) == 0:  # nobody was faster
                for statement in filter(str.strip, SCHEMA.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    if _version(connection) != SCHEMA_VERSION:
        raise Permanent(
            f"bus {path}",
            f"it has format {_version(connection)}, this version reads {SCHEMA_VERSION}",
            "run the version that wrote it, or name another file in bus.path",
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write alone: nobody else writes until the block ends; an exception undoes it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def failures(path: Path) -> Iterator[None]:
    """Say what SQLite's errors mean for us.

    Raises
    ------
    Transient
        The disk is full or failed, or others held the file for too long.
    Permanent
        The file is damaged, is no database, or may not be written.
    """
    try:
        yield
    except OSError as error:
        raise Permanent(
            f"bus {path}", f"its folder cannot be made ({error.strerror})", "name another file in bus.path"
        ) from error
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorname", "")
        if code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
            raise Permanent(
                f"bus {path}", f"it may not be opened for writing ({code})", "correct its owner and permissions"
            ) from error
        raise Transient(
            f"bus {path}", f"{error} ({code})", "make room on its disk, and keep it off network shares"
        ) from error
    except sqlite3.ProgrammingError:
        raise  # a mistake of ours, such as use after close
    except sqlite3.DatabaseError as error:
        raise Permanent(
            f"bus {path}", f"it cannot be read ({error})", "move it away and restart; the ledger's archive has the past"
        ) from error
