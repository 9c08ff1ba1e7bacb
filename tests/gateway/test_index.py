"""The index: what is new, what waits, and up to when all is told."""

from datetime import timedelta
from pathlib import Path

import pytest

from lucidray.core.clock import ManualClock
from lucidray.core.database import open_database
from lucidray.gateway.index import Arrival, InstanceIndex, Relayed, microseconds, moment
from lucidray.gateway.tables import metadata


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def index(tmp_path: Path, clock: ManualClock) -> InstanceIndex:
    return InstanceIndex(open_database(tmp_path, "gateway", metadata), "one", clock)


def arrival(number: int, digest: str = "digest") -> Arrival:
    return Arrival(f"instance-{number}", digest, "study", "series", 10, f"file-{number}-{digest}")


def published(row: int, object_key: str | None = "key") -> Relayed:
    return Relayed(row, object_key, None, conflicting=False)


def test_the_same_bytes_are_known_also_within_a_batch(index: InstanceIndex) -> None:
    assert index.accept([arrival(1), arrival(1), arrival(2)]) == [True, False, True]
    assert index.accept([arrival(1), arrival(1, "other")]) == [False, True]
    assert index.count_pending() == 3


def test_rows_wait_until_they_are_marked(index: InstanceIndex) -> None:
    index.accept([arrival(1), arrival(2)])
    first, second = index.pending(10)
    assert index.spooled() == {first.spool_name, second.spool_name}
    index.mark([published(first.id)])
    assert index.pending(10) == [second]
    assert index.spooled() == {second.spool_name}


def test_the_watermark_stands_before_the_oldest_row_that_waits(index: InstanceIndex, clock: ManualClock) -> None:
    start = clock.now()
    assert index.watermark() == start
    clock.sleep(1)
    index.accept([arrival(1)])
    clock.sleep(1)
    index.accept([arrival(2)])
    clock.sleep(1)
    assert index.watermark() == start + timedelta(seconds=1)
    first, second = index.pending(10)
    index.mark([published(second.id)])
    assert index.watermark() == start + timedelta(seconds=1)
    index.mark([published(first.id)])
    assert index.watermark() == start + timedelta(seconds=3)


def test_no_row_is_older_than_a_watermark_though_the_clock_steps_back(index: InstanceIndex, clock: ManualClock) -> None:
    promised = index.watermark()
    clock.sleep(-60)
    index.accept([arrival(1)])
    (row,) = index.pending(10)
    assert moment(row.accepted_at) >= promised
    assert index.watermark() == promised


def test_versions_are_older_ones_that_were_not_dropped(index: InstanceIndex) -> None:
    for digest in ("a", "b", "c"):
        index.accept([arrival(1, digest)])
    index.accept([arrival(2)])
    first, second, third, _ = index.pending(10)
    assert index.versions(first) == []
    index.mark([published(first.id), published(second.id, object_key=None)])
    assert [version.id for version in index.versions(third)] == [first.id]


def test_gateways_over_one_database_relay_their_own(tmp_path: Path, clock: ManualClock) -> None:
    engine = open_database(tmp_path, "shared", metadata)
    one, two = (InstanceIndex(engine, name, clock) for name in ("one", "two"))
    assert one.accept([arrival(1)]) == [True]
    assert two.accept([arrival(1), arrival(2)]) == [False, True]
    assert [row.instance_key for row in one.pending(10)] == ["instance-1"]
    assert [row.instance_key for row in two.pending(10)] == ["instance-2"]
    two.queue("topic", "key", b"value")
    assert one.queued(10) == []
    (message,) = two.queued(10)
    two.unqueue([message])
    assert two.queued(10) == []


def test_times_keep_their_microseconds(clock: ManualClock) -> None:
    time = clock.now() + timedelta(microseconds=123457)
    assert moment(microseconds(time)) == time
