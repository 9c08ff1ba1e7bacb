"""Delivery over real sockets: what arrives, what is sent again, and how failures are named."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage, ExplicitVRLittleEndian, SegmentationStorage
from sqlalchemy import select

from lucidray.contracts.catalogue import DELIVERABLES, RECEIPTS
from lucidray.contracts.parameters import DeliverParameters
from lucidray.contracts.results import Receipt
from lucidray.core.canonical import digest_bytes
from lucidray.core.clock import ManualClock
from lucidray.core.database import open_database
from lucidray.core.errors import LucidrayError, Permanent, Refused, Transient
from lucidray.core.settings import forget_file
from lucidray.deliver import association
from lucidray.deliver import attempts as tables
from lucidray.deliver.attempts import Attempts
from lucidray.deliver.settings import DeliverSettings, Destination
from lucidray.deliver.step import DeliverStep, build
from lucidray.imaging.requestor import steady
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs, StepResult

Deliverables = list[Artifact[list[bytes]]]
Nodes = Callable[..., Any]
SEG_CLASS, SR_CLASS = str(SegmentationStorage), str(Comprehensive3DSRStorage)


@pytest.fixture
def deliver(attempts: Attempts, case: CaseFacts, deliverables: Deliverables) -> Callable[..., StepResult]:
    def run(*destinations: Destination, objects: Deliverables | None = None, only: Sequence[str] = ()) -> StepResult:
        step = DeliverStep(DeliverSettings(destinations=destinations), attempts)
        return step.run(case, GivenInputs(objects or deliverables), DeliverParameters(destinations=tuple(only)))

    return run


def receipts(result: StepResult) -> list[Receipt]:
    (artifact,) = result.artifacts
    assert artifact.contract is RECEIPTS
    found: list[Receipt] = artifact.value.receipts
    return found


def test_bytes_arrive_unchanged_segmentation_first(
    nodes: Nodes, deliver: Callable[..., StepResult], deliverables: Deliverables
) -> None:
    node = nodes()
    result = deliver(node.destination())
    sent = {artifact.role: artifact.value[0] for artifact in deliverables}
    assert [(c, t) for c, t, _ in node.received] == [
        (SEG_CLASS, ExplicitVRLittleEndian),
        (SR_CLASS, ExplicitVRLittleEndian),
    ]
    for kind, (_, _, data) in zip(("SEG", "SR"), node.received, strict=True):
        assert sent[kind].endswith(data)
        assert len(data) > 100
    assert node.calling == ["LUCIDRAY", "LUCIDRAY"]
    assert receipts(result) == [
        Receipt(
            destination="PACS",
            object_digest=digest_bytes(sent[kind]),
            kind=kind,
            status="stored",
            dicom_status="0000",
            attempts=1,
        )
        for kind in ("SEG", "SR")
    ]
    assert result.summary == {"PACS": "SEG stored, SR stored"}
    assert not result.quality


def test_no_answer_is_taken_for_a_message_that_nobody_asked_for(
    nodes: Nodes, deliver: Callable[..., StepResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def steadied(event: Any) -> None:
        steady(event)
        seen.append(event.assoc)

    monkeypatch.setattr(association, "steady", steadied)
    deliver(nodes().destination())
    assert [each._reactor_checkpoint.__class__.__module__ for each in seen] == [steady.__module__]


def test_objects_go_in_the_transfer_syntax_in_which_they_are_stored(
    nodes: Nodes, deliver: Callable[..., StepResult], implicit_seg: Artifact[list[bytes]]
) -> None:
    node = nodes(storage=((SEG_CLASS, "1.2.840.10008.1.2"), (SEG_CLASS, ExplicitVRLittleEndian)))
    deliver(node.destination(), objects=[implicit_seg])
    ((_, transfer_syntax, data),) = node.received
    assert transfer_syntax == "1.2.840.10008.1.2"
    assert implicit_seg.value[0].endswith(data)


def test_a_second_run_sends_nothing_and_says_so(nodes: Nodes, deliver: Callable[..., StepResult]) -> None:
    node = nodes()
    deliver(node.destination())
    again = deliver(node.destination())
    assert len(node.received) == 2
    assert [(r.status, r.dicom_status, r.attempts) for r in receipts(again)] == [("already there", "0000", 1)] * 2


# pynetdicom leaves a socket that could not connect to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_failing_destination_keeps_no_other_from_being_served(
    nodes: Nodes, deliver: Callable[..., StepResult], free_port: int
) -> None:
    down = Destination(name="DOWN", host="127.0.0.1", port=free_port, called_ae_title="DOWN")
    busy = nodes(name="BUSY", ae_title="BUSY", statuses={SEG_CLASS: 0xA700})
    first, last = nodes(name="FIRST", ae_title="FIRST"), nodes(name="LAST", ae_title="LAST")
    places = [first.destination(), down, busy.destination(), last.destination()]
    with pytest.raises(Transient) as caught:
        deliver(*places)
    for named in ("'DOWN'", f"127.0.0.1:{free_port}", "'BUSY'", "0xA700", "it cannot be reached"):
        assert named in str(caught.value)
    assert "FIRST" not in str(caught.value)
    assert [len(node.received) for node in (first, busy, last)] == [2, 1, 2]

    busy.statuses.clear()
    nodes(name="DOWN", ae_title="DOWN", port=free_port)
    counts = {(r.destination, r.kind): (r.status, r.attempts) for r in receipts(deliver(*places))}
    assert counts["BUSY", "SEG"] == ("stored", 2)
    assert counts["DOWN", "SR"] == ("stored", 1)
    assert counts["FIRST", "SEG"] == ("already there", 1)
    assert [len(node.received) for node in (first, busy, last)] == [2, 3, 2]


@pytest.mark.parametrize(
    ("status", "failure", "remedy"),
    [
        (0xA700, Transient, "wait"),
        (0x0110, Transient, "wait"),
        (0xA900, Permanent, "another SOP class"),
        (0xC123, Permanent, "does not understand"),
        (0x0122, Permanent, "enable this storage SOP class"),
        (0x0124, Permanent, "allow our AE title"),
        (0x0117, Permanent, "log"),
    ],
)
def test_a_refusal_says_whether_to_wait(
    status: int, failure: type[LucidrayError], remedy: str, nodes: Nodes, deliver: Callable[..., StepResult]
) -> None:
    node = nodes(statuses={SEG_CLASS: status})
    with pytest.raises(failure) as caught:
        deliver(node.destination())
    assert f"0x{status:04X}" in caught.value.cause
    assert remedy in caught.value.remedy
    assert len(node.received) == 1  # the report is not sent where its segmentation is not


def test_a_warning_is_a_receipt_and_a_quality_flag_also_the_next_time(
    nodes: Nodes, deliver: Callable[..., StepResult]
) -> None:
    node = nodes(statuses={SEG_CLASS: 0xB000})
    for _ in range(2):
        result = deliver(node.destination())
        assert [r.dicom_status for r in receipts(result)] == ["B000", "0000"]
        (flag,) = result.quality
        assert flag.code == "stored-with-warning"
        assert "0xB000" in flag.message
    assert len(node.received) == 2


def test_a_duplicate_at_the_destination_is_there_already(nodes: Nodes, deliver: Callable[..., StepResult]) -> None:
    node = nodes(statuses={SEG_CLASS: 0x0111})
    assert [r.status for r in receipts(deliver(node.destination()))] == ["already there", "stored"]


@pytest.mark.parametrize("storage", [((SR_CLASS, ExplicitVRLittleEndian),), ((SEG_CLASS, "1.2.840.10008.1.2"),)])
def test_a_refused_context_names_class_and_syntax_and_nothing_is_sent(
    storage: tuple[tuple[str, str], ...], nodes: Nodes, deliver: Callable[..., StepResult]
) -> None:
    node = nodes(storage=storage)
    with pytest.raises(Permanent) as caught:
        deliver(node.destination())
    assert "Segmentation Storage in Explicit VR Little Endian" in caught.value.cause
    assert "'PACS'" in caught.value.thing
    assert "kinds" in caught.value.remedy
    assert node.received == []


def test_a_destination_may_take_reports_only(nodes: Nodes, deliver: Callable[..., StepResult]) -> None:
    node = nodes(storage=((SR_CLASS, ExplicitVRLittleEndian),))
    assert [r.kind for r in receipts(deliver(node.destination(kinds=("SR",))))] == ["SR"]


def test_a_rejected_association_names_our_title(nodes: Nodes, deliver: Callable[..., StepResult]) -> None:
    node = nodes(require_calling="SOMEONE")
    with pytest.raises(Transient) as caught:
        deliver(node.destination())
    assert "rejected" in caught.value.cause
    assert "Calling AE title not recognised" in caught.value.cause
    assert "'LUCIDRAY'" in caught.value.remedy
    assert receipts(deliver(node.destination(calling_ae_title="SOMEONE")))


def test_a_connection_that_breaks_is_tried_again(nodes: Nodes, deliver: Callable[..., StepResult]) -> None:
    node = nodes(abort_on_store=True)
    with pytest.raises(Transient, match="the connection ended"):
        deliver(node.destination())
    node.abort_on_store = False
    assert [r.attempts for r in receipts(deliver(node.destination()))] == [2, 1]


def patient(**changes: str) -> Dataset:
    match = Dataset()
    match.QueryRetrieveLevel = "STUDY"
    match.StudyInstanceUID = "2.25.777"
    match.PatientID, match.PatientName, match.PatientBirthDate = "MRN-7781", "DOE^JANE^^", "19500212"
    for keyword, value in changes.items():
        setattr(match, keyword, value)
    return match


@pytest.mark.parametrize("changes", [{}, {"PatientName": ""}, {"PatientBirthDate": ""}, {"PatientID": " MRN-7781 "}])
def test_the_same_patient_at_the_destination(
    changes: dict[str, str], nodes: Nodes, deliver: Callable[..., StepResult]
) -> None:
    node = nodes(matches=[patient(**changes)])
    result = deliver(node.destination(verify_patient=True))
    assert len(node.received) == 2
    assert not result.quality


@pytest.mark.parametrize(
    "changes",
    [{"PatientID": "OTHER"}, {"PatientID": ""}, {"PatientName": "Roe^Jane"}, {"PatientBirthDate": "19500213"}],
)
def test_another_patient_at_the_destination_is_refused_without_naming_either(
    changes: dict[str, str], nodes: Nodes, deliver: Callable[..., StepResult], phi: tuple[str, ...]
) -> None:
    node = nodes(matches=[patient(**changes)])
    with pytest.raises(Refused) as caught:
        deliver(node.destination(verify_patient=True))
    (keyword,) = changes
    assert keyword in caught.value.cause
    for value in (*phi, *filter(None, changes.values())):
        assert value not in str(caught.value)
    assert node.received == []


def test_a_study_that_the_destination_does_not_know_is_stored_with_a_remark(
    nodes: Nodes, deliver: Callable[..., StepResult]
) -> None:
    node = nodes(matches=[])
    result = deliver(node.destination(verify_patient=True))
    assert len(node.received) == 2
    assert [flag.code for flag in result.quality] == ["study-not-at-destination"]


def test_a_destination_without_queries_says_what_to_set(nodes: Nodes, deliver: Callable[..., StepResult]) -> None:
    node = nodes()
    with pytest.raises(Permanent, match="verify_patient"):
        deliver(node.destination(verify_patient=True))
    assert node.received == []


def test_only_the_named_destinations_are_served(nodes: Nodes, deliver: Callable[..., StepResult]) -> None:
    one, two = nodes(name="ONE"), nodes(name="TWO")
    deliver(one.destination(), two.destination(), only=["TWO"])
    assert [len(one.received), len(two.received)] == [0, 2]


def test_destinations_that_do_not_exist(nodes: Nodes, deliver: Callable[..., StepResult]) -> None:
    off = nodes().destination(enabled=False)
    with pytest.raises(Permanent, match="none is enabled"):
        deliver(off)
    with pytest.raises(Permanent, match="destination 'PACS'.*no such destination is enabled"):
        deliver(off, only=["PACS"])


def test_nothing_to_deliver_is_a_failure(nodes: Nodes, attempts: Attempts, case: CaseFacts) -> None:
    step = DeliverStep(DeliverSettings(destinations=(nodes().destination(),)), attempts)
    with pytest.raises(Permanent, match="deliverables"):
        step.run(case, GivenInputs([]), DeliverParameters())


def test_what_is_not_dicom_is_refused_before_any_connection(nodes: Nodes, deliver: Callable[..., StepResult]) -> None:
    node = nodes()
    with pytest.raises(Permanent, match="deliverable SR"):
        deliver(node.destination(), objects=[Artifact(DELIVERABLES, [b"no DICOM"], "SR")])
    assert node.calling == []


RUN = """
import sys
from pathlib import Path
from lucidray.contracts.catalogue import DELIVERABLES
from lucidray.deliver.step import build
from lucidray.contracts.parameters import DeliverParameters
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs
case = CaseFacts(case_id="c1", study_key="s", study_version=1, patient_key="p", workflow="w")
build().run(case, GivenInputs([Artifact(DELIVERABLES, [Path(sys.argv[1]).read_bytes()], "SEG")]), DeliverParameters())
"""


def test_killed_between_acceptance_and_receipt_the_same_bytes_go_again(
    nodes: Nodes, deliverables: Deliverables, case: CaseFacts, clock: ManualClock, tmp_path: Path
) -> None:
    node = nodes()
    seg = deliverables[1].value[0]
    (tmp_path / "seg.dcm").write_bytes(seg)
    environment = os.environ | {
        "LUCIDRAY_CORE__DATA": str(tmp_path),
        "LUCIDRAY_DELIVER__DESTINATIONS": f"[{node.destination().model_dump_json()}]",
        "LUCIDRAY_CRASH_AT": "deliver.sent",
        "LUCIDRAY_CRASH_ONCE": str(tmp_path / "crashed"),
    }
    command = [sys.executable, "-c", RUN, str(tmp_path / "seg.dcm")]
    killed = subprocess.run(command, env=environment, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    engine = open_database(tmp_path, "deliver", tables.metadata)
    step = DeliverStep(DeliverSettings(destinations=(node.destination(),)), Attempts(engine, clock))
    for _ in range(2):
        step.run(case, GivenInputs([Artifact(DELIVERABLES, [seg], "SEG")]), DeliverParameters())
    assert [data for _, _, data in node.received] == [node.received[0][2]] * 2  # the third run sent nothing
    with engine.connect() as connection:
        (row,) = connection.execute(select(tables.delivery)).mappings()
    engine.dispose()
    assert (row["attempts"], row["dicom_status"], row["case_id"]) == (2, "0000", "c1")


def test_settings_of_two_destinations_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    one = '{"name": "A", "host": "h", "port": 104, "called_ae_title": "A"}'
    monkeypatch.setenv("LUCIDRAY_DELIVER__DESTINATIONS", f"[{one}, {one}]")
    forget_file()
    with pytest.raises(Permanent, match="same name"):
        build()
