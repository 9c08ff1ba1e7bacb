"""Reads the ledger's topic into the projection."""

import threading
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from lucidray.bus.base import Bus, Consumer, NotOwner, Record, TopicPartition
from lucidray.console.projection import Projection
from lucidray.core import logging, topics
from lucidray.core.errors import Transient

log = logging.get(__name__)

GROUP = "console"
POLL_SECONDS = 0.2
PAUSE_SECONDS = 2.0


class Follower:
    """Follows the ledger in a thread until `stop` is set. Offsets are committed after the transaction."""

    def __init__(self, bus: Bus, projection: Projection, stop: threading.Event) -> None:
        self._bus = bus
        self._projection = projection
        self._stop = stop
        # A new or cleared database: the group's offsets say nothing about it.
        self._rewind = projection.empty
        self._rewound: set[TopicPartition] = set()
        self.reading = False

    def run(self) -> None:
        """Follow; a failure of the database or the bus is waited out."""
        while not self._stop.is_set():
            try:
                with self._bus.consumer(GROUP, [topics.LEDGER]) as consumer:
                    self._follow(consumer)
            except (SQLAlchemyError, Transient) as error:
                self.reading = False
                log.error("projection-interrupted", error=error)
                self._stop.wait(PAUSE_SECONDS)
        self.reading = False

    def catch_up(self, consumer: Consumer, seconds: float = POLL_SECONDS) -> int:
        """Take what is there; number of records."""
        records = consumer.poll(seconds)
        if records:
            self._projection.take(record.value for record in records)
        new = consumer.assignment() - self._rewound if self._rewind else frozenset[TopicPartition]()
        for source in new:
            consumer.seek(source, 0)  # what was read of it comes again, which changes nothing
        self._rewound |= new
        _commit(consumer, [record for record in records if record.source not in new])
        return len(records)

    def _follow(self, consumer: Consumer) -> None:
        while not self._stop.is_set():
            self.catch_up(consumer)
            self.reading = True


def _commit(consumer: Consumer, records: Sequence[Record]) -> None:
    offsets: dict[TopicPartition, int] = {}
    for record in records:
        offsets[record.source] = max(offsets.get(record.source, 0), record.offset + 1)
    if not offsets:
        return
    try:
        consumer.commit(offsets)
    except NotOwner:
        log.info("partition-lost")  # its next owner reads the lines again, which changes nothing
