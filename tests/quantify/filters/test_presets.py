"""The IBSI-2 presets, and what the engine does with response maps."""

import csv
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume, VolumeFacts
from lucidray.contracts.results import Feature
from lucidray.lab.nifti import read_nifti
from lucidray.quantify import extract
from lucidray.quantify.filters import response
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.preset import Preset

HU = "[hnsf'U]"


def numbered(features: list[Feature]) -> dict[tuple[int, str], Feature]:
    """By the IBSI's number of the filter (1: none) and abbreviation of the feature."""
    maps = list(dict.fromkeys(each.filter for each in features))
    abbreviations = {each.code: each.abbreviation for each in definitions().values()}
    return {(maps.index(each.filter) + 1, abbreviations[each.ibsi_code]): each for each in features}


@pytest.mark.data
@pytest.mark.parametrize("variant", ["a", "b"])
def test_the_ct_phantom_has_the_consensus_values(ibsi_data: Path, variant: str) -> None:
    folder = os.environ.get("LUCIDRAY_IBSI_CT")
    if not folder:
        pytest.skip("needs the IBSI's CT phantom (its nifti folder) in LUCIDRAY_IBSI_CT")
    voxels, grid = read_nifti(Path(folder) / "image" / "phantom.nii.gz")
    mask, _ = read_nifti(Path(folder) / "mask" / "mask.nii.gz")
    found = numbered(extract(volume(voxels, grid), mask, f"ibsi-2-{variant}"))
    with (ibsi_data / "ibsi_2_reference" / "feature_values" / "reference_values.csv").open() as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row["consensus_value"]]
    for row in rows:
        number, letter = row["filter_id"].split(".")
        if letter.lower() == variant:
            value = found[int(number), row["feature_tag"]].value
            assert value == pytest.approx(float(row["consensus_value"]), abs=float(row["tolerance"])), row


def volume(voxels: npt.NDArray[np.int16], grid: Grid) -> Volume:
    facts = VolumeFacts(
        grid=grid,
        modality="CT",
        unit=HU,
        study_instance_uid="2.25.1",
        series_instance_uid="2.25.2",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uids=[],
    )
    return Volume(voxels, facts)


@pytest.fixture(scope="module")
def scan() -> tuple[npt.NDArray[np.int16], npt.NDArray[np.bool_]]:
    image = np.random.default_rng(11).normal(0, 50, (24, 30, 28)).astype(np.int16)
    mask = np.zeros(image.shape, bool)
    mask[9:14, 12:18, 12:17] = True
    return image, mask


@pytest.mark.parametrize("variant", ["a", "b"])
def test_a_preset_gives_18_statistics_of_the_image_and_of_8_maps(
    scan: tuple[npt.NDArray[np.int16], npt.NDArray[np.bool_]], variant: str
) -> None:
    features = extract(*scan, f"ibsi-2-{variant}", spacing=(1, 1, 1))
    assert len(numbered(features)) == len(features) == 9 * 18
    assert all(each.value is not None for each in features)


FILTERS: list[dict[str, object]] = [
    {"kind": "mean", "support": 7},
    {"kind": "mean", "support": 7, "boundary": "periodic"},
    {"kind": "laplacian_of_gaussian", "sigma": 1.2, "boundary": "zero"},
    {"kind": "laplacian_of_gaussian", "sigma": 1.2, "riesz": {"order": [1, 0, 0]}},
    {"kind": "laws", "kernels": "L5E5S5", "pooling": "max", "energy": 3},
    {"kind": "gabor", "sigma": 0.8, "wavelength": 2.0, "step": 45, "orthogonal": True},
    {"kind": "wavelet", "family": "db3", "bands": "LLH", "level": 2, "pooling": "mean", "boundary": "nearest"},
    {"kind": "wavelet", "family": "coif1", "bands": "HL", "volumetric": False},
    {"kind": "simoncelli", "level": 1},
]


@pytest.mark.parametrize("corner", [(9, 12, 12), (0, 25, 0), (19, 0, 23)], ids=["inside", "corner", "other corner"])
def test_a_region_is_filtered_as_if_the_whole_image_were(
    scan: tuple[npt.NDArray[np.int16], npt.NDArray[np.bool_]], corner: tuple[int, int, int]
) -> None:
    """The image is cut around a region, but never so closely that a filter could tell."""
    image, mask = scan[0], np.zeros(scan[0].shape, bool)
    mask[tuple(slice(start, start + 5) for start in corner)] = True
    wanted = {"role": "CT", "modality": "CT", "unit": HU, "families": ["intensity_statistics", "local_intensity"]}
    filtered, plain = (
        Preset.model_validate({"name": "mine", "title": "A test", "measurements": [wanted | {"filters": filters}]})
        for filters in (FILTERS, [])
    )
    features = extract(image, mask, filtered)
    assert [each for each in features if not each.filter] == extract(image, mask, plain)
    found = {each.filter: each.value for each in features if each.name == "mean_intensity"}
    for spec in filtered.measurements[0].filters:
        whole = response(image.astype(float), (1, 1, 1), spec)
        assert found[spec.label] == pytest.approx(whole[mask].mean(), rel=1e-7, abs=1e-7), spec.label


def test_voxels_without_a_response_do_not_count(scan: tuple[npt.NDArray[np.int16], npt.NDArray[np.bool_]]) -> None:
    image, mask = scan[0].astype(float), scan[1]
    preset = Preset.model_validate(
        {
            "name": "mine",
            "title": "A test",
            "measurements": [
                {
                    "role": "CT",
                    "modality": "CT",
                    "unit": HU,
                    "families": ["intensity_statistics"],
                    "filters": [{"kind": "mean", "support": 3}, {"kind": "simoncelli"}],
                }
            ],
        }
    )
    image[9, 12, 12] = np.nan
    found = {(each.filter, each.name): each for each in extract(image, mask, preset)}
    near = response(image, (1, 1, 1), preset.measurements[0].filters[0])[mask]
    assert found["mean 3 3D mirror", "mean_intensity"].value == pytest.approx(np.nanmean(near))
    nowhere = found["simoncelli level 1 3D periodic", "mean_intensity"]
    assert nowhere.value is None and "the filter has no response in the region" in nowhere.reason


def test_a_preset_whose_grid_its_filters_cannot_use_is_refused() -> None:
    wanted = {"role": "CT", "modality": "CT", "unit": HU, "families": ["minkowski"], "spacing": [3, 1, 1]}
    for filters, fits in (
        ([{"kind": "mean", "support": 3, "volumetric": False}], True),
        ([{"kind": "simoncelli"}], False),
    ):
        content = {"name": "mine", "title": "A test", "measurements": [wanted | {"filters": filters}]}
        if fits:
            Preset.model_validate(content)
        else:
            with pytest.raises(ValidationError, match="3 x 1 x 1 mm apart"):
                Preset.model_validate(content)
