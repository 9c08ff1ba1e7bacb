"""A member of a consumer group on Kafka."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kafka import ConsumerRebalanceListener, OffsetAndMetadata
from kafka import KafkaConsumer as Client
from kafka import TopicPartition as ClientPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from lucidray.bus.base import Consumer, NotOwner, Record, TopicPartition
from lucidray.bus.kafka.failures import failures
from lucidray.bus.kafka.workarounds import fenced, finish_join
from lucidray.bus.settings import BusSettings
from lucidray.core.errors import Transient

MAX_POLL_INTERVAL_MS = 300_000
# A resumed or new partition waits until the fetch that is under way returns: keep that short.
FETCH_MAX_WAIT_MS = 100
FETCH_MAX_BYTES = 8 * 1024 * 1024
EVERYTHING = 1_000_000_000
# Members hear of a rebalance by their next heartbeat.
HEARTBEAT_MS = 1_000
REBALANCE_SECONDS = 30.0
CLOSE_TIMEOUT_MS = 5_000


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Hears of assignments on kafka-python's own thread, before the first fetch from them."""

    def __init__(self, assigned: Callable[[set[Any]], None], revoked: Callable[[set[Any]], None]) -> None:
        self._assigned = assigned
        self._revoked = revoked

    def on_partitions_assigned(self, assigned: set[Any]) -> None:
        self._assigned(assigned)

    def on_partitions_revoked(self, revoked: set[Any]) -> None:
        self._revoked(revoked)


class KafkaConsumer(Consumer):
    """Rebalances cooperatively: a member keeps reading what it keeps while others come and go.

    Takes everything that kafka-python has fetched and gives it out from a backlog of its
    own: that library loses sight of a partition that is paused while a part of its fetched
    records was given out, and never returns to it.
    """

    def __init__(
        self,
        settings: BusSettings,
        connection: Mapping[str, Any],
        group: str,
        topics: Sequence[str],
        member: str,
        left: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._thing = f"consumer group {group}"
        self._left = left
        self._backlog: dict[ClientPartition, deque[Record]] = {}
        self._paused: set[ClientPartition] = set()
        self._pause_new = False
        self._closed = False
        self._client = Client(
            **connection,
            group_id=group,
            group_instance_id=member or None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=[CooperativeStickyAssignor],
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=min(HEARTBEAT_MS, settings.session_timeout_ms // 3),
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
            fetch_max_bytes=FETCH_MAX_BYTES,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        self._client.subscribe(list(topics), listener=_Listener(self._on_assigned, self._on_revoked))

    def poll(self, timeout: float, max_records: int = 500) -> Sequence[Record]:
        deadline = time.monotonic() + timeout
        while not (records := self._take(max_records)):
            left = deadline - time.monotonic()
            self._receive(max(0.0, left))
            if left <= 0:
                return self._take(max_records)
        return records

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        deadline = time.monotonic() + REBALANCE_SECONDS
        while offsets:
            # The broker checks only the generation: it takes any partition from a member of the group.
            lost = offsets.keys() - self.assignment()
            if lost:
                raise NotOwner(*sorted(lost))
            if self._commit(offsets):
                return
            if time.monotonic() > deadline:
                raise Transient(
                    self._thing,
                    f"its rebalance did not end in {REBALANCE_SECONDS:g} s",
                    "see which of its members does not poll",
                )
            self._receive(0.1)

    def _commit(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """Try to commit; not while the group rebalances, which goes on in `_receive`."""
        positions = {ClientPartition(*source): OffsetAndMetadata(offset, "", -1) for source, offset in offsets.items()}
        with failures(self._settings, self._thing):
            try:
                self._client.commit(positions)
            except RebalanceInProgressError:
                return False
            except CommitFailedError as error:
                if error.args and isinstance(error.args[0], RebalanceInProgressError):
                    return False
                raise NotOwner(*sorted(offsets)) from None
            except (IllegalGenerationError, UnknownMemberIdError, FencedInstanceIdError):
                raise NotOwner(*sorted(offsets)) from None
        return True

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(TopicPartition(*source) for source in self._client.assignment())

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        self._pause({ClientPartition(*source) for source in partitions} & self._client.assignment())

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        for source in {ClientPartition(*source) for source in partitions} & self._client.assignment():
            self._paused.discard(source)
            self._client.resume(source)

    def pause_on_assign(self, pause: bool) -> None:
        self._pause_new = pause

    def seek(self, source: TopicPartition, offset: int) -> None:
        try:
            self._client.seek(ClientPartition(*source), offset)
        except ValueError:
            raise NotOwner(source) from None
        self._backlog.pop(ClientPartition(*source), None)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        with failures(self._settings, self._thing):
            self._client.close(autocommit=False, timeout_ms=CLOSE_TIMEOUT_MS)
        self._left()

    def _receive(self, timeout: float) -> None:
        """Take part in the group's life and put what arrives into the backlog."""
        with failures(self._settings, self._thing):
            found = self._client.poll(timeout_ms=int(timeout * 1000), max_records=EVERYTHING)
            finish_join(self._client)
            if fenced(self._client):
                raise FencedInstanceIdError
        for source, records in found.items():
            self._backlog.setdefault(source, deque()).extend(map(_record, records))

    def _take(self, max_records: int) -> list[Record]:
        """Records of the backlog, of a paused partition none."""
        records: list[Record] = []
        for source in [source for source in self._backlog if source not in self._paused]:
            # Taken out and, if something is left, put in again behind the others: each has its turn.
            waiting = self._backlog.pop(source)
            while waiting and len(records) < max_records:
                records.append(waiting.popleft())
            if waiting:
                self._backlog[source] = waiting
        return records

    def _pause(self, partitions: Iterable[ClientPartition]) -> None:
        for source in partitions:
            self._client.pause(source)
            self._paused.add(source)

    def _on_assigned(self, assigned: set[Any]) -> None:
        if self._pause_new:
            self._pause(assigned)

    def _on_revoked(self, revoked: set[Any]) -> None:
        for source in revoked:
            self._paused.discard(source)
            self._backlog.pop(source, None)


def _record(one: Any) -> Record:
    return Record(one.topic, one.partition, one.offset, one.key, one.value or b"", dict(one.headers))
