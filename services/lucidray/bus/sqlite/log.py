"""Records, offsets and topics: what is asked of and written to the tables, without threads."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lucidray.bus.base import NotOwner, Record, TopicPartition, TopicSpec
from lucidray.bus.sqlite.database import OFFSET_BITS
from lucidray.core.errors import Permanent

TRIM_AT_ONCE = 2_000


class NewRecord(NamedTuple):
    """A record that has a partition and not yet an offset."""

    partition_id: int
    key: bytes | None
    value: bytes
    headers: str | None


def create_topics(connection: sqlite3.Connection, topics: Iterable[TopicSpec]) -> None:
    """Insert the partitions of missing topics. Inside a transaction.

    Raises
    ------
    Permanent
        A topic exists with another number of partitions.
    """
    created = False
    for topic in topics:
        existing = len(partition_ids(connection, topic.name))
        if existing not in (0, topic.partitions):
            raise Permanent(
                f"topic {topic.name}",
                f"it has {existing} partitions, not {topic.partitions}, and keyed records must not move",
                "keep the number, or drain the topic and delete it first",
            )
        if not existing:
            connection.executemany(
                "INSERT INTO partition (topic, number) VALUES (?, ?)",
                [(topic.name, number) for number in range(topic.partitions)],
            )
            created = True
    if created:  # consumers may wait for this topic
        connection.execute("UPDATE consumer_group SET generation = generation + 1")


def partition_ids(connection: sqlite3.Connection, topic: str) -> list[int]:
    """Ids of a topic's partitions, by number; empty: there is no such topic."""
    rows = connection.execute("SELECT id FROM partition WHERE topic = ? ORDER BY number", (topic,))
    return [row[0] for row in rows]


def append(connection: sqlite3.Connection, records: Sequence[NewRecord], stored_at: float) -> None:
    """Give each record the next offset of its partition and store it. Inside a transaction."""
    next_offsets: dict[int, int] = {}
    rows = []
    for record in records:
        identifier = record.partition_id
        offset = next_offsets.get(identifier)
        if offset is None:
            query = "SELECT next_offset FROM partition WHERE id = ?"
            offset = connection.execute(query, (identifier,)).fetchone()[0]
        rows.append((identifier << OFFSET_BITS | offset, stored_at, record.key, record.value, record.headers))
        next_offsets[identifier] = offset + 1
    connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?)", rows)
    connection.executemany(
        "UPDATE partition SET next_offset = ? WHERE id = ?",
        [(offset, identifier) for identifier, offset in next_offsets.items()],
    )


def news(connection: sqlite3.Connection) -> tuple[int, int]:
    """Two numbers, of which one grows when records are appended, the other when members or claims change."""
    query = """SELECT (SELECT coalesce(sum(next_offset), 0) FROM partition),
                      (SELECT coalesce(sum(generation), 0) FROM consumer_group)"""
    appended, changed = connection.execute(query).fetchone()
    return int(appended), int(changed)


def read(
    connection: sqlite3.Connection, source: TopicPartition, partition_id: int, offset: int, limit: int
) -> list[Record]:
    """Up to `limit` records of a partition from `offset` on."""
    first = partition_id << OFFSET_BITS
    rows = connection.execute(
        """SELECT position, key, value, headers FROM record
           WHERE position >= ? AND position < ? ORDER BY position LIMIT ?""",
        (first + offset, first + (1 << OFFSET_BITS), limit),
    )
    return [
        Record(source.topic, source.partition, position - first, key, value, decode_headers(headers))
        for position, key, value, headers in rows
    ]


def commit(
    connection: sqlite3.Connection,
    group: str,
    incarnation: str,
    offsets: Mapping[TopicPartition, tuple[int, int]],
) -> None:
    """Store a group's offsets if the member still owns their partitions. Inside a transaction.

    Parameters
    ----------
    offsets
        Partition id and offset of the next record to read, per partition.

    Raises
    ------
    NotOwner
        One of them has another owner; nothing is stored.
    """
    claims = connection.execute("SELECT partition_id FROM claim WHERE incarnation = ?", (incarnation,))
    owned = {row[0] for row in claims}
    lost = [source for source, (identifier, _) in offsets.items() if identifier not in owned]
    if lost:
        raise NotOwner(*lost)
    connection.executemany(
        "INSERT OR REPLACE INTO committed VALUES (?, ?, ?)",
        [(group, identifier, offset) for identifier, offset in offsets.values()],
    )


def start(connection: sqlite3.Connection, group: str, partition_id: int) -> int:
    """Where a group reads on: its committed offset, or the first record that is still there."""
    query = "SELECT next_offset FROM committed WHERE group_name = ? AND partition_id = ?"
    committed = connection.execute(query, (group, partition_id)).fetchone()
    return max(committed[0] if committed else 0, _first_offset(connection, partition_id))


def lag(connection: sqlite3.Connection, group: str, topics: Iterable[str]) -> dict[TopicPartition, int]:
    """Records of each partition from `start` to the end."""
    result = {}
    for topic in sorted(set(topics)):
        rows = connection.execute("SELECT id, number, next_offset FROM partition WHERE topic = ?", (topic,)).fetchall()
        for identifier, number, next_offset in rows:
            begin = start(connection, group, identifier)
            result[TopicPartition(topic, number)] = max(0, next_offset - begin)
    return result


def trim(connection: sqlite3.Connection, before: float) -> int:
    """Delete records stored before a time and read by every group that reads their topic.

    Inside a transaction. A group that subscribed and never committed keeps everything.

    Parameters
    ----------
    before
        Seconds since the epoch.

    Returns
    -------
    int
        How many; at most `TRIM_AT_ONCE` of a partition, so that writers wait only briefly.
    """
    deleted = 0
    for identifier, topic, next_offset in connection.execute("SELECT id, topic, next_offset FROM partition").fetchall():
        first = identifier << OFFSET_BITS
        begin = first + _first_offset(connection, identifier)
        end = min(first + _read_by_all(connection, identifier, topic, next_offset), begin + TRIM_AT_ONCE)
        # Only from the start: offsets stay contiguous even where the clock went back.
        young = connection.execute(
            """SELECT position FROM record
               WHERE position >= ? AND position < ? AND stored_at >= ? ORDER BY position LIMIT 1""",
            (begin, end, before),
        ).fetchone()
        cursor = connection.execute(
            "DELETE FROM record WHERE position >= ? AND position < ?", (begin, young[0] if young else end)
        )
        deleted += cursor.rowcount
    return deleted


def _read_by_all(connection: sqlite3.Connection, partition_id: int, topic: str, next_offset: int) -> int:
    row = connection.execute(
        """SELECT min(coalesce(c.next_offset, 0)) FROM subscription s LEFT JOIN committed c
           ON c.group_name = s.group_name AND c.partition_id = ? WHERE s.topic = ?""",
        (partition_id, topic),
    ).fetchone()
    return next_offset if row[0] is None else int(row[0])


def _first_offset(connection: sqlite3.Connection, partition_id: int) -> int:
    first = partition_id << OFFSET_BITS
    row = connection.execute(
        "SELECT position FROM record WHERE position >= ? AND position < ? ORDER BY position LIMIT 1",
        (first, first + (1 << OFFSET_BITS)),
    ).fetchone()
    if row:
        return int(row[0]) - first
    empty = connection.execute("SELECT next_offset FROM partition WHERE id = ?", (partition_id,)).fetchone()
    return int(empty[0])


def encode_headers(headers: Mapping[str, bytes]) -> str | None:
    """Headers as JSON; Latin-1 maps each byte to one character and back."""
    return json.dumps({name: value.decode("latin-1") for name, value in headers.items()}) if headers else None


def decode_headers(headers: str | None) -> dict[str, bytes]:
    """Inverse of `encode_headers`."""
    return {name: value.encode("latin-1") for name, value in json.loads(headers).items()} if headers else {}
