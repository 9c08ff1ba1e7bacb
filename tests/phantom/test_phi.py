"""Planted strings are where they are said to be."""

from pathlib import Path

import pytest
from pydicom import dcmread

from lucidray.phantom import PhantomStudy, make_study
from lucidray.phantom.phi import Planted, plant_phi


@pytest.fixture(scope="module")
def study() -> PhantomStudy:
    return make_study(7)


@pytest.fixture(scope="module")
def planted(study: PhantomStudy) -> Planted:
    return plant_phi(study.datasets, 1)


def test_every_string_is_in_the_written_bytes(study: PhantomStudy, planted: Planted, tmp_path: Path) -> None:
    content = b""
    for number, dataset in enumerate(planted.datasets):
        dataset.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
        content += (tmp_path / f"{number}.dcm").read_bytes()
    assert len(planted.tokens) > 40
    assert len(set(planted.tokens.values())) == len(planted.tokens)
    assert [place for token, place in planted.tokens.items() if token.encode() not in content] == []
    original = b"".join(path.read_bytes() for path in study.write(tmp_path / "clean"))
    assert [place for token, place in planted.tokens.items() if token.encode() in original] == []


def test_places_are_top_level_nested_private_and_in_overlays(planted: Planted) -> None:
    places = set(planted.tokens.values())
    assert {"PatientName", "private UN", "OverlayLabel", "DataSetTrailingPadding"} <= places
    assert "RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeMeaning" in places


def test_study_stays_one_study_of_one_patient(study: PhantomStudy, planted: Planted) -> None:
    assert len({one.PatientID for one in planted.datasets}) == 1
    assert [one.SOPInstanceUID for one in planted.datasets] == [one.SOPInstanceUID for one in study.datasets]
    assert study.datasets[0].PatientName == "PHANTOM^SEED7"


def test_same_seed_plants_the_same(study: PhantomStudy, planted: Planted) -> None:
    assert plant_phi(study.datasets, 1).tokens == planted.tokens
    assert not set(plant_phi(study.datasets, 2).tokens) & set(planted.tokens)


def test_planted_objects_can_be_read(planted: Planted, tmp_path: Path) -> None:
    pet = next(one for one in planted.datasets if one.Modality == "PT")
    pet.save_as(tmp_path / "pet.dcm", enforce_file_format=True)
    again = dcmread(tmp_path / "pet.dcm")
    assert planted.tokens[str(again.PatientName).split("^")[0]] == "PatientName"
    assert again.pixel_array.shape == (pet.Rows, pet.Columns)
