"""Tables: SQLite in the data folder on one machine, PostgreSQL where a URL is given."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from lucidray.core.errors import Permanent, Transient

BUSY_SECONDS = 30.0


def open_database(data: Path, name: str, metadata: MetaData, url: str = "") -> Engine:
    """Engine of one service's own database, its tables made if missing.

    Parameters
    ----------
    data
        Folder of the embedded databases.
    name
        Service; names the file.
    metadata
        The tables.
    url
        SQLAlchemy URL; empty for the embedded file.

    Raises
    ------
    Permanent
        The URL is none, or its driver is not installed. Neither error quotes it: it may hold a password.
    Transient
        The database does not answer.
    """
    try:
        engine = _engine(data, name, url)
        metadata.create_all(engine)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise Permanent(
            f"database URL of {name}",
            f"it cannot be used ({type(error).__name__})",
            "write for example postgresql+psycopg://user:password@host/name",
        ) from None
    except (SQLAlchemyError, OSError) as error:
        raise Transient(
            name,
            f"its database does not answer ({type(error).__name__})",
            "see that it runs, and that its URL and the rights of this user are right",
        ) from None
    return engine


def _engine(data: Path, name: str, url: str) -> Engine:
    if not url:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        url = f"sqlite:///{data / name}.db"
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS} if url.startswith("sqlite") else {})
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _durable)
        event.listen(engine, "begin", _begin_immediate)
    return engine


def _durable(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # A deferred transaction that turns from reading to writing can fail without waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
