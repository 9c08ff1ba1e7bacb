"""Messages that are written in the transaction that causes them, and published after it."""

from sqlalchemy import Connection, Engine, delete, insert, select

from lucidray.bus.base import Producer
from lucidray.core import metrics
from lucidray.core.faults import commit_point
from lucidray.dispatch import tables

BATCH = 500


def add(connection: Connection, topic: str, key: str, value: bytes) -> None:
    """Queue a message within a transaction."""
    connection.execute(insert(tables.outbox).values(topic=topic, key=key, value=value))


def relay(engine: Engine, producer: Producer) -> int:
    """Publish what is queued; number of messages. A crash in between publishes some twice."""
    with engine.begin() as connection:
        rows = connection.execute(select(tables.outbox).order_by(tables.outbox.c.id).limit(BATCH)).all()
    metrics.OUTBOX_PENDING.labels("dispatch").set(len(rows))
    if not rows:
        return 0
    commit_point("dispatch.opened")
    for row in rows:
        # The topics of steps are unkeyed, so that any free worker may take the next case.
        key = None if row.topic.startswith("lucidray.step.") else row.key.encode()
        producer.send(row.topic, row.value, key=key)
    producer.flush()
    commit_point("dispatch.published")
    with engine.begin() as connection:
        connection.execute(delete(tables.outbox).where(tables.outbox.c.id.in_([row.id for row in rows])))
    return len(rows)
