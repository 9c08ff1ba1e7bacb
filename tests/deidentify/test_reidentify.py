"""The round trip: results made by highdicom on de-identified slices come back as the patient's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom as hd
import pytest
from highdicom.sr import MeasurementReport
from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from tests.deidentify.objects import (
    CASE,
    FRAME_UID,
    SITE_KEY,
    STUDY_UID,
    ct_slice,
    item,
    items,
    open_vault,
    parse,
    part10,
    run,
)
from tests.deidentify.results import report, segmentation

from lucidray.contracts.catalogue import FORMER, RESULTS
from lucidray.contracts.parameters import ReidentifyParameters
from lucidray.core.errors import Permanent, Refused
from lucidray.deidentify.modules import TAGS
from lucidray.deidentify.reidentify import Reidentify
from lucidray.deidentify.vault import RowKey, Vault
from lucidray.runtime.step import Artifact, CaseFacts, GivenInputs

ROW = RowKey(CASE.case_id, CASE.study_key, CASE.patient_key)
Changes = dict[str, Any]
ASCII = {
    "SpecificCharacterSet": None,
    "PatientName": "Plain^Jane",
    "ReferringPhysicianName": "",
    "StudyDescription": "B",
    "InstitutionName": "A",
}
JAPANESE = {
    "SpecificCharacterSet": ["", "ISO 2022 IR 87"],
    "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "ReferringPhysicianName": "鈴木^一郎",
    "StudyDescription": "胸部",
    "InstitutionName": "病院",
}


class Round:
    """A study, de-identified, with results on it."""

    def __init__(self, folder: Path, changes: Changes, physician: str = "Lucidray^") -> None:
        self.vault: Vault = open_vault(folder)
        self.originals = [parse(part10(ct_slice(number, **changes), ExplicitVRLittleEndian)) for number in (1, 2, 3)]
        files = [part10(ct_slice(number, **changes), ExplicitVRLittleEndian) for number in (1, 2, 3)]
        slices = [parse(data) for data in run(self.vault, {"CT": files})["CT"]]
        self.seg = segmentation(slices)
        self.seg.AcquisitionDate = slices[0].AcquisitionDate
        self.report = report(slices, self.seg, physician)

    def back(self, case: CaseFacts = CASE, former: Dataset | None = None) -> dict[str, Dataset]:
        given = GivenInputs(
            [
                Artifact(RESULTS, [part10(dataset, ExplicitVRLittleEndian)], role)
                for role, dataset in (("SEG", self.seg), ("SR", self.report))
            ]
            + ([Artifact(FORMER, [part10(former, ExplicitVRLittleEndian)], "SR")] if former else [])
        )
        result = Reidentify(SITE_KEY, self.vault).run(case, given, ReidentifyParameters())
        self.files = {artifact.role: artifact.value[0] for artifact in result.artifacts}
        return {role: parse(data) for role, data in self.files.items()}


def test_a_reference_to_the_report_that_is_replaced_is_kept(tmp_path: Path) -> None:
    round_trip = Round(tmp_path, {})
    former = item(
        SOPClassUID=round_trip.report.SOPClassUID, SOPInstanceUID="2.25.71", SeriesInstanceUID="2.25.72", Modality="SR"
    )
    former.StudyInstanceUID = round_trip.report.StudyInstanceUID
    instance = item(ReferencedSOPClassUID=former.SOPClassUID, ReferencedSOPInstanceUID="2.25.71")
    series = item(SeriesInstanceUID="2.25.72", ReferencedSOPSequence=items(instance))
    round_trip.report.PredecessorDocumentsSequence = [
        item(StudyInstanceUID=former.StudyInstanceUID, ReferencedSeriesSequence=items(series))
    ]
    with pytest.raises(Refused, match="result 0 of role 'SR'"):
        round_trip.back()  # nobody says whose it is
    back = round_trip.back(former=former)
    assert set(back) == {"SEG", "SR"}
    [study] = back["SR"].PredecessorDocumentsSequence
    assert study.StudyInstanceUID == STUDY_UID
    assert study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.71"


def uids(dataset: Dataset) -> list[str]:
    return [str(value) for element in dataset.iterall() if element.VR == "UI" for value in _values(element.value)]


def _values(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value or ())


@pytest.mark.parametrize("changes", [{}, ASCII, JAPANESE])
def test_patient_and_study_are_the_originals_to_the_byte(tmp_path: Path, changes: Changes) -> None:
    others = items(item(PatientID="OLD-1", IssuerOfPatientID="OTHER"))
    round_trip = Round(tmp_path, changes | {"OtherPatientIDsSequence": others})
    for dataset in round_trip.back().values():
        original = round_trip.originals[0]
        assert dataset.get("SpecificCharacterSet") == original.get("SpecificCharacterSet")
        for tag in TAGS:
            assert (tag in dataset) == (tag in original), tag
        fresh, first = parse(round_trip.files[dataset.Modality]), parse(part10(original, ExplicitVRLittleEndian))
        for tag in TAGS:
            element = fresh.get_item(tag)
            if element is not None and element.VR != "SQ":
                assert element.value == first.get_item(tag).value, tag
        assert dataset.OtherPatientIDsSequence == original.OtherPatientIDsSequence
        assert (dataset.PatientName, dataset.PatientID) == (original.PatientName, "4711-0815")


def test_every_reference_resolves_in_the_study(tmp_path: Path) -> None:
    round_trip = Round(tmp_path, {})
    own = {str(getattr(made, keyword)) for made in (round_trip.seg, round_trip.report) for keyword in
           ("SOPInstanceUID", "SeriesInstanceUID")}  # fmt: skip
    back = round_trip.back()
    originals = {str(one.SOPInstanceUID) for one in round_trip.originals}
    seg, document = back["SEG"], back["SR"]
    sources = {
        str(source.ReferencedSOPInstanceUID)
        for frame in seg.PerFrameFunctionalGroupsSequence
        for derivation in frame.DerivationImageSequence
        for source in derivation.SourceImageSequence
    }
    assert sources and sources <= originals
    assert seg.FrameOfReferenceUID == FRAME_UID
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == "1.2.826.0.1.3680043.2.2"
    assert document.CurrentRequestedProcedureEvidenceSequence[0].StudyInstanceUID == STUDY_UID
    referenced = {str(element.value) for element in document.iterall() if element.keyword == "ReferencedSOPInstanceUID"}
    assert referenced == originals | {str(round_trip.seg.SOPInstanceUID)}
    assert own <= {str(getattr(one, keyword)) for one in back.values() for keyword in
                   ("SOPInstanceUID", "SeriesInstanceUID")}  # fmt: skip
    pseudonyms = set(round_trip.vault.read(ROW).uids)
    assert not pseudonyms & {*uids(seg), *uids(document)}
    assert seg.file_meta.MediaStorageSOPInstanceUID == round_trip.seg.SOPInstanceUID
    assert seg.PixelData == round_trip.seg.PixelData
    assert hd.seg.Segmentation.from_dataset(seg).number_of_segments == 1
    assert len(MeasurementReport.from_sequence([document]).get_volumetric_roi_measurement_groups()) == 1


def test_dates_of_the_study_come_back_and_dates_of_the_result_stay(tmp_path: Path) -> None:
    round_trip = Round(tmp_path, {})
    for dataset in round_trip.back().values():
        assert (dataset.StudyDate, dataset.StudyTime) == ("20200229", "235959.5")
        assert (dataset.SeriesDate, dataset.ContentDate) == ("20260506", "20260506")
    assert round_trip.back()["SEG"].AcquisitionDate == "20200229"


def test_nothing_says_any_more_that_it_is_not_the_patient(tmp_path: Path) -> None:
    for dataset in Round(tmp_path, {}).back().values():
        for keyword in ("PatientIdentityRemoved", "DeidentificationMethod", "LongitudinalTemporalInformationModified"):
            assert keyword not in dataset
    already = Round(tmp_path, {"PatientIdentityRemoved": "YES", "DeidentificationMethod": "elsewhere"}).back()
    assert already["SEG"].DeidentificationMethod == "elsewhere"


def test_text_that_the_patients_character_set_lacks_takes_the_object_to_utf_8(tmp_path: Path) -> None:
    back = Round(tmp_path, {}, physician="Σωκράτης^")
    back.report.SpecificCharacterSet = "ISO_IR 192"
    document = back.back()["SR"]
    assert document.SpecificCharacterSet == "ISO_IR 192"
    assert document.PatientName == "Müller^Jörg"
    assert "Σωκράτης^" in [str(element.value) for element in document.iterall() if element.VR == "PN"]


def test_institution_comes_back_where_a_result_names_it(tmp_path: Path) -> None:
    round_trip = Round(tmp_path, {})
    [site] = [name for name in round_trip.vault.read(ROW).texts if name.startswith("SITE-")]
    round_trip.seg.InstitutionName = site
    assert round_trip.back()["SEG"].InstitutionName == "Sankt Görans Sjukhus"


def _source(dataset: Dataset, uid: str) -> None:
    group = dataset.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0]
    group.SourceImageSequence[0].ReferencedSOPInstanceUID = UID(uid)


def _private(dataset: Dataset, uid: str) -> None:
    dataset.private_block(0x0029, "SOMEBODY", create=True).add_new(1, "UI", uid)


def _unknown(dataset: Dataset, uid: str) -> None:
    dataset.private_block(0x0029, "SOMEBODY", create=True).add_new(1, "UN", uid.encode())


@pytest.mark.parametrize(
    "change",
    [
        _source,
        _private,
        _unknown,
        lambda dataset, uid: setattr(dataset, "FrameOfReferenceUID", uid),
        lambda dataset, uid: setattr(dataset, "StudyInstanceUID", uid),
        lambda dataset, uid: setattr(dataset.ReferencedSeriesSequence[0], "SeriesInstanceUID", uid),
        lambda dataset, uid: setattr(dataset, "SynchronizationFrameOfReferenceUID", uid),
    ],
)
def test_an_unknown_reference_lets_nothing_leave(tmp_path: Path, change: Callable[[Dataset, str], None]) -> None:
    round_trip = Round(tmp_path, {})
    change(round_trip.seg, "2.25.4711")
    with pytest.raises(Refused, match="result 0 of role 'SEG'") as refusal:
        round_trip.back()
    assert "4711" not in str(refusal.value)


def test_another_cases_results_are_refused(tmp_path: Path) -> None:
    round_trip = Round(tmp_path, {})
    with pytest.raises(Refused, match="holds nothing"):
        round_trip.back(CaseFacts("c02", CASE.study_key, 1, CASE.patient_key, "w"))
    with pytest.raises(Permanent, match="not as it was written"):
        round_trip.back(CaseFacts(CASE.case_id, CASE.study_key, 1, "other", "w"))


def test_a_result_that_does_not_read_is_named(tmp_path: Path) -> None:
    round_trip = Round(tmp_path, {})
    given = GivenInputs([Artifact(RESULTS, [b"no DICOM"], "SEG")])
    with pytest.raises(Permanent, match="result 0 of role 'SEG'"):
        Reidentify(SITE_KEY, round_trip.vault).run(CASE, given, ReidentifyParameters())
