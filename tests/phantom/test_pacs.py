"""The demonstration PACS keeps what it gets and finds it again."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE

from lucidray.core.errors import Permanent
from lucidray.phantom import PhantomStudy, make_study
from lucidray.phantom.anomalies import two_accessions
from lucidray.phantom.pacs import Pacs
from lucidray.phantom.query import find
from lucidray.phantom.send import send

VERIFICATION = "1.2.840.10008.1.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"


@pytest.fixture(scope="module")
def study() -> PhantomStudy:
    return few(7)


def few(seed: int) -> PhantomStudy:
    """Seven objects of three series are enough to be found."""
    whole = make_study(seed)
    return replace(whole, datasets=[*whole.of("CT")[:3], *whole.of("PT")[:3], *whole.of("RTSTRUCT")])


@pytest.fixture
def pacs(tmp_path: Path) -> Iterator[Pacs]:
    with Pacs(tmp_path / "pacs") as running:
        yield running


def ask(pacs: Pacs, **keys: str) -> list[Dataset]:
    identifier = Dataset()
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    entity = AE()
    entity.add_requested_context(STUDY_ROOT_FIND)
    association = entity.associate("127.0.0.1", pacs.port, ae_title=pacs.ae_title)
    answers = list(association.send_c_find(identifier, STUDY_ROOT_FIND))
    association.release()
    assert [status.Status for status, _ in answers][:-1] == [0xFF00] * (len(answers) - 1)
    assert answers[-1][0].Status == 0x0000
    return [found for _, found in answers if found is not None]


def test_echo(pacs: Pacs) -> None:
    entity = AE()
    entity.add_requested_context(VERIFICATION)
    association = entity.associate("127.0.0.1", pacs.port)
    assert association.send_c_echo().Status == 0x0000
    association.release()


def test_files_lie_by_study_series_and_instance(pacs: Pacs, study: PhantomStudy) -> None:
    send(study.datasets, "127.0.0.1", pacs.port)
    for stored, sent in zip(pacs.instances(), study.datasets, strict=True):
        below = stored.path.relative_to(pacs.directory)
        assert below.parts == (sent.StudyInstanceUID, sent.SeriesInstanceUID, f"{sent.SOPInstanceUID}.dcm")
        assert stored.sop_class_uid == sent.SOPClassUID
        assert stored.modality == sent.Modality
    assert list(pacs.directory.rglob("*.part")) == []


def test_sending_again_replaces_and_counts(pacs: Pacs, study: PhantomStudy) -> None:
    send(study.datasets[:4], "127.0.0.1", pacs.port)
    send(two_accessions(study.datasets)[:4], "127.0.0.1", pacs.port)
    assert (len(pacs.instances()), pacs.duplicates) == (4, 4)


def test_an_instance_that_moved_to_another_series_is_stored_once(pacs: Pacs, study: PhantomStudy) -> None:
    send(study.datasets[:1], "127.0.0.1", pacs.port)
    moved = deepcopy(study.datasets[0])
    moved.SeriesInstanceUID = "2.25.1"
    send([moved], "127.0.0.1", pacs.port)
    assert [path.parent.name for path in pacs.directory.rglob("*.dcm")] == ["2.25.1"]


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_a_uid_that_is_a_path_is_refused(pacs: Pacs, study: PhantomStudy) -> None:
    evil = deepcopy(study.datasets[0])
    evil.StudyInstanceUID = "../../escaped"
    report = send([evil], "127.0.0.1", pacs.port)
    assert report.sent == 0
    assert "0xA900" in report.failed[0].reason
    assert pacs.instances() == []
    assert list(pacs.directory.parent.glob("escaped*")) == []


def test_it_serves_what_was_there_before(tmp_path: Path, study: PhantomStudy) -> None:
    with Pacs(tmp_path) as first:
        send(study.datasets[:2], "127.0.0.1", first.port)
    (tmp_path / "1" / "2").mkdir(parents=True)
    (tmp_path / "1" / "2" / "3.dcm").write_bytes(b"not DICOM")
    with Pacs(tmp_path) as second:
        assert len(second.instances()) == 2


def test_find_at_each_level(pacs: Pacs, study: PhantomStudy) -> None:
    other = few(8)
    send([*study.datasets, *other.datasets], "127.0.0.1", pacs.port)
    (found,) = ask(
        pacs,
        QueryRetrieveLevel="STUDY",
        PatientID="PH000007",
        StudyInstanceUID="",
        PatientName="",
        ModalitiesInStudy="",
        NumberOfStudyRelatedInstances="",
        NumberOfStudyRelatedSeries="",
    )
    assert found.StudyInstanceUID == study.study_instance_uid
    assert found.PatientName == "PHANTOM^SEED7"
    assert list(found.ModalitiesInStudy) == ["CT", "PT", "RTSTRUCT"]
    assert int(found.NumberOfStudyRelatedInstances) == len(study.datasets)
    assert int(found.NumberOfStudyRelatedSeries) == 3
    assert found.RetrieveAETitle == "DEMOPACS"

    series = ask(pacs, QueryRetrieveLevel="SERIES", StudyInstanceUID=study.study_instance_uid, SeriesInstanceUID="")
    assert len(series) == 3
    images = ask(
        pacs,
        QueryRetrieveLevel="IMAGE",
        StudyInstanceUID=study.study_instance_uid,
        SeriesInstanceUID=str(study.of("PT")[0].SeriesInstanceUID),
        SOPInstanceUID="",
    )
    assert {one.SOPInstanceUID for one in images} == {one.SOPInstanceUID for one in study.of("PT")}
    assert ask(pacs, QueryRetrieveLevel="STUDY", PatientID="NOBODY", StudyInstanceUID="") == []


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        ({"PatientName": "PHANTOM^SEED?"}, 2),
        ({"PatientID": "*7"}, 1),
        ({"PatientID": "PH00000[78]"}, 0),
        ({"StudyDate": "19000101-29991231"}, 2),
        ({"StudyDate": "-19000101"}, 0),
        ({"StudyInstanceUID": "both"}, 2),
        ({"Occupation": ""}, 2),
        ({"Occupation": "X"}, 0),
    ],
)
def test_matching(keys: dict[str, str], count: int, study: PhantomStudy) -> None:
    headers = [study.datasets[0], few(8).datasets[0]]
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    for keyword, value in keys.items():
        both = [str(header.StudyInstanceUID) for header in headers]
        setattr(identifier, keyword, both if value == "both" else value)
    assert len(list(find(identifier, headers))) == count


def test_a_level_that_does_not_exist(study: PhantomStudy) -> None:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "PATIENT"
    with pytest.raises(Permanent, match="QueryRetrieveLevel"):
        list(find(identifier, study.datasets))


def test_a_port_in_use_is_named(pacs: Pacs, tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=f"port {pacs.port}"):
        Pacs(tmp_path / "other", port=pacs.port)
