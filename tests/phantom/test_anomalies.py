"""Spoiled studies are spoiled as they say, and the original stays whole."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from lucidray.core.errors import Permanent
from lucidray.phantom import PhantomStudy, anomalies, make_study
from lucidray.phantom.study import Anomaly


@pytest.fixture(scope="module")
def study() -> PhantomStudy:
    return make_study(7)


@pytest.fixture(scope="module")
def untouched() -> list[Dataset]:
    return make_study(7).datasets


def of(datasets: list[Dataset], modality: str) -> list[Dataset]:
    return [one for one in datasets if one.Modality == modality]


def heights(datasets: list[Dataset], modality: str = "CT") -> list[float]:
    return sorted(float(one.ImagePositionPatient[2]) for one in of(datasets, modality))


@pytest.mark.parametrize(
    "anomaly",
    [
        anomalies.drop_slice,
        anomalies.duplicate_slice,
        anomalies.remove_dose,
        anomalies.remove_weight,
        anomalies.second_ct_series,
        anomalies.two_accessions,
        anomalies.conflicting_birth_dates,
        anomalies.truncate_pixels,
    ],
)
def test_original_stays_as_it_was(study: PhantomStudy, untouched: list[Dataset], anomaly: Anomaly) -> None:
    spoiled = anomaly(study.datasets)
    assert study.datasets == untouched
    assert spoiled != untouched


def test_dropped_slice_leaves_one_gap(study: PhantomStudy) -> None:
    steps = np.diff(heights(anomalies.drop_slice(study.datasets)))
    assert sorted(steps)[-1] == pytest.approx(2 * sorted(steps)[0])
    assert (steps > steps.min() * 1.5).sum() == 1


def test_duplicate_is_another_instance_at_the_same_place(study: PhantomStudy) -> None:
    spoiled = anomalies.duplicate_slice(study.datasets, "PT")
    places = heights(spoiled, "PT")
    assert len(places) - len(set(places)) == 1
    assert len({one.SOPInstanceUID for one in spoiled}) == len(spoiled) == len(study.datasets) + 1
    assert all(one.SOPInstanceUID == one.file_meta.MediaStorageSOPInstanceUID for one in spoiled)


def test_dose_and_weight_are_gone_from_every_pet_slice(study: PhantomStudy) -> None:
    spoiled = anomalies.remove_weight(anomalies.remove_dose(study.datasets))
    for pet in of(spoiled, "PT"):
        assert "RadionuclideTotalDose" not in pet.RadiopharmaceuticalInformationSequence[0]
        assert "PatientWeight" not in pet
    assert all("PatientWeight" in ct for ct in of(spoiled, "CT"))


def test_second_ct_series_is_a_whole_series(study: PhantomStudy) -> None:
    spoiled = anomalies.second_ct_series(study.datasets)
    by_series = {uid: 0 for uid in {one.SeriesInstanceUID for one in of(spoiled, "CT")}}
    for one in of(spoiled, "CT"):
        by_series[one.SeriesInstanceUID] += 1
    assert list(by_series.values()) == [len(study.of("CT"))] * 2
    assert len({one.SOPInstanceUID for one in spoiled}) == len(spoiled)


def test_two_accessions_and_birth_dates_in_one_study(study: PhantomStudy) -> None:
    spoiled = anomalies.conflicting_birth_dates(anomalies.two_accessions(study.datasets))
    assert len({one.AccessionNumber for one in spoiled}) == 2
    assert len({one.PatientBirthDate for one in spoiled}) == 2
    assert len({one.StudyInstanceUID for one in spoiled}) == 1


def test_truncated_pixels_are_too_few(study: PhantomStudy) -> None:
    spoiled = anomalies.truncate_pixels(study.datasets)
    short = [one for one in of(spoiled, "CT") if len(one.PixelData) < one.Rows * one.Columns * 2]
    assert len(short) == 1
    assert len(short[0].PixelData) % 2 == 0


def test_truncated_file_still_has_its_header(study: PhantomStudy, tmp_path: Path) -> None:
    path = study.write(tmp_path)[0]
    whole = path.stat().st_size
    anomalies.truncate_file(path)
    assert path.stat().st_size == whole // 2
    assert dcmread(path, stop_before_pixels=True).Modality == "CT"


def test_anomalies_compose_when_the_study_is_made(study: PhantomStudy) -> None:
    spoiled = make_study(7, anomalies=(partial(anomalies.drop_slice, modality="PT"), anomalies.second_ct_series))
    assert len(spoiled.of("PT")) == len(study.of("PT")) - 1
    assert len(spoiled.of("CT")) == 2 * len(study.of("CT"))


def test_nothing_to_spoil_is_said(study: PhantomStudy) -> None:
    with pytest.raises(Permanent, match="no MR objects"):
        anomalies.drop_slice(study.datasets, "MR")
