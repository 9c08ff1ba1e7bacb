"""Records, offsets and what may be deleted."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lucidray.bus import TopicPartition, TopicSpec
from lucidray.bus.sqlite import log
from lucidray.bus.sqlite.database import connect
from lucidray.bus.sqlite.membership import join, rebalance

SOURCE = TopicPartition("topic", 0)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "bus.db", durable=False)) as connection:
        log.create_topics(connection, [TopicSpec("topic", 1), TopicSpec("other", 1)])
        yield connection


def append(database: sqlite3.Connection, count: int, stored_at: float) -> None:
    identifier = log.partition_ids(database, "topic")[0]
    log.append(database, [log.NewRecord(identifier, None, b"%d" % number, None) for number in range(count)], stored_at)


def offsets(database: sqlite3.Connection) -> list[int]:
    identifier = log.partition_ids(database, "topic")[0]
    return [record.offset for record in log.read(database, SOURCE, identifier, 0, 10_000)]


def read_up_to(database: sqlite3.Connection, group: str, offset: int) -> None:
    member = join(database, group, "", ["topic"], 5.0, 0.0)
    identifier = rebalance(database, group, member, 0.0).partitions[SOURCE]
    log.commit(database, group, member, {SOURCE: (identifier, offset)})


def test_records_are_read_from_an_offset_up_to_a_limit(database: sqlite3.Connection) -> None:
    append(database, 10, 0.0)
    identifier = log.partition_ids(database, "topic")[0]
    assert [record.value for record in log.read(database, SOURCE, identifier, 4, 3)] == [b"4", b"5", b"6"]
    assert log.read(database, TopicPartition("other", 0), log.partition_ids(database, "other")[0], 0, 3) == []


def test_old_records_that_every_group_read_are_deleted(database: sqlite3.Connection) -> None:
    append(database, 10, stored_at=100.0)
    read_up_to(database, "fast", 10)
    read_up_to(database, "slow", 6)
    assert log.trim(database, before=200.0) == 6
    assert offsets(database) == [6, 7, 8, 9]
    assert log.lag(database, "slow", ["topic"]) == {SOURCE: 4}
    assert log.start(database, "newcomer", log.partition_ids(database, "topic")[0]) == 6


def test_young_records_stay(database: sqlite3.Connection) -> None:
    append(database, 3, stored_at=100.0)
    append(database, 3, stored_at=300.0)
    append(database, 3, stored_at=100.0)  # the clock went back: no hole is made
    read_up_to(database, "group", 9)
    assert log.trim(database, before=200.0) == 3
    assert offsets(database) == [3, 4, 5, 6, 7, 8]


def test_a_group_that_never_committed_keeps_everything(database: sqlite3.Connection) -> None:
    append(database, 3, stored_at=100.0)
    read_up_to(database, "fast", 3)
    join(database, "idle", "", ["topic"], 5.0, 0.0)
    assert log.trim(database, before=200.0) == 0


def test_offsets_go_on_after_everything_was_deleted(database: sqlite3.Connection) -> None:
    append(database, 3, stored_at=100.0)
    assert log.trim(database, before=200.0) == 3  # nobody reads the topic
    assert log.lag(database, "group", ["topic"]) == {SOURCE: 0}
    append(database, 1, stored_at=300.0)
    assert offsets(database) == [3]
    assert log.lag(database, "group", ["topic"]) == {SOURCE: 1}


def test_much_is_deleted_in_pieces(database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "TRIM_AT_ONCE", 4)
    append(database, 10, stored_at=100.0)
    assert [log.trim(database, before=200.0) for _ in range(4)] == [4, 4, 2, 0]
