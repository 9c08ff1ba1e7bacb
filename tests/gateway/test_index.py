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


def held(_name: str) -> bool:
    return True


def gone(_name: str) -> bool:
    return False


def published(row: int, object_key: str | None = "key") -> Relayed:
    return Relayed(row, object_key, None, conflicting=False)


def test_the_same_bytes_are_known_also_within_a_batch(index: InstanceIndex) -> None:
    assert index.accept([arrival(1), arrival(1), arrival(2)], held) == [True, False, True]
    assert index.accept([arrival(1), arrival(1, "other")], held) == [False, True]
    assert index.count_pending() == 3


def test_rows_wait_until_they_are_marked(index: InstanceIndex) -> None:
    index.accept([arrival(1), arrival(2)], held)
    first, second = index.pending(10)
    assert index.spooled() == {first.spool_name, second.spool_name}
    index.mark([published(first.id)])
    assert index.pending(10) == [second]
    assert index.spooled() == {second.spool_name}


def test_the_watermark_stands_before_the_oldest_row_that_waits(index: InstanceIndex, clock: ManualClock) -> None:
    start = clock.now()
    assert index.watermark() == start
    clock.sleep(1)
    index.accept([arrival(1)], held)
    clock.sleep(1)
    index.accept([arrival(2)], held)
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
    index.accept([arrival(1)], held)
    (row,) = index.pending(10)
    assert moment(row.accepted_at) >= promised
    assert index.watermark() == promised


def test_versions_are_older_ones_that_were_not_dropped(index: InstanceIndex) -> None:
    for digest in ("a", "b", "c"):
        index.accept([arrival(1, digest)], held)
    index.accept([arrival(2)], held)
    first, second, third, _ = index.pending(10)
    assert index.versions(first) == []
    index.mark([published(first.id), published(second.id, object_key=None)])
    assert [version.id for version in index.versions(third)] == [first.id]


def test_gateways_over_one_database_relay_their_own(tmp_path: Path, clock: ManualClock) -> None:
    engine = open_database(tmp_path, "shared", metadata)
    one, two = (InstanceIndex(engine, name, clock) for name in ("one", "two"))
    assert one.accept([arrival(1)], held) == [True]
    assert two.accept([arrival(1), arrival(2)], held) == [False, True]
    assert [row.instance_key for row in one.pending(10)] == ["instance-1"]
    assert [row.instance_key for row in two.pending(10)] == ["instance-2"]
    two.queue("topic", "key", b"value")
    assert one.queued(10) == []
    (message,) = two.queued(10)
    two.unqueue([message])
    assert two.queued(10) == []


def test_lost_bytes_are_taken_again(index: InstanceIndex, clock: ManualClock) -> None:
    index.accept([arrival(1)], held)
    clock.sleep(1)
    again = Arrival("instance-1", "digest", "study", "series", 10, "again")
    assert index.accept([again], held) == [False]
    assert index.accept([again, again], lambda name: name == "again") == [True, False]
    (row,) = index.pending(10)
    assert row.spool_name == "again"
    assert moment(row.accepted_at) == clock.now()
    index.mark([published(row.id)])
    assert index.accept([arrival(1)], gone) == [False]


def test_what_is_given_up_holds_nobody_and_is_taken_again_by_any_gateway(tmp_path: Path, clock: ManualClock) -> None:
    engine = open_database(tmp_path, "shared", metadata)
    one, two = (InstanceIndex(engine, name, clock) for name in ("one", "two"))
    one.accept([arrival(1)], held)
    assert two.accept([arrival(1)], gone) == [False]  # it cannot see the other's spool
    (row,) = one.pending(10)
    assert one.lose(row, "topic", "key", b"told")
    assert [message.value for message in one.queued(10)] == [b"told"]
    assert one.pending(10) == []
    clock.sleep(1)
    assert one.watermark() == clock.now()
    again = Arrival("instance-1", "digest", "study", "series", 10, "again")
    assert two.accept([again], held) == [True]
    assert [row.spool_name for row in two.pending(10)] == ["again"]
    assert not one.lose(row, "topic", "key", b"told")  # as a relay would that looked before
    assert one.spooled() == set()


def test_what_was_given_up_and_is_found_again_is_relayed(index: InstanceIndex, clock: ManualClock) -> None:
    index.accept([arrival(1), arrival(2)], held)
    for row in index.pending(10):
        index.lose(row, "topic", "key", b"told")
    assert len(index.spooled()) == 2  # so that nobody removes the files of a disk that is mounted later
    clock.sleep(1)
    promised = index.watermark()
    assert index.reclaim(lambda name: name.startswith("file-2")) == 1
    (row,) = index.pending(10)
    assert (row.instance_key, moment(row.accepted_at)) == ("instance-2", promised)


def test_times_keep_their_microseconds(clock: ManualClock) -> None:
    time = clock.now() + timedelta(microseconds=123457)
    assert moment(microseconds(time)) == time
