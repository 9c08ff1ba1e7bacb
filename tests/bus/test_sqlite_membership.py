"""Leases and claims, on a clock that the test turns."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lucidray.bus import NotOwner, TopicPartition, TopicSpec
from lucidray.bus.sqlite import log
from lucidray.bus.sqlite.database import connect, transaction
from lucidray.bus.sqlite.membership import Expelled, generation, join, leave, rebalance, renew, replaced, stale

LEASE = 5.0
SOURCES = frozenset(TopicPartition("topic", number) for number in range(4))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "bus.db", durable=False)) as connection:
        with transaction(connection):
            log.create_topics(connection, [TopicSpec("topic", 4)])
        yield connection


def owned(database: sqlite3.Connection, member: str, now: float) -> frozenset[TopicPartition]:
    with transaction(database):
        return frozenset(rebalance(database, "group", member, now).partitions)


def test_a_partition_is_claimed_only_after_it_was_given_up(database: sqlite3.Connection) -> None:
    first = join(database, "group", "", ["topic"], LEASE, 0.0)
    assert owned(database, first, 0.0) == SOURCES
    second = join(database, "group", "", ["topic"], LEASE, 1.0)
    assert owned(database, second, 1.0) == frozenset()  # the first has not polled since
    kept = owned(database, first, 1.0)
    assert len(kept) == 2
    assert owned(database, second, 1.0) == SOURCES - kept


def test_the_generation_rests_when_nothing_moves(database: sqlite3.Connection) -> None:
    members = [join(database, "group", "", ["topic"], LEASE, 0.0) for _ in range(3)]
    for _ in range(3):
        for member in members:
            owned(database, member, 0.0)
    settled = generation(database, "group")
    assert sum(len(owned(database, member, 0.0)) for member in members) == 4
    assert generation(database, "group") == settled


def test_the_dead_are_found_when_their_lease_ran_out(database: sqlite3.Connection) -> None:
    silent = join(database, "group", "", ["topic"], LEASE, 0.0)
    owned(database, silent, 0.0)
    alive = join(database, "group", "", ["topic"], LEASE, 0.0)
    renew(database, [alive], 4.0)
    assert not stale(database, "group", 5.0)
    assert owned(database, alive, 5.0) == frozenset()
    assert stale(database, "group", 5.1)
    assert owned(database, alive, 5.1) == SOURCES
    with pytest.raises(Expelled):
        owned(database, silent, 5.2)
    renew(database, [silent], 5.2)  # too late: nobody rises again by a late heartbeat
    with pytest.raises(Expelled):
        owned(database, silent, 5.2)


def test_a_renewal_in_the_future_is_from_before_the_machine_started(database: sqlite3.Connection) -> None:
    before = join(database, "group", "", ["topic"], LEASE, 900_000.0)
    owned(database, before, 900_000.0)
    after = join(database, "group", "", ["topic"], LEASE, 12.0)
    assert owned(database, after, 12.0) == SOURCES


def test_each_member_is_judged_by_its_own_lease(database: sqlite3.Connection) -> None:
    patient = join(database, "group", "", ["topic"], 60.0, 0.0)
    owned(database, patient, 0.0)
    brief = join(database, "group", "", ["topic"], 1.0, 50.0)
    assert owned(database, brief, 50.0) == frozenset()


def test_who_leaves_gives_way_at_once(database: sqlite3.Connection) -> None:
    leaving = join(database, "group", "", ["topic"], LEASE, 0.0)
    staying = join(database, "group", "", ["topic"], LEASE, 0.0)
    owned(database, leaving, 0.0)
    leave(database, "group", leaving)
    assert owned(database, staying, 0.0) == SOURCES


def test_a_name_that_joins_again_takes_its_place_at_once(database: sqlite3.Connection) -> None:
    crashed = join(database, "group", "worker-0", ["topic"], LEASE, 0.0)
    owned(database, crashed, 0.0)
    assert replaced(database, "group", "worker-0")
    again = join(database, "group", "worker-0", ["topic"], LEASE, 0.1)
    assert owned(database, again, 0.1) == SOURCES
    with pytest.raises(Expelled):
        owned(database, crashed, 0.1)
    assert not replaced(database, "group", "")


def test_groups_do_not_touch_each_other(database: sqlite3.Connection) -> None:
    one = join(database, "group", "worker-0", ["topic"], LEASE, 0.0)
    other = join(database, "other", "worker-0", ["topic"], LEASE, 0.0)
    assert owned(database, one, 0.0) == SOURCES
    with transaction(database):
        assert frozenset(rebalance(database, "other", other, 0.0).partitions) == SOURCES


def test_a_topic_made_later_reaches_who_waits_for_it(database: sqlite3.Connection) -> None:
    member = join(database, "group", "", ["later"], LEASE, 0.0)
    assert owned(database, member, 0.0) == frozenset()
    seen = generation(database, "group")
    log.create_topics(database, [TopicSpec("later", 1)])
    assert generation(database, "group") != seen
    assert owned(database, member, 0.0) == {TopicPartition("later", 0)}


def test_only_the_owner_commits(database: sqlite3.Connection) -> None:
    first = join(database, "group", "", ["topic"], LEASE, 0.0)
    with transaction(database):
        claims = rebalance(database, "group", first, 0.0)
    successor = join(database, "group", "", ["topic"], LEASE, 10.0)
    assert owned(database, successor, 10.0) == SOURCES
    offsets = {source: (identifier, 3) for source, identifier in claims.partitions.items()}
    with pytest.raises(NotOwner):
        log.commit(database, "group", first, offsets)
    assert log.start(database, "group", min(claims.partitions.values())) == 0
