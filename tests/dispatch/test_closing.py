"""When is a study complete, and what closing it writes."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage
from sqlalchemy import Engine, select

from lucidray.bus.base import Record
from lucidray.core import topics
from lucidray.core.canonical import digest_bytes
from lucidray.core.clock import ManualClock
from lucidray.core.database import open_database
from lucidray.core.errors import Permanent, Transient
from lucidray.core.identity import SiteKey
from lucidray.core.ledger import returned
from lucidray.dispatch import tables
from lucidray.dispatch.cases import Cases
from lucidray.dispatch.closing import Closer, quiet
from lucidray.dispatch.intake import Intake
from lucidray.dispatch.settings import DispatchSettings
from lucidray.dispatch.workflow import Workflow
from lucidray.serving.bundle import BundleShelf
from lucidray.store.base import Content
from lucidray.store.cases import CaseStore
from lucidray.store.folder import FolderStore
from lucidray.v1.case_pb2 import Case, Outcome
from lucidray.v1.events_pb2 import CaseCommand, CaseState, CommandKind, IntakeEvent, LedgerEvent

KEY = SiteKey(bytes(range(32)))
SETTINGS = DispatchSettings(quiet_seconds=10)
START = datetime(2026, 5, 4, 12, tzinfo=UTC)
WORKFLOW = Workflow.model_validate(
    {
        "name": "test",
        "when": "study.series.exists(s, s.Modality == 'CT')",
        "inputs": {"CT": {"select": "series.Modality == 'CT'"}},
        "slip": [{"step": "deidentify"}, {"step": "harmonize"}],
    }
)


def part10(number: int, **attributes: Any) -> bytes:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pet = attributes.get("Modality") == "PT"
    dataset.SOPClassUID = PositronEmissionTomographyImageStorage if pet else CTImageStorage
    dataset.SOPInstanceUID = f"1.2.3.{number}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.0"
    dataset.Modality, dataset.PatientID, dataset.SeriesNumber = "CT", "ID-SECRET", 3
    for name, value in attributes.items():
        setattr(dataset, name, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


class House:
    """Dispatch's parts over a temporary folder, with time in the test's hand."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(START)
        self.objects = FolderStore(folder / "clinical")
        self.clinical, self.analysis = CaseStore(self.objects), CaseStore(FolderStore(folder / "analysis"))
        self.engine: Engine = open_database(folder, "dispatch", tables.metadata)
        self.intake = Intake(self.engine, self.objects, KEY, self.clock)
        self.cases = Cases(self.engine, self.clinical, self.analysis)
        self.closer = self.closer_with(WORKFLOW)

    def closer_with(self, *workflows: Workflow) -> Closer:
        return Closer(self.engine, self.clinical, self.analysis, workflows, BundleShelf([]), SETTINGS)

    def receive(
        self, *files: bytes, study: str = "s" * 32, keys: Sequence[str] = (), conflicting: bool = False
    ) -> None:
        event = IntakeEvent()
        event.stored.study_key = study
        event.stored.accepted_at.FromDatetime(self.clock.now())
        for number, data in enumerate(files):
            digest = digest_bytes(data)
            self.objects.put_new(f"intake/{study}/{digest}", data)
            event.stored.instances.add(
                instance_key=keys[number] if keys else digest[:32],
                byte_digest=digest,
                object_key=f"intake/{study}/{digest}",
                size_bytes=len(data),
                conflicting=conflicting,
            )
        self.take(event)

    def mark(self, gateway: str = "g1") -> None:
        event = IntakeEvent()
        event.watermark.gateway_id = gateway
        event.watermark.accepted_before.FromDatetime(self.clock.now())
        self.take(event)

    def take(self, event: IntakeEvent) -> None:
        self.intake.take([Record(topics.INTAKE, 3, 0, None, event.SerializeToString())])

    def pass_time(self, seconds: float) -> int:
        self.clock.sleep(seconds)
        self.mark()
        return self.closer.close_due(self.clock.now())

    def rows(self, table: Any) -> list[Any]:
        with self.engine.begin() as connection:
            return list(connection.execute(select(table)).all())

    def said(self) -> list[LedgerEvent]:
        return [LedgerEvent.FromString(row.value) for row in self.rows(tables.outbox) if row.topic == topics.LEDGER]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_quiet_needs_time_and_every_gateways_watermark() -> None:
    now = 1000.0
    assert not quiet(995, now, [("g", now, now)], SETTINGS).due
    assert quiet(980, now, [("g", now, now)], SETTINGS).due
    assert not quiet(980, now, [], SETTINGS).due
    assert not quiet(980, now, [("g", now, now), ("h", 985, now)], SETTINGS).due  # h has a backlog
    silent = quiet(980, now, [("g", now, now), ("h", 900, 900)], SETTINGS)
    assert not silent.due
    assert "gateway h is silent" in silent.waits_for
    assert quiet(980, now, [("g", now, now), ("h", 900, now - 100_000)], SETTINGS).due  # h is gone for good


def test_a_quiet_study_opens_one_case_that_names_its_objects(house: House) -> None:
    files = [part10(1), part10(2)]
    house.receive(*files)
    assert house.pass_time(5) == 0
    assert house.pass_time(6) == 1
    (row,) = house.rows(tables.case)
    case = Case.FromString(row.message)
    assert [entry.step for entry in case.slip] == ["deidentify", "harmonize"]
    manifest = house.clinical.manifest(case.case_id, case.history[0].step_key)
    selected = manifest.find("study", "CT")
    assert selected is not None
    assert sorted(house.clinical.get_part(part) for part in selected.parts) == sorted(files)
    to_step = [row for row in house.rows(tables.outbox) if row.topic == "lucidray.step.deidentify.routine"]
    assert [Case.FromString(row.value).case_id for row in to_step] == [case.case_id]
    assert house.pass_time(100) == 0


def test_nothing_that_identifies_the_patient_leaves_dispatch(house: House) -> None:
    house.receive(part10(1), part10(2))
    house.pass_time(11)
    sent = b"".join(row.value for row in house.rows(tables.outbox))
    for secret in (b"ID-SECRET", b"1.2.3."):
        assert secret not in sent
        assert all(secret not in row.header.encode() for row in house.rows(tables.instance))


def test_a_late_image_makes_a_new_version_that_supersedes(house: House) -> None:
    house.receive(part10(1))
    house.pass_time(11)
    house.receive(part10(2))
    assert house.pass_time(11) == 1
    first, second = sorted(house.rows(tables.case), key=lambda row: row.study_version)
    assert (first.state, second.state) == (CaseState.CASE_STATE_SUPERSEDED, CaseState.CASE_STATE_RUNNING)
    for store in (house.clinical, house.analysis):
        assert store.marked(first.case_id, ["superseded"])
        assert not store.marked(second.case_id, ["superseded"])


def test_the_same_event_again_changes_nothing(house: House) -> None:
    house.receive(part10(1))
    house.pass_time(11)
    before = [len(house.rows(table)) for table in (tables.case, tables.outbox, tables.instance)]
    house.receive(part10(1))
    assert house.pass_time(11) == 0
    assert [len(house.rows(table)) for table in (tables.case, tables.outbox, tables.instance)] == before


def test_our_own_results_coming_back_open_nothing(house: House) -> None:
    house.receive(part10(1))
    house.pass_time(11)
    house.receive(part10(9, Manufacturer="Lucidray", Modality="SEG"))
    house.pass_time(11)
    (row,) = house.rows(tables.case)
    assert row.state == CaseState.CASE_STATE_RUNNING


def test_an_unmatched_and_a_held_study_are_said_with_cause_and_remedy(house: House) -> None:
    house.receive(part10(1, Modality="PT"), study="a" * 32)
    house.receive(part10(2), part10(3, PatientBirthDate="19700101"), part10(4, PatientBirthDate="19700102"))
    house.pass_time(11)
    by_state = {event.state: event for event in house.said()}
    assert "no workflow" in by_state[CaseState.CASE_STATE_UNMATCHED].cause
    held = by_state[CaseState.CASE_STATE_HELD]
    assert "PatientBirthDate" in held.thing
    assert held.remedy
    assert not house.rows(tables.case)


@pytest.mark.parametrize("readable", [0, 3])
def test_an_object_that_does_not_read_holds_its_study_and_is_named(house: House, readable: int) -> None:
    house.receive(b"not DICOM", *(part10(number) for number in range(readable)))
    house.pass_time(11)
    (held,) = [event for event in house.said() if event.state == CaseState.CASE_STATE_HELD]
    assert digest_bytes(b"not DICOM") in held.thing
    assert "does not read as DICOM" in held.cause
    assert "send it again" in held.remedy
    assert not house.rows(tables.case)


def test_a_broken_bundle_holds_only_its_workflow(house: House) -> None:
    needs = WORKFLOW.model_copy(
        update={"name": "needs", "slip": [WORKFLOW.slip[0].model_copy(update={"bundles": ["x"]})]}
    )
    house.closer = house.closer_with(needs, WORKFLOW)
    house.receive(part10(1))
    house.pass_time(11)
    assert len(house.rows(tables.case)) == 1
    held = [event for event in house.said() if event.state == CaseState.CASE_STATE_HELD]
    assert ["'x'" in event.thing for event in held] == [True]


def test_release_looks_again(house: House) -> None:
    house.closer = house.closer_with(WORKFLOW.model_copy(update={"when": "false"}))
    house.receive(part10(1))
    house.pass_time(11)
    house.closer = house.closer_with(WORKFLOW)
    subject = house.said()[-1].case_id
    house.cases.take_command(
        CaseCommand(command_id="1", kind=CommandKind.COMMAND_KIND_RELEASE, case_id=subject), house.clock.now()
    )
    assert house.pass_time(1) == 1
    assert len(house.rows(tables.case)) == 1


def release(house: House, number: str = "1") -> None:
    held = [event for event in house.said() if event.state == CaseState.CASE_STATE_HELD][-1]
    message = CaseCommand(
        command_id=number, kind=CommandKind.COMMAND_KIND_RELEASE, case_id=held.case_id, actor="tester"
    )
    house.cases.take_command(message, house.clock.now())
    house.cases.take_command(message, house.clock.now())


def test_corrected_objects_are_taken_when_the_study_is_released(house: House) -> None:
    """What the remedy of a conflict says leads out of it, each time."""
    wrong = [part10(number, PatientBirthDate=f"1970010{number}") for number in (1, 2)]
    house.receive(*wrong, keys=["1", "2"])
    house.pass_time(11)
    for attempt, birth_date in enumerate(("19700103", "19700104")):
        right = [part10(number, PatientBirthDate=birth_date) for number in (1, 2)]
        house.receive(*right, keys=["1", "2"], conflicting=True)
        house.pass_time(11)
        assert len(house.rows(tables.case)) == attempt
        last = [event for event in house.said() if event.state == CaseState.CASE_STATE_HELD][-1]
        assert "2 came again" in last.cause
        assert "lucidray case release" in last.remedy
        release(house, str(attempt))
        house.pass_time(1)
        cases = [Case.FromString(row.message) for row in house.rows(tables.case)]
        newest = max(cases, key=lambda case: case.study_version)
        assert len(cases) == attempt + 1
        selected = house.clinical.manifest(newest.case_id, newest.history[0].step_key).find("study", "CT")
        assert selected is not None
        assert sorted(house.clinical.get_part(part) for part in selected.parts) == sorted(right)
    house.receive(*wrong, keys=["1", "2"])  # an old event that comes again
    assert house.pass_time(11) == 0


def test_the_ledger_says_who_released_what(house: House) -> None:
    house.receive(part10(1), keys=["1"])
    house.receive(part10(1, PatientSex="F"), keys=["1"], conflicting=True)
    house.pass_time(11)
    release(house)
    (audit,) = [event for event in house.said() if "released" in event.cause]
    assert audit.state == CaseState.CASE_STATE_COLLECTING
    assert audit.cause.startswith("released by tester; the newest content counts (objects: 1)")


def test_a_corrected_object_takes_the_place_of_one_that_did_not_read(house: House) -> None:
    house.receive(part10(1), b"not DICOM", keys=["1", "2"])
    house.pass_time(11)
    house.receive(part10(2), keys=["2"], conflicting=True)
    house.pass_time(11)
    release(house)
    house.pass_time(1)
    assert len(house.rows(tables.case)) == 1


def opened(house: House) -> Case:
    house.receive(part10(1))
    house.pass_time(11)
    return Case.FromString(house.rows(tables.case)[0].message)


def published(house: House) -> int:
    return sum(row.topic.startswith("lucidray.step.") for row in house.rows(tables.outbox))


def test_a_transient_failure_is_sent_again_after_its_delay_once(house: House) -> None:
    case = opened(house)
    case.attempt = 2
    message = returned(case, CaseState.CASE_STATE_RETRYING, "deidentify", Transient("t", "c", "r"))
    house.cases.take_returned(message, house.clock.now())
    house.cases.take_returned(message, house.clock.now())
    assert house.cases.fire_timers(house.clock.now() + timedelta(seconds=3)) == 0
    assert house.cases.fire_timers(house.clock.now() + timedelta(seconds=5)) == 1
    assert house.cases.fire_timers(house.clock.now() + timedelta(seconds=9)) == 0
    assert published(house) == 2


def command(case: Case, kind: CommandKind, number: str = "1", **fields: Any) -> CaseCommand:
    return CaseCommand(command_id=number, kind=kind, case_id=case.case_id, actor="tester", **fields)


def test_a_parked_case_is_retried_by_command_once(house: House) -> None:
    case = opened(house)
    house.cases.take_returned(returned(case, CaseState.CASE_STATE_PARKED, "deidentify"), house.clock.now())
    retry = command(case, CommandKind.COMMAND_KIND_RETRY, recompute=True)
    house.cases.take_command(retry, house.clock.now())
    house.cases.take_command(retry, house.clock.now())
    assert published(house) == 2
    assert Case.FromString(house.rows(tables.case)[0].message).generation == 1


def test_a_running_case_is_not_retried(house: House) -> None:
    with pytest.raises(Permanent, match="it is running"):
        house.cases.take_command(command(opened(house), CommandKind.COMMAND_KIND_RETRY), house.clock.now())


def test_cancel_leaves_markers_and_stops_timers(house: House) -> None:
    case = opened(house)
    house.cases.take_returned(returned(case, CaseState.CASE_STATE_RETRYING, "deidentify"), house.clock.now())
    house.cases.take_command(command(case, CommandKind.COMMAND_KIND_CANCEL), house.clock.now())
    house.cases.fire_timers(house.clock.now() + timedelta(hours=1))
    assert published(house) == 1
    assert house.clinical.marked(case.case_id, ["cancelled"])
    assert house.analysis.marked(case.case_id, ["cancelled"])
    with pytest.raises(Permanent, match="already ended"):
        house.cases.take_command(command(case, CommandKind.COMMAND_KIND_CANCEL, "2"), house.clock.now())


class Full(FolderStore):
    """A store that cannot take the next marker."""

    full = False

    def put_new(self, key: str, content: Content) -> bool:
        if self.full and "/markers/" in key:
            self.full = False
            raise Transient("store", "it is full", "free space")
        return super().put_new(key, content)


@pytest.fixture
def full(house: House, tmp_path: Path) -> Full:
    """The analysis store of the house, full once it is told so."""
    store = Full(tmp_path / "analysis")
    house.analysis = CaseStore(store)
    house.cases = Cases(house.engine, house.clinical, house.analysis)
    house.closer = house.closer_with(WORKFLOW)
    return store


def test_a_cancel_whose_marker_failed_takes_effect_when_it_comes_again(house: House, full: Full) -> None:
    case = opened(house)
    cancel = command(case, CommandKind.COMMAND_KIND_CANCEL)
    full.full = True
    with pytest.raises(Transient):
        house.cases.take_command(cancel, house.clock.now())
    house.cases.take_command(cancel, house.clock.now())
    assert house.analysis.marked(case.case_id, ["cancelled"])
    assert [row.state for row in house.rows(tables.case)] == [CaseState.CASE_STATE_CANCELLED]


def test_a_study_whose_superseding_marker_failed_is_closed_again(house: House, full: Full) -> None:
    first = opened(house)
    house.receive(part10(2))
    full.full = True
    with pytest.raises(Transient):
        house.pass_time(11)
    assert house.pass_time(1) == 1
    assert house.analysis.marked(first.case_id, ["superseded"])
    assert len(house.rows(tables.case)) == 2


def test_a_case_retried_by_hand_is_not_sent_again_by_its_old_timer(house: House) -> None:
    case = opened(house)
    failed = returned(case, CaseState.CASE_STATE_RETRYING, "deidentify")
    house.cases.take_returned(failed, house.clock.now())
    house.cases.take_command(command(case, CommandKind.COMMAND_KIND_RETRY), house.clock.now())
    again = Case.FromString(house.rows(tables.case)[0].message)
    assert published(house) == 2
    house.cases.fire_timers(house.clock.now() + timedelta(seconds=3))
    assert published(house) == 2
    later = house.clock.now() + timedelta(hours=1)  # the new run fails too: only its own timer counts
    house.cases.take_returned(returned(again, CaseState.CASE_STATE_RETRYING, "deidentify"), later)
    house.cases.fire_timers(later + timedelta(seconds=3))
    assert published(house) == 3


def test_an_old_timer_does_not_fire_for_a_new_run_that_waits_too(house: House) -> None:
    case = opened(house)
    case.attempt = 8
    house.cases.take_returned(returned(case, CaseState.CASE_STATE_RETRYING, "deidentify"), house.clock.now())
    house.cases.take_command(command(case, CommandKind.COMMAND_KIND_RETRY), house.clock.now())
    again = Case.FromString(house.rows(tables.case)[0].message)
    again.attempt = 9
    later = house.clock.now() + timedelta(seconds=200)
    house.cases.take_returned(returned(again, CaseState.CASE_STATE_RETRYING, "deidentify"), later)
    house.cases.fire_timers(later + timedelta(seconds=100))  # the old one is due, the new one is not
    assert published(house) == 2


@pytest.mark.parametrize("state", [99, CaseState.CASE_STATE_UNSPECIFIED, CaseState.CASE_STATE_COLLECTING])
def test_a_case_that_comes_back_in_a_state_of_a_later_release_is_parked_and_can_be_retried(
    house: House, state: int
) -> None:
    case = opened(house)
    message = returned(case, CaseState.CASE_STATE_PARKED, "deidentify")
    message.state = state  # type: ignore[assignment]  # open enumerations keep what they do not know
    house.cases.take_returned(message, house.clock.now())
    said = house.said()[-1]
    assert (said.state, said.case_id, said.step) == (CaseState.CASE_STATE_PARKED, case.case_id, "deidentify")
    assert f"state {state}, which this release" in said.cause
    house.cases.take_command(command(case, CommandKind.COMMAND_KIND_RETRY), house.clock.now())
    assert house.said()[-1].state == CaseState.CASE_STATE_RUNNING


def finished(house: House, case: Case, state: CaseState) -> None:
    """A case comes back with results that it encoded."""
    done = case.history.add(step_key="results-of-" + case.case_id, outcome=Outcome.OUTCOME_DONE)
    done.entry.step = "encode"
    house.cases.take_returned(returned(case, state, "deliver"), house.clock.now())


def newest(house: House) -> Case:
    return Case.FromString(max(house.rows(tables.case), key=lambda row: row.study_version).message)


def test_a_corrected_run_knows_the_results_that_it_replaces(house: House) -> None:
    first = opened(house)
    assert not first.HasField("predecessor")
    finished(house, first, CaseState.CASE_STATE_COMPLETED)
    for number, state in ((7, CaseState.CASE_STATE_PARKED), (8, CaseState.CASE_STATE_COMPLETED)):
        house.receive(part10(number))
        house.pass_time(11)
        case = newest(house)  # what was parked has delivered nothing: the first is what is replaced, again
        assert (case.predecessor.case_id, case.predecessor.step_key) == (first.case_id, f"results-of-{first.case_id}")
        finished(house, newest(house), state)
    house.receive(part10(9))
    house.pass_time(11)
    assert newest(house).predecessor.case_id == case.case_id


def test_another_workflow_replaces_nothing(house: House) -> None:
    finished(house, opened(house), CaseState.CASE_STATE_COMPLETED)
    house.closer = house.closer_with(WORKFLOW.model_copy(update={"name": "other"}))
    house.receive(part10(7))
    house.pass_time(11)
    assert not newest(house).HasField("predecessor")


def test_commands_for_unknown_cases_are_refused(house: House) -> None:
    with pytest.raises(Permanent, match="does not know it"):
        house.cases.take_command(command(Case(case_id="c?"), CommandKind.COMMAND_KIND_CANCEL), house.clock.now())


def test_a_command_of_a_later_release_is_refused_by_name(house: House) -> None:
    message = command(opened(house), CommandKind.COMMAND_KIND_RETRY)
    message.kind = 99  # type: ignore[assignment]  # open enumerations keep what they do not know
    with pytest.raises(Permanent, match="knows no command of kind 99"):
        house.cases.take_command(message, house.clock.now())
