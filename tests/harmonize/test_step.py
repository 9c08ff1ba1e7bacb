"""Harmonize: volumes with the true geometry and values, or a refusal that names the cause."""

import os
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import RLELossless
from scipy.ndimage import binary_erosion
from tests.harmonize.studies import CASE, harmonized, real_patient, real_series, series, series_of, volumes

from lucidray.contracts.catalogue import SCANNER, SERIES, VOLUME
from lucidray.contracts.parameters import HarmonizeParameters
from lucidray.core.errors import Permanent
from lucidray.harmonize.settings import HarmonizeSettings
from lucidray.harmonize.step import Harmonize
from lucidray.imaging.dicom import read_object
from lucidray.phantom import SCANNERS, PhantomStudy, Texture, anomalies, make_study
from lucidray.runtime.step import Artifact, GivenInputs


@pytest.fixture(scope="module")
def study() -> PhantomStudy:
    return make_study(3)


def test_one_volume_per_image_role(study: PhantomStudy) -> None:
    result = harmonized(series_of(study))
    made = volumes(result)
    assert sorted(made) == ["CT", "PET"]  # the structure set is no image
    assert (made["CT"].facts.unit, made["PET"].facts.unit) == ("[hnsf'U]", "{SUVbw}g/ml")
    assert [made[role].voxels.dtype.name for role in ("CT", "PET")] == ["int16", "float32"]
    assert made["CT"].grid.frame_of_reference_uid == study.truth.frame_of_reference_uid
    assert set(result.summary) == {"CT", "PET"}


def test_slices_are_in_z_order_with_their_uids(study: PhantomStudy) -> None:
    volume = volumes(harmonized(series_of(study, "CT")))["CT"]
    ordered = sorted(study.of("CT"), key=lambda one: float(one.ImagePositionPatient[2]))
    assert volume.facts.sop_instance_uids == [one.SOPInstanceUID for one in ordered]
    for plane, one in zip(volume.voxels, ordered, strict=True):
        assert np.array_equal(plane, one.pixel_array * int(one.RescaleSlope) + int(one.RescaleIntercept))


def test_arrival_order_changes_nothing(study: PhantomStudy) -> None:
    forward, backward = study.of("PT"), study.of("PT")[::-1]
    written = [VOLUME.write(volumes(harmonized([series("PET", each)]))["PET"]) for each in (forward, backward)]
    assert written[0] == written[1]


def test_compressed_slices_give_the_same_volume(study: PhantomStudy) -> None:
    compressed = deepcopy(study.of("CT"))
    for one in compressed:
        one.compress(RLELossless, generate_instance_uid=False)
    again = volumes(harmonized([series("CT", compressed)]))["CT"]
    assert VOLUME.write(again) == VOLUME.write(volumes(harmonized(series_of(study, "CT")))["CT"])


@pytest.mark.parametrize("scanner", sorted(SCANNERS))
def test_every_scanner_shows_the_true_uptake(scanner: str) -> None:
    """Without blur and noise the SUV well inside the lesion, where voxels hold nothing else, is the truth,
    whatever the vendor's units, corrections and reference times."""
    study = make_study(
        3,
        scanner=scanner,
        lesion_volume_ml=120,
        lesion_suv=6.0,
        texture=Texture(heterogeneity=0, core=0),
        blur=False,
        noise=False,
    )
    volume = volumes(harmonized(series_of(study, "PET")))["PET"]
    inside = binary_erosion(study.truth.mask(volume.grid.affine, volume.grid.shape), np.ones((3, 3, 3)))
    assert inside.sum() > 20
    assert volume.voxels[inside] == pytest.approx(6.0, rel=2e-3)


def test_scanner_attributes_and_acquisition_time(study: PhantomStudy) -> None:
    made = volumes(harmonized(series_of(study)))
    ct, pet = made["CT"].facts.scanner, made["PET"].facts.scanner
    first = study.of("CT")[0]
    assert ct["Manufacturer"] == first.Manufacturer
    assert ct["ConvolutionKernel"] == first.ConvolutionKernel
    assert ct["KVP"] == float(first.KVP)
    tracer = study.of("PT")[0].RadiopharmaceuticalInformationSequence[0]
    assert pet["RadionuclideTotalDose"] == float(tracer.RadionuclideTotalDose)
    lowest = min(study.of("PT"), key=lambda one: float(one.ImagePositionPatient[2]))
    assert made["PET"].facts.acquired_at == lowest.AcquisitionDate + lowest.AcquisitionTime
    assert not {"PatientName", "PatientID", "StudyDescription"} & (set(ct) | set(pet))


def test_trusted_suv_is_flagged() -> None:
    scanner = next(name for name, each in sorted(SCANNERS.items()) if each.pet.units == "GML")
    flags = harmonized(series_of(make_study(3, scanner=scanner), "PET")).quality
    assert [flag.code for flag in flags] == ["suv-trusted"]


@pytest.mark.parametrize(
    ("anomaly", "role", "named"),
    [
        (anomalies.drop_slice, "CT", "1 missing slice between z="),
        (partial(anomalies.drop_slice, modality="PT"), "PET", "1 missing slice between z="),
        (anomalies.duplicate_slice, "CT", "1 duplicate slice, at z="),
        (anomalies.remove_dose, "PET", "RadionuclideTotalDose"),
        (anomalies.remove_weight, "PET", "PatientWeight"),
        (anomalies.second_ct_series, "CT", "more than one series"),
    ],
)
def test_bad_input_is_named(
    study: PhantomStudy, anomaly: Callable[[Sequence[Dataset]], list[Dataset]], role: str, named: str
) -> None:
    modality = {"CT": "CT", "PET": "PT"}[role]
    arrived = [one for one in anomaly(study.datasets) if one.Modality == modality]
    with pytest.raises(Permanent, match=named) as failure:
        harmonized([series(role, arrived)])
    assert failure.value.thing == f"series of role '{role}'"
    assert failure.value.remedy


def test_a_gap_may_be_allowed(study: PhantomStudy) -> None:
    arrived = [one for one in anomalies.drop_slice(study.datasets) if one.Modality == "CT"]
    result = harmonized([series("CT", arrived)], HarmonizeParameters(gaps="longest-run"))
    assert [flag.code for flag in result.quality] == ["slices-left-out"]
    kept = volumes(result)["CT"].facts
    assert kept.grid.shape[0] == len(kept.sop_instance_uids) < len(arrived)


def changed(study: PhantomStudy, modality: str, **elements: object) -> list[Dataset]:
    datasets = deepcopy(study.of(modality))
    for one in datasets:
        for keyword, value in elements.items():
            setattr(one, keyword, value)
    return datasets


def test_fractions_of_hu_are_kept(study: PhantomStudy) -> None:
    volume = volumes(harmonized([series("CT", changed(study, "CT", RescaleSlope="0.5"))]))["CT"]
    assert volume.voxels.dtype == np.float32
    one = min(study.of("CT"), key=lambda each: float(each.ImagePositionPatient[2]))
    assert np.array_equal(volume.voxels[0], one.pixel_array * 0.5 + float(one.RescaleIntercept))


def test_values_beyond_int16_are_kept(study: PhantomStudy) -> None:
    volume = volumes(harmonized([series("CT", changed(study, "CT", RescaleIntercept="-40000"))]))["CT"]
    assert volume.voxels.dtype == np.float32
    assert volume.voxels.min() < np.iinfo(np.int16).min


def test_saturated_ct_is_flagged(study: PhantomStudy) -> None:
    datasets = deepcopy(study.of("CT"))
    one = datasets[0]
    bits, signed = int(one.BitsStored), int(one.PixelRepresentation)
    if bits == 16:
        for each in datasets:
            each.BitsStored, each.HighBit = 12, 11
        bits = 12
    pixels = np.array(one.pixel_array) % 2 ** (bits - signed)
    pixels[:2, :3] = 2 ** (bits - signed) - 1
    one.PixelData = pixels.astype("<i2").tobytes()
    flags = harmonized([series("CT", datasets)]).quality
    assert [flag.code for flag in flags] == ["truncated-values"]


@pytest.mark.parametrize(
    ("modality", "elements", "named"),
    [
        ("CT", {"RescaleType": "US"}, "RescaleType is not HU"),
        ("CT", {"RescaleSlope": None}, "no RescaleSlope"),
        ("PT", {"RescaleIntercept": None}, "no RescaleIntercept"),
        ("CT", {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2.1"}, "enhanced multi-frame"),
    ],
)
def test_values_without_meaning_are_refused(
    study: PhantomStudy, modality: str, elements: dict[str, object], named: str
) -> None:
    with pytest.raises(Permanent, match=named):
        harmonized([series("PET" if modality == "PT" else "CT", changed(study, modality, **elements))])


def test_a_truncated_object_is_refused_without_quoting_it(study: PhantomStudy) -> None:
    artifact = series("CT", study.of("CT"))
    artifact.value[4] = artifact.value[4][: len(artifact.value[4]) // 2]
    with pytest.raises(Permanent, match="pixels do not decode|does not read") as failure:
        harmonized([artifact])
    assert str(study.of("CT")[0].PatientID) not in str(failure.value)


def test_a_case_without_images_is_refused(study: PhantomStudy) -> None:
    with pytest.raises(Permanent, match="none of its roles holds"):
        harmonized(series_of(study, "RTSTRUCT"))


def test_a_volume_beyond_the_limit_is_refused(study: PhantomStudy) -> None:
    step = Harmonize(HarmonizeSettings(voxels=1000))
    with pytest.raises(Permanent, match="more than 1000"):
        step.run(CASE, GivenInputs(series_of(study, "CT")), HarmonizeParameters())


@pytest.mark.data
def test_real_pet_ct() -> None:
    """STS_006: values as the IBSI's own reading of it."""
    roles = [real_series(role, real_patient("STS_006", role) / "image") for role in ("CT", "PET")]
    result = harmonized(roles)
    made = volumes(result)
    assert made["CT"].grid.shape == (68, 157, 184)
    assert made["CT"].grid.spacing == (3.27, 0.976562, 0.976562)
    assert made["PET"].grid.shape == (68, 39, 46)
    assert [flag.code for flag in result.quality] == ["suv-trusted"]
    assert made["PET"].facts.scanner["Units"] == "GML"


@pytest.mark.data
def test_real_compressed_ct() -> None:
    """LIDC-IDRI-0314: JPEG-LS, and a frame of reference for each slice."""
    folder = Path(os.environ.get("LUCIDRAY_DATA", "../shared/data")) / "lidc" / "LIDC-IDRI-0314_ct_jpegls"
    if not folder.is_dir():
        pytest.skip("needs LIDC-IDRI-0314: set LUCIDRAY_DATA")
    whole = real_series("CT", folder)
    lowest = sorted(whole.value, key=lambda data: float(read_object(data, "", pixels=False).ImagePositionPatient[2]))
    result = harmonized([Artifact(SERIES, lowest[:8], "CT")])
    volume = volumes(result)["CT"]
    assert [flag.code for flag in result.quality] == ["frame-of-reference-per-slice"]
    assert volume.voxels.dtype == np.int16
    assert -1100 < np.median(volume.voxels[:, 0, :]) < -900  # air above the patient


def test_every_volume_has_the_record_of_its_scanner(study: PhantomStudy) -> None:
    result = harmonized(series_of(study))
    records = {one.role: one.value for one in result.artifacts if one.contract is SCANNER}
    assert records.keys() == volumes(result).keys()
    first, grid = study.of("CT")[0], volumes(result)["CT"].grid
    assert records["CT"].protocol.kvp == float(first.KVP) and records["CT"].kernel == first.ConvolutionKernel
    assert (records["CT"].spacing_mm, records["CT"].matrix) == (grid.spacing, grid.shape[1:])
    assert records["PET"].protocol.corrections == sorted(study.of("PT")[0].CorrectedImage)
