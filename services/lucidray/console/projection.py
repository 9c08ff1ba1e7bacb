"""The console's own tables, made from the ledger."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from sqlalchemy import Connection, Engine, delete, insert, select, update

from lucidray.console.fold import fold
from lucidray.console.tables import case, ledger, revision
from lucidray.console.view import CaseView
from lucidray.core import logging, metrics
from lucidray.v1.events_pb2 import LedgerEvent

log = logging.get(__name__)

_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # ids become addresses of pages
_AT_ONCE = 200  # values in one SQL `IN`


class Projection:
    """Takes lines of the ledger. Safe for use by several replicas on one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with engine.begin() as connection:
            if connection.scalar(select(revision.c.number)) is None:
                connection.execute(insert(revision).values(number=0))

    @property
    def empty(self) -> bool:
        """Whether no line was ever taken: what the bus's consumer group has read is not in these tables."""
        with self._engine.begin() as connection:
            return connection.scalar(select(ledger.c.event_id).limit(1)) is None

    def take(self, bodies: Iterable[bytes]) -> int:
        """Take serialised lines; number of those that were new. One transaction."""
        events = {event.event_id: event for event in map(_read, bodies) if event is not None}
        with self._engine.begin() as connection:
            number = _next_revision(connection)
            known = _known(connection, list(events))
            new = [event for event in events.values() if event.event_id not in known]
            if new:
                rows = [
                    {"event_id": event.event_id, "case_id": event.case_id, "body": event.SerializeToString()}
                    for event in new
                ]
                connection.execute(insert(ledger), rows)
            for case_id in sorted({event.case_id for event in new}):
                _refresh(connection, case_id, number)
        metrics.LEDGER_EVENTS.labels("new").inc(len(new))
        metrics.LEDGER_EVENTS.labels("known").inc(len(events) - len(new))
        return len(new)

    def refold(self) -> int:
        """Make every case again from the lines at hand, after this code changed; number of cases."""
        with self._engine.begin() as connection:
            number = _next_revision(connection)
            connection.execute(delete(case))
            case_ids = connection.scalars(select(ledger.c.case_id).distinct()).all()
            for case_id in case_ids:
                _refresh(connection, case_id, number)
        return len(case_ids)

    def clear(self) -> None:
        """Forget everything; the topic is then read again from its start."""
        with self._engine.begin() as connection:
            _next_revision(connection)
            connection.execute(delete(case))
            connection.execute(delete(ledger))


def _read(body: bytes) -> LedgerEvent | None:
    """A line, or None for what cannot be one: a single bad record must not stop the reader."""
    try:
        event = LedgerEvent.FromString(body)
    except DecodeError:
        event = LedgerEvent()
    if _ID.fullmatch(event.event_id) and _ID.fullmatch(event.case_id):
        return event
    metrics.LEDGER_EVENTS.labels("malformed").inc()
    log.warning("ledger-event-malformed", size=len(body))
    return None


def _next_revision(connection: Connection) -> int:
    connection.execute(update(revision).values(number=revision.c.number + 1))
    return int(connection.scalar(select(revision.c.number)) or 0)


def _known(connection: Connection, event_ids: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(event_ids), _AT_ONCE):
        chunk = event_ids[start : start + _AT_ONCE]
        known.update(connection.scalars(select(ledger.c.event_id).where(ledger.c.event_id.in_(chunk))))
    return known


def _refresh(connection: Connection, case_id: str, number: int) -> None:
    bodies = connection.scalars(select(ledger.c.body).where(ledger.c.case_id == case_id))
    view = fold(LedgerEvent.FromString(body) for body in bodies)
    connection.execute(delete(case).where(case.c.case_id == case_id))
    connection.execute(insert(case).values(**_row(view), revision=number))


def _row(view: CaseView) -> dict[str, Any]:
    return {
        "case_id": view.case_id,
        "kind": view.kind,
        "study_key": view.study_key,
        "study_version": view.study_version,
        "patient_key": view.patient_key,
        "state": view.state.value,
        "updated_at": view.updated_at.timestamp(),
        "view": view.model_dump_json(),
    }
