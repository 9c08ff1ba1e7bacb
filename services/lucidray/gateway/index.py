"""Which objects this gateway has acknowledged, and what of them is not published yet."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from lucidray.core.clock import Clock
from lucidray.gateway.tables import instance, outbox

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Arrival:
    """A durable object that waits for its row."""

    instance_key: str
    byte_digest: str
    study_key: str
    series_key: str
    size: int
    spool_name: str


@dataclass(frozen=True)
class Pending:
    """A row that is not published."""

    id: int
    instance_key: str
    byte_digest: str
    study_key: str
    size: int
    spool_name: str
    accepted_at: int


@dataclass(frozen=True)
class Version:
    """Another object under the same SOPInstanceUID, held before."""

    id: int
    object_key: str | None
    content_digest: str | None


@dataclass(frozen=True)
class Relayed:
    """What became of a pending row."""

    id: int
    object_key: str | None  # None: it said nothing new and is not stored
    content_digest: str | None
    conflicting: bool


@dataclass(frozen=True)
class Message:
    """A row of the outbox."""

    id: int
    topic: str
    key: str
    value: bytes


class InstanceIndex:
    """Reads and writes the tables for one gateway. Safe for use by several threads."""

    def __init__(self, engine: Engine, gateway_id: str, clock: Clock) -> None:
        self._engine = engine
        self._gateway_id = gateway_id
        self._clock = clock
        # A row must not become visible with a time for which a watermark was already given.
        self._time = threading.Lock()
        self._promised = 0

    def accept(self, arrivals: Sequence[Arrival], holds: Callable[[str], bool]) -> list[bool]:
        """Write one row for each; False where the very same bytes are known already and were not lost.

        Parameters
        ----------
        holds
            Whether this gateway's spool holds an object of that name.

        Raises
        ------
        SQLAlchemyError
            Nothing was written, or (PostgreSQL, connection lost) it is not known.
        """
        try:
            return self._accept(arrivals, holds)
        except IntegrityError:  # another gateway was quicker with the same bytes: now they are seen
            return self._accept(arrivals, holds)

    def _accept(self, arrivals: Sequence[Arrival], holds: Callable[[str], bool]) -> list[bool]:
        new: list[bool] = []
        with self._time, self._engine.begin() as connection:
            accepted_at = max(microseconds(self._clock.now()), self._promised)
            for arrival in arrivals:
                values = {"gateway_id": self._gateway_id, "accepted_at": accepted_at, "published_at": None}
                known = connection.execute(
                    select(instance).where(
                        instance.c.instance_key == arrival.instance_key, instance.c.byte_digest == arrival.byte_digest
                    )
                ).one_or_none()
                if known is None:
                    connection.execute(insert(instance).values(conflicting=False, **values, **vars(arrival)))
                    new.append(True)
                elif self._was_lost(known, holds):
                    again = (instance.c.id == known.id) & (instance.c.spool_name == known.spool_name)
                    changed = connection.execute(
                        update(instance).where(again).values(spool_name=arrival.spool_name, **values)
                    )
                    new.append(changed.rowcount == 1)
                else:
                    new.append(False)
        return new

    def _was_lost(self, row: Row[Any], holds: Callable[[str], bool]) -> bool:
        """Whether an acknowledged object is gone before it was published; another gateway's: whether that is told."""
        if row.spool_name is None:
            return False
        return row.published_at is not None or (row.gateway_id == self._gateway_id and not holds(row.spool_name))

    def lose(self, row: Pending, topic: str, key: str, value: bytes) -> bool:
        """Give up an object that is gone from the spool and queue a message about it; False if it came again."""
        same = (instance.c.id == row.id) & (instance.c.spool_name == row.spool_name)
        with self._engine.begin() as connection:
            now = microseconds(self._clock.now())
            lost = connection.execute(update(instance).where(same).values(published_at=now)).rowcount == 1
            if lost:
                connection.execute(insert(outbox).values(self._message(topic, key, value)))
        return lost

    def reclaim(self, holds: Callable[[str], bool]) -> int:
        """Relay what was given up and lies in the spool after all (a disk that was not mounted); how many."""
        lost = (
            (instance.c.gateway_id == self._gateway_id)
            & instance.c.spool_name.is_not(None)
            & instance.c.published_at.is_not(None)
        )
        with self._time, self._engine.begin() as connection:
            accepted_at = max(microseconds(self._clock.now()), self._promised)
            rows = connection.execute(select(instance.c.id, instance.c.spool_name).where(lost)).all()
            found = [row.id for row in rows if holds(row.spool_name)]
            for row_id in found:
                connection.execute(
                    update(instance).where(instance.c.id == row_id).values(published_at=None, accepted_at=accepted_at)
                )
        return len(found)

    def watermark(self) -> datetime:
        """A time before which nothing was accepted that is not published; none will be."""
        with self._time, self._engine.begin() as connection:
            oldest = connection.scalar(select(func.min(instance.c.accepted_at)).where(self._unpublished()))
            self._promised = max(microseconds(self._clock.now()) if oldest is None else oldest, self._promised)
            return moment(self._promised)

    def pending(self, limit: int) -> list[Pending]:
        """Unpublished rows, oldest first."""
        columns = [instance.c[name] for name in Pending.__dataclass_fields__]
        with self._engine.begin() as connection:
            rows = connection.execute(select(*columns).where(self._unpublished()).order_by(instance.c.id).limit(limit))
            return [Pending(**row._mapping) for row in rows]

    def count_pending(self) -> int:
        """Number of unpublished rows."""
        with self._engine.begin() as connection:
            return int(connection.scalar(select(func.count(instance.c.id)).where(self._unpublished())) or 0)

    def versions(self, row: Pending) -> list[Version]:
        """What was accepted before `row` under its instance key and was not dropped."""
        columns = [instance.c[name] for name in Version.__dataclass_fields__]
        dropped = instance.c.published_at.is_not(None) & instance.c.object_key.is_(None)
        with self._engine.begin() as connection:
            rows = connection.execute(
                select(*columns).where(instance.c.instance_key == row.instance_key, instance.c.id < row.id, ~dropped)
            )
            return [Version(**each._mapping) for each in rows]

    def remember_content(self, version: Version, content_digest: str) -> None:
        """Keep the content digest of an older version."""
        with self._engine.begin() as connection:
            connection.execute(
                update(instance).where(instance.c.id == version.id).values(content_digest=content_digest)
            )

    def mark(self, relayed: Sequence[Relayed]) -> None:
        """The rows are published (or dropped) and leave the spool."""
        with self._engine.begin() as connection:
            now = microseconds(self._clock.now())
            for each in relayed:
                connection.execute(
                    update(instance)
                    .where(instance.c.id == each.id)
                    .values(
                        object_key=each.object_key,
                        content_digest=each.content_digest,
                        conflicting=each.conflicting,
                        published_at=now,
                        spool_name=None,
                    )
                )

    def spooled(self) -> set[str]:
        """Names of the objects that the spool must hold."""
        held = (instance.c.gateway_id == self._gateway_id) & instance.c.spool_name.is_not(None)
        with self._engine.begin() as connection:
            return {str(row.spool_name) for row in connection.execute(select(instance.c.spool_name).where(held))}

    def queue(self, topic: str, key: str, value: bytes) -> None:
        """Put a message into the outbox."""
        with self._engine.begin() as connection:
            connection.execute(insert(outbox).values(self._message(topic, key, value)))

    def queued(self, limit: int) -> list[Message]:
        """The oldest messages of the outbox."""
        columns = [outbox.c[name] for name in Message.__dataclass_fields__]
        mine = outbox.c.gateway_id == self._gateway_id
        with self._engine.begin() as connection:
            rows = connection.execute(select(*columns).where(mine).order_by(outbox.c.id).limit(limit))
            return [Message(**row._mapping) for row in rows]

    def unqueue(self, messages: Sequence[Message]) -> None:
        """They are published."""
        with self._engine.begin() as connection:
            connection.execute(delete(outbox).where(outbox.c.id.in_([message.id for message in messages])))

    def _message(self, topic: str, key: str, value: bytes) -> dict[str, Any]:
        return {"gateway_id": self._gateway_id, "topic": topic, "key": key, "value": value}

    def _unpublished(self) -> ColumnElement[bool]:
        return (instance.c.gateway_id == self._gateway_id) & instance.c.published_at.is_(None)


def microseconds(time: datetime) -> int:
    """Since 1970, UTC."""
    return (time - EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """The inverse of `microseconds`."""
    return EPOCH + timedelta(microseconds=value)
