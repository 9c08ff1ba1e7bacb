"""Studies: the same for the same seed, and what they show is the truth."""

from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from lucidray.core.errors import Permanent
from lucidray.imaging.polygons import fill_polygons
from lucidray.phantom import SCANNERS, PhantomStudy, Texture, make_study, studies
from lucidray.phantom.sampling import Sampling

every_scanner = pytest.mark.parametrize("scanner", list(SCANNERS))


@cache
def study_of(scanner: str) -> PhantomStudy:
    return make_study(7, scanner=scanner)


def volume(slices: list[Dataset]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Rescaled values (z, y, x) and the affine, from the headers alone."""
    ordered = sorted(slices, key=lambda one: float(one.ImagePositionPatient[2]))
    values = np.stack([one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in ordered])
    step = float(ordered[1].ImagePositionPatient[2]) - float(ordered[0].ImagePositionPatient[2])
    affine = np.zeros((4, 4))
    affine[:3, 3] = ordered[0].ImagePositionPatient
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = step, *map(float, ordered[0].PixelSpacing), 1.0
    return values, affine


def suv(slices: list[Dataset]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """SUVbw as a receiver computes it."""
    values, affine = volume(slices)
    first = slices[0]
    if first.Units == "GML":
        return values, affine
    drug = first.RadiopharmaceuticalInformationSequence[0]
    dose = float(drug.RadionuclideTotalDose)
    if first.DecayCorrection == "START":
        begin = datetime.strptime(f"{first.SeriesDate}{first.SeriesTime}", "%Y%m%d%H%M%S.%f")
        injected = datetime.strptime(str(drug.RadiopharmaceuticalStartDateTime), "%Y%m%d%H%M%S.%f")
        dose *= 2.0 ** (-(begin - injected).total_seconds() / float(drug.RadionuclideHalfLife))
    return values * float(first.PatientWeight) * 1000.0 / dose, affine


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    written = [make_study(11, scanner="austral").write(tmp_path / run) for run in ("first", "second")]
    assert [path.read_bytes() for path in written[0]] == [path.read_bytes() for path in written[1]]
    assert len(written[0]) == len(set(written[0]))


def test_one_patient_visits_every_scanner() -> None:
    found = [study_of(scanner) for scanner in SCANNERS]
    assert len({study.datasets[0].PatientID for study in found}) == 1
    assert len({study.study_instance_uid for study in found}) == len(SCANNERS)
    assert len({study.truth.volume_ml for study in found}) == 1
    assert len({study.datasets[0].Manufacturer for study in found}) == len(SCANNERS)


def test_content_and_identifiers_change_together() -> None:
    asked = make_study(7, lesion_suv=4.0)
    assert asked.study_instance_uid != study_of("boreal").study_instance_uid
    assert not {str(one.SOPInstanceUID) for one in asked.datasets} & {
        str(one.SOPInstanceUID) for one in study_of("boreal").datasets
    }


def test_studies_are_of_distinct_patients_and_take_the_scanners_in_turn() -> None:
    found = list(studies(3, seed=40))
    assert len({study.datasets[0].PatientID for study in found}) == 3
    assert len({study.scanner for study in found}) == 3


@every_scanner
def test_objects_belong_together(scanner: str) -> None:
    study = study_of(scanner)
    assert len({one.StudyInstanceUID for one in study.datasets}) == 1
    assert len({one.SOPInstanceUID for one in study.datasets}) == len(study.datasets)
    assert {one.FrameOfReferenceUID for one in study.datasets} == {study.truth.frame_of_reference_uid}
    assert [len({one.SeriesInstanceUID for one in study.of(m)}) for m in ("CT", "PT", "RTSTRUCT")] == [1, 1, 1]
    assert all(UID(one.SOPInstanceUID).is_valid and len(one.SOPInstanceUID) <= 64 for one in study.datasets)
    assert study.datasets[0].PatientName == "PHANTOM^SEED7"
    assert len(study.of("CT")) + len(study.of("PT")) <= 60


@every_scanner
def test_structure_set_references_resolve(scanner: str) -> None:
    study = study_of(scanner)
    (contours,) = study.of("RTSTRUCT")
    known = {one.SOPInstanceUID: one for one in study.of("CT")}
    frame = contours.ReferencedFrameOfReferenceSequence[0]
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    assert frame.RTReferencedStudySequence[0].ReferencedSOPInstanceUID == study.study_instance_uid
    assert {item.ReferencedSOPInstanceUID for item in series.ContourImageSequence} == set(known)
    for contour in contours.ROIContourSequence[0].ContourSequence:
        image = known[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
        heights = {float(value) for value in contour.ContourData[2::3]}
        assert heights == {float(image.ImagePositionPatient[2])}


@every_scanner
def test_rasterised_contours_are_the_truth(scanner: str) -> None:
    study = study_of(scanner)
    values, affine = volume(study.of("CT"))
    drawn = np.zeros(values.shape, bool)
    for contour in study.of("RTSTRUCT")[0].ROIContourSequence[0].ContourSequence:
        x, y, z = np.array(contour.ContourData, float).reshape(-1, 3).T
        vertices = np.stack([(y - affine[1, 3]) / affine[1, 1], (x - affine[0, 3]) / affine[0, 2]], axis=1)
        drawn[round((z[0] - affine[2, 3]) / affine[2, 0])] = fill_polygons([vertices], values.shape[1:])
    truth = study.truth.mask(affine, values.shape)
    assert 2.0 * (drawn & truth).sum() / (drawn.sum() + truth.sum()) > 0.99
    ml = abs(np.linalg.det(affine[:3, :3])) / 1000.0
    assert drawn.sum() * ml == pytest.approx(study.truth.volume_ml, rel=0.05)


def test_truth_can_be_rasterised_on_a_grid_of_any_orientation() -> None:
    truth = study_of("boreal").truth
    middle, turn = np.array(truth.lesion.centre), np.linalg.qr(np.arange(9).reshape(3, 3) ** 2 + np.eye(3))[0]
    shape, step = (80, 90, 100), 1.1
    affine = np.eye(4)
    affine[:3, :3] = turn * step
    affine[:3, 3] = middle - affine[:3, :3] @ (np.array(shape) / 2)
    assert truth.mask(affine, shape).sum() * step**3 / 1000.0 == pytest.approx(truth.volume_ml, rel=5e-3)
    uptake = truth.uptake(affine, shape)
    assert uptake[uptake > 0].mean() == pytest.approx(truth.suv_mean, rel=1e-2)


@every_scanner
def test_suv_from_the_headers_is_the_truth(scanner: str) -> None:
    even = Texture(heterogeneity=0.0, core=0.0)
    study = make_study(7, scanner=scanner, lesion_volume_ml=90.0, lesion_suv=8.0, texture=even, noise=False, blur=False)
    values, affine = suv(study.of("PT"))
    whole = study.truth.mask(affine, values.shape)
    for axis in range(3):  # voxels whose neighbours all lie in the lesion hold nothing else
        whole &= np.roll(whole, 1, axis) & np.roll(whole, -1, axis)
    assert whole.sum() > 10
    np.testing.assert_allclose(values[whole], 8.0, rtol=2e-4)


@pytest.mark.parametrize("scanner", ["boreal", "solstice"])
def test_blur_spreads_uptake_and_loses_none(scanner: str) -> None:
    """The difference of two studies that differ in lesion SUV alone holds all of it: volume times SUV."""
    made = [make_study(9, scanner=scanner, lesion_suv=level, noise=False) for level in (4.0, 9.0)]
    images = [suv(study.of("PT")) for study in made]
    voxel_ml = abs(np.linalg.det(images[0][1][:3, :3])) / 1000.0
    gained = (images[1][0] - images[0][0]).sum() * voxel_ml
    assert gained == pytest.approx(5.0 * made[0].truth.volume_ml, rel=0.02)


@every_scanner
def test_noisy_suv_stays_near_the_truth(scanner: str) -> None:
    values, affine = suv(study_of(scanner).of("PT"))
    mask = study_of(scanner).truth.mask(affine, values.shape)
    truth = study_of(scanner).truth.suv_mean
    assert 0.6 * truth < values[mask].mean() < truth  # partial volume takes some
    assert np.median(values[~mask]) < 0.5


@every_scanner
def test_ct_numbers_are_those_of_tissue(scanner: str) -> None:
    values, affine = volume(study_of(scanner).of("CT"))
    inside = study_of(scanner).truth.mask(affine, values.shape)
    assert values[inside].mean() == pytest.approx(28.0, abs=15.0)
    assert values[:, 2, values.shape[2] // 2].mean() == pytest.approx(-1000.0, abs=20.0)
    assert values.max() > 500.0  # cortical bone


def test_scanners_differ_in_habits() -> None:
    assert {study_of(key).of("PT")[0].Units for key in SCANNERS} == {"BQML", "GML"}
    assert {study_of(key).of("PT")[0].DecayCorrection for key in SCANNERS} == {"START", "ADMIN"}
    assert len({study_of(key).datasets[0].file_meta.TransferSyntaxUID for key in SCANNERS}) == 2
    rising = {key: float(np.diff([float(o.SliceLocation) for o in study_of(key).of("CT")])[0]) > 0 for key in SCANNERS}
    assert set(rising.values()) == {True, False}
    assert {study_of(key).of("CT")[0].PixelRepresentation for key in SCANNERS} == {0, 1}
    assert {"PixelPaddingValue" in study_of(key).of("CT")[0] for key in SCANNERS} == {True, False}
    for key in SCANNERS:
        ct, pet = study_of(key).of("CT"), study_of(key).of("PT")
        assert float(pet[0].PixelSpacing[0]) > float(ct[0].PixelSpacing[0])
        assert [int(one.InstanceNumber) for one in ct] == list(range(1, len(ct) + 1))


def test_written_files_read_back(tmp_path: Path) -> None:
    study = study_of("austral")
    paths = study.write(tmp_path)
    again = [dcmread(path) for path in paths]
    assert {path.parent.name for path in paths} == {"CT", "PT", "RTSTRUCT"}
    assert [one.SOPInstanceUID for one in again] == [one.SOPInstanceUID for one in study.datasets]
    for read, made in zip(again[:-1], study.datasets[:-1], strict=True):
        np.testing.assert_array_equal(read.pixel_array, made.pixel_array)


def test_demonstration_study_looks_like_a_scan() -> None:
    study = make_study(7, size="demo")
    ct, affine = volume(study.of("CT"))
    assert ct.shape == (60, 256, 256)
    assert suv(study.of("PT"))[0].shape == (45, 128, 128)
    mask = study.truth.mask(affine, ct.shape)
    ml = abs(np.linalg.det(affine[:3, :3])) / 1000.0
    assert mask.sum() * ml == pytest.approx(study.truth.volume_ml, rel=0.01)


@every_scanner
def test_lesion_lies_within_both_series(scanner: str) -> None:
    for sampling in (*SCANNERS[scanner].ct.sampling.values(), *SCANNERS[scanner].pet.sampling.values()):
        assert _height(sampling) > 120.0


def _height(sampling: Sampling) -> float:
    return sampling.slices * sampling.thickness


def test_unknown_scanner_is_named() -> None:
    with pytest.raises(Permanent, match="'nosuch'.*boreal"):
        make_study(1, scanner="nosuch")
