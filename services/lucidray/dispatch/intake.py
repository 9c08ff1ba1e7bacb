"""From the gateways' events to the study index: one transaction a batch, then the offsets."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from lucidray.bus.base import Record
from lucidray.core import logging
from lucidray.core.clock import Clock
from lucidray.core.errors import Permanent
from lucidray.core.identity import SiteKey
from lucidray.dispatch import tables
from lucidray.dispatch.attributes import read_header, unreadable_header
from lucidray.dispatch.reading import read
from lucidray.store.base import ObjectStore
from lucidray.v1.events_pb2 import InstancesStored, IntakeEvent, StoredInstance, Watermark

log = logging.get(__name__)


class Intake:
    """Writes what the gateways say into the index. Events are commutative inserts: order does not matter."""

    def __init__(self, engine: Engine, objects: ObjectStore, key: SiteKey, clock: Clock) -> None:
        self._engine = engine
        self._objects = objects
        self._key = key
        self._clock = clock

    def take(self, records: Sequence[Record]) -> set[str]:
        """Index a batch; keys of the studies that it touched."""
        read_all = ((record.partition, read(IntakeEvent, record)) for record in records)
        events = [(partition, message) for partition, message in read_all if message is not None]
        stored = [(partition, event.stored) for partition, event in events if event.HasField("stored")]
        marks = [(partition, event.watermark) for partition, event in events if event.HasField("watermark")]
        rows = [
            (partition, event, self._rows(event)) for partition, event in stored
        ]  # reads objects: not in a transaction
        with self._engine.begin() as connection:
            for partition, event, instances in rows:
                _insert(connection, partition, event, instances)
            for partition, mark in _latest(marks):
                _advance(connection, partition, mark, self._clock.now().timestamp())
        return {event.study_key for _, event in stored}

    def _rows(self, event: InstancesStored) -> list[dict[str, Any]]:
        rows = []
        for each in event.instances:
            try:
                header = read_header(self._objects.get(each.object_key), self._key)
            except Permanent as error:
                header = unreadable_header(error)
            if header["problem"]:  # it holds its study: what was acknowledged must not be missing unseen
                log.error("object-not-readable", object_key=each.object_key, cause=header["problem"])
            rows.append(_row(event.study_key, each, header))
        return rows


def _row(study_key: str, each: StoredInstance, header: dict[str, Any]) -> dict[str, Any]:
    return {
        "instance_key": each.instance_key,
        "byte_digest": each.byte_digest,
        "study_key": study_key,
        "object_key": each.object_key,
        "size": each.size_bytes,
        "conflicting": each.conflicting,
        "header": json.dumps(header),
    }


def _insert(connection: Connection, partition: int, event: InstancesStored, rows: Iterable[dict[str, Any]]) -> None:
    new = 0
    for row in rows:
        column = tables.instance.c
        known = select(column.byte_digest).where(column.instance_key == row["instance_key"])
        held = connection.scalars(known).all()
        if row["byte_digest"] not in held:
            connection.execute(insert(tables.instance), {**row, "number": len(held)})
            new += 1
    if not new:
        return  # a repeated event: the study keeps its deadline
    accepted = event.accepted_at.ToNanoseconds() / 1e9
    study = tables.study.c
    changed = connection.execute(
        update(tables.study)
        .where(study.study_key == event.study_key)
        .values(
            revision=study.revision + 1,
            open=True,
            last_accepted=func.max(study.last_accepted, accepted)
            if connection.dialect.name == "sqlite"
            else func.greatest(study.last_accepted, accepted),
        )
    )
    if not changed.rowcount:
        connection.execute(
            insert(tables.study).values(
                study_key=event.study_key,
                partition=partition,
                revision=1,
                version=0,
                open=True,
                last_accepted=accepted,
                content="",
                waits_for="",
            )
        )


def _latest(marks: Iterable[tuple[int, Watermark]]) -> list[tuple[int, Watermark]]:
    """Of the marks of a batch only the last of each gateway and partition matters."""
    latest: dict[tuple[int, str], tuple[int, Watermark]] = {}
    for partition, mark in marks:
        known = latest.get((partition, mark.gateway_id))
        if known is None or mark.accepted_before.ToNanoseconds() >= known[1].accepted_before.ToNanoseconds():
            latest[partition, mark.gateway_id] = (partition, mark)
    return list(latest.values())


def _advance(connection: Connection, partition: int, mark: Watermark, now: float) -> None:
    column = tables.watermark.c
    before = mark.accepted_before.ToNanoseconds() / 1e9
    where = (column.gateway_id == mark.gateway_id) & (column.partition == partition)
    known = connection.scalar(select(column.accepted_before).where(where))
    if known is None:
        connection.execute(
            insert(tables.watermark).values(
                gateway_id=mark.gateway_id, partition=partition, accepted_before=before, heard_at=now
            )
        )
    else:
        connection.execute(
            update(tables.watermark).where(where).values(accepted_before=max(known, before), heard_at=now)
        )
