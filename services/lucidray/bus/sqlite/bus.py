"""The SQLite bus and its producers."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lucidray.bus.base import Bus, Consumer, Producer, TopicPartition, TopicSpec
from lucidray.bus.failures import Failures
from lucidray.bus.partitioning import Partitioner, check_size
from lucidray.bus.sqlite import log
from lucidray.bus.sqlite.consumer import SqliteConsumer
from lucidray.bus.sqlite.database import connect, failures
from lucidray.bus.sqlite.heartbeat import Heartbeat
from lucidray.bus.sqlite.writer import Batch, Writer
from lucidray.core.errors import Permanent, Transient

LEASE_SECONDS = 5.0
RETENTION_DAYS = 7.0
FLUSH_SECONDS = 60.0
SECONDS_A_DAY = 86_400


class SqliteProducer(Producer):
    """Hands records to the process's writer, which begins at once."""

    def __init__(self, path: Path, writer: Writer) -> None:
        self._path = path
        self._writer = writer
        self._partitioner = Partitioner()
        self._failures = Failures()
        self._failed = self._failures.record
        self._topics: dict[str, list[int]] = {}
        self._last: Batch | None = None

    def send(
        self,
        topic: str,
        value: bytes,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> None:
        headers = headers or {}
        check_size(topic, key, value, headers)
        identifiers = self._topics.get(topic) or self._look_up(topic)
        number = self._partitioner.choose(topic, len(identifiers), key, partition)
        self._failures.begin()
        record = log.NewRecord(identifiers[number], key, value, log.encode_headers(headers))
        self._last = self._writer.append(record, self._failed)

    def flush(self) -> None:
        # Batches are written in order: with the last one that holds a record of ours, all are.
        if self._last is not None and not self._last.done.wait(FLUSH_SECONDS):
            raise Transient(
                f"bus {self._path}", f"records were not written in {FLUSH_SECONDS:g} s", "look for what holds its disk"
            )
        error = self._failures.take()
        if error is not None:
            raise error

    def close(self) -> None:
        self.flush()

    def _look_up(self, topic: str) -> list[int]:
        with failures(self._path):
            connection = connect(self._path, durable=False)
            try:
                identifiers = log.partition_ids(connection, topic)
            finally:
                connection.close()
        if not identifiers:
            raise Permanent(f"topic {topic}", "it does not exist", "create it with ensure_topics first")
        self._topics[topic] = identifiers
        return identifiers


class SqliteBus(Bus):
    """A log in one file, for the processes of one machine.

    Parameters
    ----------
    path
        The file, on a local disk; made if it is missing.
    lease
        Seconds after which a silent member is dead.
    retention_days
        Records that every group has read are deleted when so old.

    Raises
    ------
    Permanent
        The file cannot be used.
    """

    def __init__(self, path: Path, *, lease: float = LEASE_SECONDS, retention_days: float = RETENTION_DAYS) -> None:
        self._path = path
        self._heartbeat = Heartbeat(path, lease)
        self._writer = Writer.shared(path, retention_days * SECONDS_A_DAY)
        self._connection = connect(path, durable=False)
        self._closed = False

    def ensure_topics(self, topics: Iterable[TopicSpec]) -> None:
        wanted = list(topics)
        self._writer.run(lambda connection: log.create_topics(connection, wanted))

    def producer(self) -> Producer:
        return SqliteProducer(self._path, self._writer)

    def consumer(self, group: str, topics: Sequence[str], *, member: str = "") -> Consumer:
        return SqliteConsumer(self._path, self._writer, self._heartbeat, group, topics, member)

    def lag(self, group: str, topics: Sequence[str]) -> dict[TopicPartition, int]:
        with failures(self._path):
            return log.lag(self._connection, group, topics)

    def trim(self, before: float) -> int:
        """Delete records stored before `before` (seconds since the epoch) that all groups have read.

        The writer does so by itself; this is for tools. Returns how many were deleted.
        """
        total = 0
        while deleted := self._writer.run(lambda connection: log.trim(connection, before)):
            total += deleted
        return total

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._heartbeat.close()
        self._connection.close()
        self._writer.release()
