"""The Case: pure functions over the message that travels from step to step.

All return a new message; fields that this release does not know survive.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lucidray.core.canonical import canonical_json, digest_json
from lucidray.core.errors import Permanent
from lucidray.v1.case_pb2 import Case, OnFailure, Outcome, QualityFlag, Severity, SlipEntry, Zone

MAX_CASE_BYTES = 64 * 1024
MOST_FLAGS = 20  # of one code and step that travel with a case; a page of results has room for no more


def make_case_id(study_key: str, study_version: int, workflow_digest: str) -> str:
    """Id of the one run of a workflow on a version of a study: replicas of dispatch agree on it."""
    return "c" + digest_json([study_key, study_version, workflow_digest])[:24]


def slip_entry(
    step: str,
    algorithm_version: str,
    parameters: Mapping[str, Any],
    on_failure: OnFailure,
    bundles: Mapping[str, str],
) -> SlipEntry:
    """A step to do, pinned. `bundles` maps names to digests."""
    entry = SlipEntry(
        step=step,
        algorithm_version=algorithm_version,
        parameters=canonical_json(dict(parameters)),
        on_failure=on_failure,
    )
    for name, digest in sorted(bundles.items()):
        entry.bundles.add(name=name, digest=digest)
    return entry


def quality_flag(step: str, code: str, message: str, *, warning: bool = True) -> QualityFlag:
    """A remark that is printed on the results; no PHI."""
    severity = Severity.SEVERITY_WARNING if warning else Severity.SEVERITY_INFO
    return QualityFlag(step=step, code=code, message=message, severity=severity)


def head(case: Case) -> SlipEntry:
    """The step whose turn it is.

    Raises
    ------
    Permanent
        The slip is empty: the case is finished.
    """
    if not case.slip:
        raise Permanent(f"case {case.case_id}", "its slip is empty", "it is finished: nothing is left to do")
    return case.slip[0]


def advanced(
    case: Case,
    step_key: str,
    zone: Zone,
    at: datetime,
    seconds: float,
    quality: Sequence[QualityFlag] = (),
) -> Case:
    """The case after its head step committed the manifest `step_key` in `zone`.

    Raises
    ------
    Permanent
        The case would outgrow `MAX_CASE_BYTES`.
    """
    after = _without_head(case, Outcome.OUTCOME_DONE, at)
    entry = after.history[-1]
    entry.step_key, entry.zone, entry.seconds = step_key, zone, seconds
    after.quality.extend(_summed_up(quality))
    return checked(after)


def skipped(case: Case, at: datetime, reason: QualityFlag) -> Case:
    """The case without its head step, which failed and may be left out."""
    after = _without_head(case, Outcome.OUTCOME_SKIPPED, at)
    after.quality.append(reason)
    return checked(after)


def returned_to(case: Case, step: str, *, recompute: bool) -> Case:
    """The case sent back to `step`, with that step and all later ones on the slip again.

    Raises
    ------
    Permanent
        The case never had such a step.
    """
    after = _copy(case)
    names = [entry.entry.step for entry in case.history]
    if step in names:
        again = case.history[names.index(step) :]
        todo = [entry.entry for entry in again] + list(case.slip)
        del after.history[names.index(step) :]
        del after.slip[:]
        after.slip.extend(todo)
        gone = {entry.entry.step for entry in again}
        kept = [flag for flag in case.quality if flag.step not in gone]
        del after.quality[:]
        after.quality.extend(kept)
    elif not case.slip or case.slip[0].step != step:
        known = ", ".join(names + [entry.step for entry in case.slip[:1]])
        raise Permanent(f"step '{step}'", f"case {case.case_id} has not come to it", f"choose one of: {known}")
    _forget_failures(after)
    after.run += 1
    after.generation += int(recompute)
    return checked(after)


def retried(case: Case, at: datetime) -> Case:
    """The case with one more failed attempt at its head step."""
    after = _copy(case)
    after.attempt += 1
    if not case.HasField("failing_since"):
        after.failing_since.FromDatetime(at)
    return after


def failing_seconds(case: Case, at: datetime) -> float:
    """Seconds since the head step first failed transiently; 0 if it has not."""
    if not case.HasField("failing_since"):
        return 0.0
    return (at - case.failing_since.ToDatetime(UTC)).total_seconds()


def checked(case: Case) -> Case:
    """`case`, if it is small enough to travel."""
    size = case.ByteSize()
    if size > MAX_CASE_BYTES:
        raise Permanent(
            f"case {case.case_id}",
            f"its message would take {size} bytes, more than {MAX_CASE_BYTES}",
            "shorten the workflow's parameters or the quality messages of its steps",
        )
    return case


def _summed_up(flags: Sequence[QualityFlag]) -> list[QualityFlag]:
    """The first of each code, and how many more there were: one remark for each of 300 regions fits no message."""
    kept = []
    for code in dict.fromkeys(flag.code for flag in flags):
        own = [flag for flag in flags if flag.code == code]
        kept += own[:MOST_FLAGS]
        if rest := own[MOST_FLAGS:]:
            severity = max(flag.severity for flag in rest)
            kept.append(QualityFlag(step=rest[0].step, code=code, message=f"and {len(rest)} more", severity=severity))
    return kept


def _copy(case: Case) -> Case:
    copy = Case()
    copy.CopyFrom(case)
    return copy


def _without_head(case: Case, outcome: Outcome, at: datetime) -> Case:
    entry = head(case)
    after = _copy(case)
    done = after.history.add(entry=entry, outcome=outcome)
    done.finished_at.FromDatetime(at)
    del after.slip[0]
    _forget_failures(after)
    return after


def _forget_failures(case: Case) -> None:
    case.attempt = 0
    case.ClearField("failing_since")
