"""Closing a study: a compare-and-set on its revision, together with its cases and what is said of them."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, Row, insert, select, update

from lucidray.contracts.base import DICOM
from lucidray.contracts.catalogue import SELECT, STEPS, STUDY
from lucidray.core import logging, metrics, topics
from lucidray.core.canonical import digest_json
from lucidray.core.case import checked, make_case_id, slip_entry
from lucidray.core.errors import LucidrayError, Permanent
from lucidray.core.ledger import case_event, study_event
from lucidray.dispatch import outbox, tables
from lucidray.dispatch.former import predecessor
from lucidray.dispatch.selection import Instance, Opening, Verdict, judge
from lucidray.dispatch.settings import DispatchSettings
from lucidray.dispatch.workflow import Workflow
from lucidray.serving.bundle import BundleShelf
from lucidray.store.cases import ArtifactEntry, CaseStore, Manifest, PartEntry
from lucidray.v1.case_pb2 import Case, OnFailure, Outcome, Priority, Zone
from lucidray.v1.events_pb2 import CaseState

log = logging.get(__name__)

_ON_FAILURE = {"park": OnFailure.ON_FAILURE_PARK, "skip": OnFailure.ON_FAILURE_SKIP}
_ENDED = (CaseState.CASE_STATE_COMPLETED, CaseState.CASE_STATE_CANCELLED, CaseState.CASE_STATE_SUPERSEDED)


@dataclass(frozen=True)
class Quiet:
    """Whether a study may be closed; if not although nothing came for a while, why."""

    due: bool
    waits_for: str = ""


def quiet(
    last_accepted: float, now: float, watermarks: Sequence[tuple[str, float, float]], settings: DispatchSettings
) -> Quiet:
    """Is a study complete?

    Parameters
    ----------
    last_accepted, now
        Seconds since the epoch.
    watermarks
        Of the study's partition: gateway, accepted-before, heard-at.
    """
    end = last_accepted + settings.quiet_seconds
    if now < end:
        return Quiet(False)
    known = [mark for mark in watermarks if now - mark[2] < settings.gateway_forget_seconds]
    silent = [gateway for gateway, _, heard in known if now - heard > settings.gateway_silent_seconds]
    if silent:
        return Quiet(False, f"gateway {', '.join(sorted(silent))} is silent: it may still hold objects of this study")
    # A gateway that has a backlog has not yet said that it published all it accepted before the end.
    return Quiet(all(before >= end for _, before, _ in known) and bool(known))


class Closer:
    """Closes studies that have become quiet."""

    def __init__(
        self,
        engine: Engine,
        clinical: CaseStore,
        analysis: CaseStore,
        workflows: Sequence[Workflow],
        shelf: BundleShelf,
        settings: DispatchSettings,
    ) -> None:
        self._engine = engine
        self._stores = (clinical, analysis)
        self._workflows = workflows
        self._settings = settings
        self._shelf = shelf
        self.waits = False  # whether studies were open at the last look

    def close_due(self, now: datetime) -> int:
        """Close what is quiet; number of studies closed."""
        with self._engine.begin() as connection:
            studies = connection.execute(select(tables.study).where(tables.study.c.open)).all()
            marks = connection.execute(select(tables.watermark)).all()
        metrics.STUDIES_OPEN.set(len(studies))
        self.waits = bool(studies)
        closed = 0
        for study in studies:
            of_partition = [
                (m.gateway_id, m.accepted_before, m.heard_at) for m in marks if m.partition == study.partition
            ]
            state = quiet(study.last_accepted, now.timestamp(), of_partition, self._settings)
            if state.due:
                closed += self.close(study, now)
            elif state.waits_for != study.waits_for:
                self._say_waiting(study, state.waits_for, now)
        return closed

    def close(self, study: Row[tuple[object, ...]], now: datetime) -> bool:
        """Judge one study and act on it; False when another replica or a late object was faster."""
        instances = self._instances(study.study_key)
        content = digest_json(
            [[each.instance_key, each.byte_digest] for each in instances if not each.header.get("own")]
        )
        unchanged = content == study.content
        version = study.version if unchanged else study.version + 1
        verdict = Verdict() if unchanged else judge(instances, self._workflows)
        cases, problems = self._open_all(verdict, study.study_key, version, now)
        with self._engine.begin() as connection:
            column = tables.study.c
            won = connection.execute(
                update(tables.study)
                .where(column.study_key == study.study_key, column.revision == study.revision, column.open)
                .values(open=False, version=version, content=content, waits_for="")
            )
            if not won.rowcount:
                return False
            if unchanged:
                return True
            self._supersede(connection, study.study_key, version, now)
            for case in cases:
                self._insert(connection, case, now)
            self._say_verdict(connection, study.study_key, version, verdict.unmatched, problems, now)
        log.info("study-closed", study_key=study.study_key, version=version, cases=len(cases))
        return True

    def _instances(self, study_key: str) -> list[Instance]:
        column = tables.instance.c
        with self._engine.begin() as connection:
            rows = connection.execute(
                select(tables.instance)
                .where(column.study_key == study_key, ~column.replaced)
                .order_by(column.instance_key, column.byte_digest)
            ).all()
        return [
            Instance(r.instance_key, r.byte_digest, r.object_key, r.size, r.conflicting, json.loads(r.header))
            for r in rows
        ]

    def _open_all(
        self, verdict: Verdict, study_key: str, version: int, now: datetime
    ) -> tuple[list[Case], list[LucidrayError]]:
        """The cases that can be opened, and what keeps others from it (a broken bundle holds only its workflow)."""
        cases, problems = [], list(verdict.problems)
        for opening in verdict.openings:
            try:
                cases.append(self._open(opening, study_key, version, verdict, now))
            except Permanent as error:
                problems.append(error)
        return cases, problems

    def _open(self, opening: Opening, study_key: str, version: int, verdict: Verdict, now: datetime) -> Case:
        """The case of an opening, its selected objects already committed."""
        workflow = opening.workflow
        bundles = {name: self._shelf.find(name).digest for name in workflow.bundles}
        digest = workflow.digest(bundles)
        case = Case(
            case_id=make_case_id(study_key, version, digest),
            study_key=study_key,
            study_version=version,
            patient_key=verdict.patient_key,
            workflow=workflow.name,
            workflow_digest=digest,
            priority=Priority.PRIORITY_URGENT if opening.urgent else Priority.PRIORITY_ROUTINE,
            traceparent=f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
        )
        case.opened_at.FromDatetime(now)
        with self._engine.begin() as connection:
            former = predecessor(connection, study_key, version, workflow.name)
        if former is not None:
            case.predecessor.CopyFrom(former)
        for rule in workflow.slip:
            case.slip.append(
                slip_entry(
                    rule.step,
                    STEPS[rule.step].algorithm_version,
                    rule.parameters,
                    _ON_FAILURE[rule.on_failure],
                    {name: bundles[name] for name in rule.bundles},
                )
            )
        manifest = self._stores[0].commit(_selection(case.case_id, opening.inputs))
        entry = slip_entry(SELECT.name, SELECT.algorithm_version, {}, OnFailure.ON_FAILURE_PARK, {})
        done = case.history.add(
            entry=entry, step_key=manifest.step_key, zone=Zone.ZONE_CLINICAL, outcome=Outcome.OUTCOME_DONE
        )
        done.finished_at.FromDatetime(now)
        return checked(case)

    def _insert(self, connection: Connection, case: Case, now: datetime) -> None:
        state = CaseState.CASE_STATE_RUNNING
        connection.execute(
            insert(tables.case).values(
                case_id=case.case_id,
                study_key=case.study_key,
                study_version=case.study_version,
                workflow_digest=case.workflow_digest,
                state=state,
                message=case.SerializeToString(),
            )
        )
        first = topics.step_topic(case.slip[0].step, case.priority)
        outbox.add(connection, first, case.case_id, case.SerializeToString())
        event = case_event(case, state, "dispatch", now)
        event.slip.extend(entry.step for entry in case.slip)
        outbox.add(connection, topics.LEDGER, case.case_id, event.SerializeToString())
        metrics.CASES.labels("opened", case.workflow).inc()

    def _supersede(self, connection: Connection, study_key: str, version: int, now: datetime) -> None:
        column = tables.case.c
        older = connection.execute(
            select(tables.case).where(
                column.study_key == study_key, column.study_version < version, column.state.not_in(_ENDED)
            )
        ).all()
        for row in older:
            # Before the transaction commits: if it does not, the study is still open and this is done again.
            for store in self._stores:
                store.mark(row.case_id, "superseded", f"study version {version}")
            case, state = Case.FromString(row.message), CaseState.CASE_STATE_SUPERSEDED
            connection.execute(update(tables.case).where(column.case_id == row.case_id).values(state=state))
            event = case_event(case, state, "dispatch", now)
            outbox.add(connection, topics.LEDGER, row.case_id, event.SerializeToString())

    def _say_verdict(
        self,
        connection: Connection,
        study_key: str,
        version: int,
        unmatched: bool,
        problems: Sequence[LucidrayError],
        now: datetime,
    ) -> None:
        if unmatched:
            error = LucidrayError(
                "study",
                "no workflow wants it",
                "nothing to do; if one should, correct its `when`, then `lucidray case release` to look again",
            )
            say_study(connection, study_key, CaseState.CASE_STATE_UNMATCHED, now, error, version)
        for number, problem in enumerate(problems):
            say_study(connection, study_key, CaseState.CASE_STATE_HELD, now, problem, version, number)

    def _say_waiting(self, study: Row[tuple[object, ...]], waits_for: str, now: datetime) -> None:
        error = LucidrayError("study", waits_for, "start the gateway again, or wait") if waits_for else None
        with self._engine.begin() as connection:
            where = tables.study.c.study_key == study.study_key
            connection.execute(update(tables.study).where(where).values(waits_for=waits_for))
            say_study(connection, study.study_key, CaseState.CASE_STATE_COLLECTING, now, error)


def say_study(
    connection: Connection,
    study_key: str,
    state: CaseState,
    now: datetime,
    error: LucidrayError | None = None,
    version: int = 0,
    number: int = 0,
) -> None:
    """Tell the ledger about a study that is not a case. Several problems are told under one id each."""
    subject = f"s{study_key[:24]}" + (f"-{number}" if number else "")
    event = study_event(subject, study_key, state, now, error, version)
    outbox.add(connection, topics.LEDGER, subject, event.SerializeToString())


def _selection(case_id: str, inputs: Mapping[str, Sequence[Instance]]) -> Manifest:
    """The selected objects as the first manifest of a case. They stay where the gateway put them."""
    artifacts = [
        ArtifactEntry(
            contract=STUDY.name,
            role=role,
            parts=[
                PartEntry(
                    name=each.instance_key,
                    media_type=DICOM,
                    key=each.object_key,
                    sha256=each.byte_digest,
                    size=each.size,
                )
                for each in instances
            ],
        )
        for role, instances in sorted(inputs.items())
    ]
    key = digest_json([[artifact.role, [part.sha256 for part in artifact.parts]] for artifact in artifacts])
    return Manifest(
        case_id=case_id,
        step=SELECT.name,
        step_key=key,
        algorithm_version=SELECT.algorithm_version,
        artifacts=artifacts,
        recorded={"at": datetime.now(UTC).isoformat()},
    )
