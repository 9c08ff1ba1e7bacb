"""Lines of the ledger. Their ids derive from what they say, so that a repeated effect repeats the id."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from lucidray.core.canonical import digest_json
from lucidray.core.errors import LucidrayError
from lucidray.v1.case_pb2 import Case, QualityFlag
from lucidray.v1.events_pb2 import CaseReturned, CaseState, LedgerEvent


def case_event(
    case: Case,
    state: CaseState,
    step: str,
    at: datetime,
    *,
    error: LucidrayError | None = None,
    summary: Mapping[str, str] | None = None,
    quality: Sequence[QualityFlag] = (),
) -> LedgerEvent:
    """What `step` says of a case; `case` as it is after the step."""
    event = LedgerEvent(
        case_id=case.case_id,
        study_key=case.study_key,
        study_version=case.study_version,
        patient_key=case.patient_key,
        workflow=case.workflow,
        priority=case.priority,
        generation=case.generation,
        state=state,
        step=step,
        next_step=case.slip[0].step if case.slip else "",
        summary=dict(summary or {}),
        quality=quality,
    )
    event.event_id = digest_json([case.case_id, case.generation, case.run, case.attempt, step, int(state)])[:32]
    event.at.FromDatetime(at)
    if error is not None:
        event.thing, event.cause, event.remedy = error.thing, error.cause, error.remedy
    elif case.history and case.history[-1].entry.step == step:
        event.finished.CopyFrom(case.history[-1])
    return event


def study_event(
    subject_id: str,
    study_key: str,
    state: CaseState,
    at: datetime,
    error: LucidrayError | None = None,
    version: int = 0,
) -> LedgerEvent:
    """What dispatch says of a study that is not (yet) a case. `subject_id` begins with "s"."""
    event = LedgerEvent(case_id=subject_id, study_key=study_key, study_version=version, state=state, step="dispatch")
    cause = error.cause if error else ""
    event.event_id = digest_json([subject_id, version, int(state), cause, at.isoformat()])[:32]
    event.at.FromDatetime(at)
    if error is not None:
        event.thing, event.cause, event.remedy = error.thing, error.cause, error.remedy
    return event


def returned(case: Case, state: CaseState, step: str, error: LucidrayError | None = None) -> CaseReturned:
    """A worker gives a case back to dispatch."""
    message = CaseReturned(
        event_id=digest_json([case.case_id, case.generation, case.run, case.attempt, step, int(state)])[:32],
        case=case,
        state=state,
        step=step,
    )
    if error is not None:
        message.thing, message.cause, message.remedy = error.thing, error.cause, error.remedy
    return message
