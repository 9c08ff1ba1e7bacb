"""Members of consumer groups and their claims on partitions: what is written to the tables.

A claim is what makes a member the owner: one row per partition, checked in the transaction
that commits an offset. It moves in two ways only: its owner gives it up, or the owner is
dead. A member is dead when its lease ran out, that is, when it was not renewed for so long.
All functions but `generation` and `stale` run inside a transaction, so that members act
one after the other.

Leases count on the machine's monotonic clock, which all processes share and which starts
again with the machine: a renewal in the future is one from before the last start.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lucidray.bus.base import TopicPartition
from lucidray.bus.sqlite.assignment import assign
from lucidray.bus.sqlite.log import partition_ids

_DEAD = "(renewed > :now OR renewed + lease < :now)"


class Expelled(Exception):
    """The group no longer counts this member: it was silent for too long, or another has its name."""


@dataclass(frozen=True)
class Claims:
    """What a member owned at one generation of its group."""

    generation: int
    partitions: dict[TopicPartition, int]  # and their ids


def join(connection: sqlite3.Connection, group: str, name: str, topics: Sequence[str], lease: float, now: float) -> str:
    """Become a member. Whoever has the same name is expelled at once.

    Returns
    -------
    str
        The incarnation: who owns a claim. A name that joins again gets another one.
    """
    connection.executemany("INSERT OR IGNORE INTO subscription VALUES (?, ?)", [(group, topic) for topic in topics])
    connection.execute("INSERT OR IGNORE INTO consumer_group VALUES (?, 0)", (group,))
    if name:
        same = "SELECT incarnation FROM member WHERE group_name = ? AND name = ?"
        _bury(connection, [row[0] for row in connection.execute(same, (group, name))])
    incarnation = uuid.uuid4().hex
    connection.execute(
        "INSERT INTO member VALUES (?, ?, ?, ?, ?, ?)",
        (incarnation, group, name, json.dumps(sorted(set(topics))), now, lease),
    )
    _bump(connection, group)
    return incarnation


def renew(connection: sqlite3.Connection, incarnations: Iterable[str], now: float) -> None:
    """Say that these members live."""
    connection.executemany(
        "UPDATE member SET renewed = ? WHERE incarnation = ?", [(now, incarnation) for incarnation in incarnations]
    )


def leave(connection: sqlite3.Connection, group: str, incarnation: str) -> None:
    """Give up membership and claims."""
    _bury(connection, [incarnation])
    _bump(connection, group)


def rebalance(connection: sqlite3.Connection, group: str, incarnation: str, now: float) -> Claims:
    """Bury the dead; give up what others should have; claim what is free and should be ours.

    Raises
    ------
    Expelled
        We are not a member any more.
    """
    query = f"SELECT incarnation FROM member WHERE group_name = :group AND {_DEAD}"  # noqa: S608
    dead = [row[0] for row in connection.execute(query, {"group": group, "now": now})]
    _bury(connection, dead)
    query = "SELECT incarnation, topics FROM member WHERE group_name = ?"
    members = {row[0]: frozenset(json.loads(row[1])) for row in connection.execute(query, (group,))}
    changed = bool(dead)
    if incarnation in members:
        changed |= _move_claims(connection, group, incarnation, members)
    if changed:
        _bump(connection, group)
    if incarnation not in members:
        raise Expelled
    return Claims(generation(connection, group), _claimed(connection, incarnation))


def _move_claims(
    connection: sqlite3.Connection, group: str, incarnation: str, members: dict[str, frozenset[str]]
) -> bool:
    topics = {topic: partition_ids(connection, topic) for topic in frozenset().union(*members.values())}
    query = "SELECT partition_id, incarnation FROM claim WHERE group_name = ?"
    held: dict[int, str] = dict(connection.execute(query, (group,)).fetchall())
    target = assign(topics, members, held)[incarnation]
    give = [partition for partition, owner in held.items() if owner == incarnation and partition not in target]
    take = sorted(target - held.keys())
    connection.executemany(
        "DELETE FROM claim WHERE group_name = ? AND partition_id = ?", [(group, partition) for partition in give]
    )
    connection.executemany(
        "INSERT INTO claim VALUES (?, ?, ?)", [(group, partition, incarnation) for partition in take]
    )
    return bool(give or take)


def generation(connection: sqlite3.Connection, group: str) -> int:
    """A number that changes whenever members or claims of the group do."""
    row = connection.execute("SELECT generation FROM consumer_group WHERE name = ?", (group,)).fetchone()
    return int(row[0]) if row else 0


def stale(connection: sqlite3.Connection, group: str, now: float) -> bool:
    """Whether a member of the group is dead and not yet buried."""
    query = f"SELECT EXISTS (SELECT 1 FROM member WHERE group_name = :group AND {_DEAD})"  # noqa: S608
    return bool(connection.execute(query, {"group": group, "now": now}).fetchone()[0])


def replaced(connection: sqlite3.Connection, group: str, name: str) -> bool:
    """Whether a member of this name is in the group."""
    query = "SELECT EXISTS (SELECT 1 FROM member WHERE group_name = ? AND name = ?)"
    return bool(name and connection.execute(query, (group, name)).fetchone()[0])


def _claimed(connection: sqlite3.Connection, incarnation: str) -> dict[TopicPartition, int]:
    rows = connection.execute(
        "SELECT p.topic, p.number, p.id FROM claim c JOIN partition p ON p.id = c.partition_id WHERE c.incarnation = ?",
        (incarnation,),
    )
    return {TopicPartition(topic, number): identifier for topic, number, identifier in rows}


def _bury(connection: sqlite3.Connection, incarnations: list[str]) -> None:
    for table in ("claim", "member"):
        connection.executemany(f"DELETE FROM {table} WHERE incarnation = ?", [(one,) for one in incarnations])  # noqa: S608


def _bump(connection: sqlite3.Connection, group: str) -> None:
    connection.execute("UPDATE consumer_group SET generation = generation + 1 WHERE name = ?", (group,))
