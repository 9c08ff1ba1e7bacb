"""What becomes of cases after they opened: returned by workers, commanded by people."""

from datetime import datetime

from sqlalchemy import Connection, Engine, Row, insert, select, update

from lucidray.core import logging, metrics, topics
from lucidray.core.case import returned_to
from lucidray.core.errors import LucidrayError, Permanent
from lucidray.core.ledger import case_event
from lucidray.core.worker import backoff_seconds
from lucidray.dispatch import outbox, tables
from lucidray.dispatch.release import release
from lucidray.store.cases import CaseStore
from lucidray.v1.case_pb2 import Case
from lucidray.v1.events_pb2 import CaseCommand, CaseReturned, CaseState, CommandKind

log = logging.get(__name__)

_RUNNING = CaseState.CASE_STATE_RUNNING
_FINAL = (CaseState.CASE_STATE_CANCELLED, CaseState.CASE_STATE_SUPERSEDED)
_RETURNABLE = (
    CaseState.CASE_STATE_RETRYING,
    CaseState.CASE_STATE_PARKED,
    CaseState.CASE_STATE_QUARANTINED,
    CaseState.CASE_STATE_COMPLETED,
    *_FINAL,
)


class Cases:
    """Retry, park, cancel. Every message takes effect once."""

    def __init__(self, engine: Engine, clinical: CaseStore, analysis: CaseStore) -> None:
        self._engine = engine
        self._stores = (clinical, analysis)

    def take_returned(self, message: CaseReturned, now: datetime) -> None:
        """A worker gave a case back; one in a state that this release does not know is parked."""
        state = message.state if message.state in _RETURNABLE else CaseState.CASE_STATE_PARKED
        with self._engine.begin() as connection:
            if not _first_time(connection, message.event_id):
                return
            case = message.case
            column = tables.case.c
            connection.execute(
                update(tables.case)
                .where(column.case_id == case.case_id, column.state.not_in(_FINAL))
                .values(state=state, message=case.SerializeToString())
            )
            if state != message.state:
                _say_unknown(connection, message, now)
            if state == CaseState.CASE_STATE_RETRYING:
                connection.execute(
                    insert(tables.timer).values(
                        timer_id=message.event_id,
                        due_at=now.timestamp() + backoff_seconds(case.attempt),
                        message=case.SerializeToString(),
                        fired=False,
                    )
                )
            else:
                metrics.CASES.labels(CaseState.Name(state)[11:].lower(), case.workflow).inc()

    def fire_timers(self, now: datetime) -> int:
        """Send cases whose delay is over to their step again; how many."""
        column = tables.timer.c
        with self._engine.begin() as connection:
            due = connection.execute(
                select(tables.timer).where(column.fired.is_(False), column.due_at <= now.timestamp())
            ).all()
            for row in due:
                connection.execute(update(tables.timer).where(column.timer_id == row.timer_id).values(fired=True))
                case = Case.FromString(row.message)
                if _waits(_find(connection, case.case_id), case):
                    self._send(connection, case, now)
        return len(due)

    def take_command(self, command: CaseCommand, now: datetime) -> None:
        """A person wants something of a case.

        Raises
        ------
        Permanent
            It cannot be done; the reason is logged and the command dropped.
        Transient
            A store cannot take the marker of a cancelled case; nothing was done.
        """
        actions = {CommandKind.COMMAND_KIND_RETRY: self._retry, CommandKind.COMMAND_KIND_CANCEL: self._cancel}
        if command.kind == CommandKind.COMMAND_KIND_RELEASE:
            self._release(command, now)
            return
        if command.kind not in actions:
            raise Permanent(
                f"case {command.case_id}",
                f"this release knows no command of kind {int(command.kind)}",
                "upgrade dispatch, then give the command again",
            )
        with self._engine.begin() as connection:
            if not _first_time(connection, command.command_id):
                return
            row = _find(connection, command.case_id)
            if row is None:
                raise Permanent(f"case {command.case_id}", "dispatch does not know it", "see `lucidray case list`")
            actions[command.kind](connection, row, command, now)

    def _retry(self, connection: Connection, row: Row[tuple[object, ...]], command: CaseCommand, now: datetime) -> None:
        if row.state in (_RUNNING, *_FINAL):
            state = CaseState.Name(row.state)[11:].lower()
            raise Permanent(
                f"case {command.case_id}", f"it is {state}", "only a case that stopped can be retried; cancel it first"
            )
        case = Case.FromString(row.message)
        step = command.from_step or (case.slip[0].step if case.slip else case.history[-1].entry.step)
        self._send(connection, returned_to(case, step, recompute=command.recompute), now)

    def _cancel(
        self, connection: Connection, row: Row[tuple[object, ...]], command: CaseCommand, now: datetime
    ) -> None:
        case = Case.FromString(row.message)
        state = CaseState.CASE_STATE_CANCELLED
        if row.state in (*_FINAL, CaseState.CASE_STATE_COMPLETED):
            raise Permanent(f"case {command.case_id}", "it has already ended", "there is nothing to cancel")
        # Before the transaction commits: redelivered, the command leaves a missing marker, or is done.
        for store in self._stores:
            store.mark(command.case_id, "cancelled", command.reason)
        where = tables.case.c.case_id == command.case_id
        connection.execute(update(tables.case).where(where).values(state=state))
        error = LucidrayError(f"case {case.case_id}", f"cancelled by {command.actor}", "send the study again to run it")
        event = case_event(case, state, "dispatch", now, error=error)
        outbox.add(connection, topics.LEDGER, case.case_id, event.SerializeToString())

    def _release(self, command: CaseCommand, now: datetime) -> None:
        """Look again at a study that is held or unmatched; its id begins with "s"."""
        with self._engine.begin() as connection:
            if _first_time(connection, command.command_id):
                release(connection, command, now)

    def _send(self, connection: Connection, case: Case, now: datetime) -> None:
        """Put a case on the topic of the step at the head of its slip."""
        connection.execute(
            update(tables.case)
            .where(tables.case.c.case_id == case.case_id)
            .values(state=_RUNNING, message=case.SerializeToString())
        )
        outbox.add(
            connection, topics.step_topic(case.slip[0].step, case.priority), case.case_id, case.SerializeToString()
        )
        event = case_event(case, _RUNNING, "dispatch", now)
        event.slip.extend([entry.entry.step for entry in case.history[1:]] + [entry.step for entry in case.slip])
        outbox.add(connection, topics.LEDGER, case.case_id, event.SerializeToString())


def _find(connection: Connection, case_id: str) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(tables.case).where(tables.case.c.case_id == case_id)).first()


def _waits(row: Row[tuple[object, ...]] | None, case: Case) -> bool:
    """Whether a case still waits for the timer that would send `case`: a person may have retried it since."""
    if row is None or row.state != CaseState.CASE_STATE_RETRYING:
        return False
    return Case.FromString(row.message).run == case.run


def _say_unknown(connection: Connection, message: CaseReturned, now: datetime) -> None:
    case = message.case
    error = Permanent(
        f"case {case.case_id}",
        f"step '{message.step}' returned it in state {int(message.state)}, which this release does not know",
        "upgrade dispatch to the release of the step's worker, then `lucidray case retry`",
    )
    log.error("state-not-known", case_id=case.case_id, error=error)
    event = case_event(case, CaseState.CASE_STATE_PARKED, message.step, now, error=error)  # as the worker would say it
    outbox.add(connection, topics.LEDGER, case.case_id, event.SerializeToString())


def _first_time(connection: Connection, event_id: str) -> bool:
    known = connection.scalar(select(tables.seen.c.event_id).where(tables.seen.c.event_id == event_id))
    if known is not None:
        return False
    connection.execute(insert(tables.seen).values(event_id=event_id))
    return True
