"""What was delivered of a study before: the results of a corrected run say which report they replace."""

from sqlalchemy import Connection, select

from lucidray.contracts.catalogue import RESULTS, STEPS
from lucidray.dispatch import tables
from lucidray.v1.case_pb2 import Case, Outcome, Predecessor
from lucidray.v1.events_pb2 import CaseState

_WRITERS = {name for name, spec in STEPS.items() if RESULTS in spec.writes}


def predecessor(connection: Connection, study_key: str, version: int, workflow: str) -> Predecessor | None:
    """The results of the last case of a workflow that was completed on a version of the study before `version`."""
    column = tables.case.c
    completed = (
        select(column.message)
        .where(
            column.study_key == study_key,
            column.study_version < version,
            column.state == CaseState.CASE_STATE_COMPLETED,
        )
        .order_by(column.study_version.desc())
    )
    for message in connection.scalars(completed):
        case = Case.FromString(message)
        keys = [
            entry.step_key
            for entry in case.history
            if entry.entry.step in _WRITERS and entry.outcome == Outcome.OUTCOME_DONE
        ]
        if case.workflow == workflow and keys:
            return Predecessor(case_id=case.case_id, step_key=keys[-1])
    return None
