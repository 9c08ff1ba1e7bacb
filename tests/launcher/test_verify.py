"""What the demonstration calls right, and what it must not."""

import pytest
from pydicom import Dataset

from lucidray.launcher.verify import verify


def instance(modality: str, uid: str) -> Dataset:
    dataset = Dataset()
    dataset.Modality, dataset.SOPInstanceUID, dataset.StudyInstanceUID = modality, uid, "1.2.3"
    dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate = "P1", "Doe^Jane", "19500101"
    dataset.PatientSex, dataset.StudyDate, dataset.AccessionNumber = "F", "20260101", "A1"
    return dataset


def report(uid: str, refers_to: str) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPInstanceUID = refers_to
    content = Dataset()
    content.ValueType, content.ReferencedSOPSequence = "IMAGE", [reference]
    dataset = instance("SR", uid)
    dataset.ContentSequence = [content]
    return dataset


SOURCE = [instance("CT", "1.2.3.1"), instance("CT", "1.2.3.2")]


def problems(results: list[Dataset]) -> list[str]:
    return [each for each in verify(results, SOURCE, None).problems if "SEG" not in each]


def test_a_report_in_the_patients_study_is_right() -> None:
    assert problems([report("1.2.3.9", "1.2.3.2")]) == []


def test_a_missing_segmentation_is_a_problem() -> None:
    assert "there are 0 SEG objects instead of one" in verify([report("1.2.3.9", "1.2.3.2")], SOURCE, None).problems


def test_a_reference_to_nothing_is_a_problem() -> None:
    assert problems([report("1.2.3.9", "1.2.3.77")]) == ["1 references of the SR resolve to nothing"]


def test_two_reports_are_a_problem() -> None:
    assert problems([report("1.2.3.8", "1.2.3.2"), report("1.2.3.9", "1.2.3.2")]) == [
        "there are 2 SR objects instead of one"
    ]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientID", "P2"),
        ("PatientName", "Doe^John"),
        ("PatientBirthDate", ""),
        ("StudyInstanceUID", "1.2.4"),
        ("AccessionNumber", "A2"),
    ],
)
def test_another_identity_is_a_problem(keyword: str, value: str) -> None:
    changed = report("1.2.3.9", "1.2.3.2")
    setattr(changed, keyword, value)
    assert problems([changed]) == [f"{keyword} of the SR differs from the study's"]
