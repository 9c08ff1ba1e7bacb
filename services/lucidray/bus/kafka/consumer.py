"""A member of a consumer group on Kafka."""

import time
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
from lucidray.bus.settings import BusSettings

MAX_POLL_INTERVAL_MS = 300_000
# A resumed or new partition waits until the fetch that is under way returns: keep that short.
FETCH_MAX_WAIT_MS = 100
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
    """Rebalances cooperatively: a member keeps reading what it keeps while others come and go."""

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
            heartbeat_interval_ms=min(3_000, settings.session_timeout_ms // 3),
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        self._client.subscribe(list(topics), listener=_Listener(self._on_assigned, self._on_revoked))

    def poll(self, timeout: float, max_records: int = 500) -> Sequence[Record]:
        deadline = time.monotonic() + timeout
        while True:
            left = max(0.0, deadline - time.monotonic())
            with failures(self._settings, self._thing):
                found = self._client.poll(timeout_ms=int(left * 1000), max_records=max_records)
            records = [_record(one) for source in self._wanted(found) for one in found[source]]
            if records or left <= 0:
                return records

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        deadline = time.monotonic() + REBALANCE_SECONDS
        while offsets:
            # The broker checks only the generation: it takes any partition from a member of the group.
            lost = offsets.keys() - self.assignment()
            if lost:
                raise NotOwner(*sorted(lost))
            try:
                self._commit(offsets)
                return
            except RebalanceInProgressError:
                if time.monotonic() > deadline:
                    raise NotOwner(*offsets) from None
                self._rebalance()

    def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        positions = {ClientPartition(*source): OffsetAndMetadata(offset, "", -1) for source, offset in offsets.items()}
        with failures(self._settings, self._thing):
            try:
                self._client.commit(positions)
            except CommitFailedError as error:
                if error.args and isinstance(error.args[0], RebalanceInProgressError):
                    raise error.args[0] from None
                raise NotOwner(*offsets) from None
            except (IllegalGenerationError, UnknownMemberIdError, FencedInstanceIdError):
                raise NotOwner(*offsets) from None

    def _rebalance(self) -> None:
        """Take part in the rebalance that holds a commit up, without reading anything."""
        reading = self._client.assignment() - self._paused
        pause_new, self._pause_new = self._pause_new, True
        before = self._client.assignment()
        self._pause(reading)
        try:
            self.poll(0.1)
        finally:
            self._pause_new = pause_new
            gained = set() if pause_new else self._client.assignment() - before
            self._resume((reading | gained) & self._client.assignment())

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(TopicPartition(*source) for source in self._client.assignment())

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        self._pause({ClientPartition(*source) for source in partitions} & self._client.assignment())

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        self._resume({ClientPartition(*source) for source in partitions} & self._client.assignment())

    def pause_on_assign(self, pause: bool) -> None:
        self._pause_new = pause

    def seek(self, source: TopicPartition, offset: int) -> None:
        try:
            self._client.seek(ClientPartition(*source), offset)
        except ValueError:
            raise NotOwner(source) from None

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        with failures(self._settings, self._thing):
            self._client.close(autocommit=False, timeout_ms=CLOSE_TIMEOUT_MS)
        self._left()

    def _pause(self, partitions: Iterable[ClientPartition]) -> None:
        for source in partitions:
            self._client.pause(source)
            self._paused.add(source)

    def _resume(self, partitions: Iterable[ClientPartition]) -> None:
        for source in partitions:
            self._paused.discard(source)
            self._client.resume(source)

    def _on_assigned(self, assigned: set[Any]) -> None:
        if self._pause_new:
            self._pause(assigned)

    def _on_revoked(self, revoked: set[Any]) -> None:
        self._paused -= revoked

    def _wanted(self, found: Mapping[ClientPartition, list[Any]]) -> list[ClientPartition]:
        """Partitions whose records we give out; what came of paused ones is read again later."""
        for source in found.keys() & self._paused:
            if source in self._client.assignment():
                self._client.seek(source, found[source][0].offset)
        return [source for source in found if source not in self._paused]


def _record(one: Any) -> Record:
    return Record(one.topic, one.partition, one.offset, one.key, one.value or b"", dict(one.headers))
