"""A member of a consumer group on the SQLite bus."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lucidray.bus.base import Consumer, NotOwner, Record, TopicPartition
from lucidray.bus.sqlite import log, membership
from lucidray.bus.sqlite.database import connect, failures, transaction
from lucidray.bus.sqlite.heartbeat import Heartbeat
from lucidray.bus.sqlite.membership import Claims, Expelled
from lucidray.bus.sqlite.writer import Writer
from lucidray.core.errors import Permanent


class SqliteConsumer(Consumer):
    """Reads the file when the process's `Watch` saw a commit."""

    def __init__(
        self, path: Path, writer: Writer, heartbeat: Heartbeat, group: str, topics: Sequence[str], name: str
    ) -> None:
        self._path = path
        self._writer = writer
        self._watch = writer.watch
        self._heartbeat = heartbeat
        self._group = group
        self._topics = tuple(topics)
        self._name = name
        self._connection = connect(path, durable=False)
        self._claims = Claims(-1, {})
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._pause_new = False
        self._seen_version = -1
        self._next_check = 0.0
        self._first = 0
        self._closed = False
        self._join()

    def poll(self, timeout: float, max_records: int = 500) -> Sequence[Record]:
        deadline = time.monotonic() + timeout
        while True:
            seen = self._watch.changes  # before looking: a commit after it wakes us
            with failures(self._path):
                changed = self._changed()
                self._keep_claims(changed)
                records = self._read(max_records) if changed else []
            left = deadline - time.monotonic()
            if records or left <= 0:
                return records
            self._watch.wait(seen, min(left, self._heartbeat.interval))  # in between, to see who is dead

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        lost = [source for source in offsets if source not in self._claims.partitions]
        if lost:
            raise NotOwner(*lost)
        partitions = {source: (self._claims.partitions[source], offset) for source, offset in offsets.items()}
        if partitions:
            self._writer.run(lambda connection: log.commit(connection, self._group, self._incarnation, partitions))

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._claims.partitions)

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        self._paused |= self._claims.partitions.keys() & set(partitions)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        self._paused -= set(partitions)
        self._seen_version = -1  # what waits there was seen and passed over

    def pause_on_assign(self, pause: bool) -> None:
        self._pause_new = pause

    def seek(self, source: TopicPartition, offset: int) -> None:
        if source not in self._claims.partitions:
            raise NotOwner(source)
        self._positions[source] = offset
        self._seen_version = -1

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._heartbeat.forget(self._incarnation)
        self._claims = Claims(-1, {})
        try:
            with failures(self._path), transaction(self._connection):
                membership.leave(self._connection, self._group, self._incarnation)
        finally:
            self._connection.close()

    def _join(self) -> None:
        self._adopt(Claims(-1, {}))
        with failures(self._path), transaction(self._connection):
            self._incarnation = membership.join(
                self._connection, self._group, self._name, self._topics, self._heartbeat.lease, time.monotonic()
            )
        self._heartbeat.polled(self._incarnation)

    def _changed(self) -> bool:
        """Whether there may be news since `_read` found nothing."""
        version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        changed = version != self._seen_version
        self._seen_version = version
        return changed

    def _keep_claims(self, changed: bool) -> None:
        now = time.monotonic()
        self._heartbeat.polled(self._incarnation)
        due = now >= self._next_check
        if not (due or changed):
            return
        if due:
            self._next_check = now + self._heartbeat.interval
        if membership.generation(self._connection, self._group) != self._claims.generation or (
            due and membership.stale(self._connection, self._group, now)
        ):
            self._rebalance()

    def _rebalance(self) -> None:
        try:
            with transaction(self._connection):
                claims = membership.rebalance(self._connection, self._group, self._incarnation, time.monotonic())
        except Expelled:
            self._heartbeat.forget(self._incarnation)
            self._adopt(Claims(-1, {}))
            if membership.replaced(self._connection, self._group, self._name):
                raise Permanent(
                    f"member {self._name} of group {self._group}",
                    "another process has joined under the same name",
                    "give each process a name of its own",
                ) from None
            self._join()
            return
        self._adopt(claims)

    def _adopt(self, claims: Claims) -> None:
        gained = claims.partitions.keys() - self._claims.partitions.keys()
        self._positions = {source: at for source, at in self._positions.items() if source in claims.partitions}
        self._paused &= claims.partitions.keys()
        for source in gained:
            self._positions[source] = log.start(self._connection, self._group, claims.partitions[source])
        if self._pause_new:
            self._paused |= gained
        self._claims = claims
        self._seen_version = -1

    def _read(self, max_records: int) -> list[Record]:
        """Records from the present positions, beginning with another partition each time."""
        sources = [source for source in sorted(self._claims.partitions) if source not in self._paused]
        self._first += 1
        turn = self._first % len(sources) if sources else 0
        records: list[Record] = []
        for source in sources[turn:] + sources[:turn]:
            room = max_records - len(records)
            if room <= 0:
                break
            found = log.read(self._connection, source, self._claims.partitions[source], self._positions[source], room)
            if found:
                self._positions[source] = found[-1].offset + 1
                records += found
        if records:
            self._seen_version = -1  # there may be more
        return records
