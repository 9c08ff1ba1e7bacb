"""What the standard leaves undefined has no value but a reason; what it defines has one."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.contracts.results import Feature
from lucidray.quantify import extract
from lucidray.quantify.engine import compute
from lucidray.quantify.ibsi import INTENSITY_AND_TEXTURE, TEXTURE
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.region import Region, resegment

BINS = {"method": "fixed_bin_number", "value": 8}


def measured(voxels: npt.NDArray[Any], mask: npt.NDArray[np.bool_] | None = None, **fields: Any) -> dict[str, Feature]:
    """By family and name; everything in three dimensions unless `fields` say otherwise."""
    inside = np.ones(voxels.shape, np.bool_) if mask is None else mask
    given = {
        "role": "MR",
        "modality": "MR",
        "unit": "1",
        "discretisation": BINS,
        "families": list(INTENSITY_AND_TEXTURE),
    } | fields
    measurement = Measurement.model_validate(given)
    values = voxels.astype(np.float64)
    region = Region(values, inside, resegment(values, inside, measurement), (1.0, 1.0, 1.0))
    found = compute(region, measurement, 1)
    assert all((each.value is None) == bool(each.reason) for each in found)
    return {f"{each.family} {each.name}": each for each in found}


def test_one_voxel() -> None:
    found = measured(np.full((1, 1, 1), 7.0))
    assert found["intensity_statistics mean_intensity"].value == 7
    assert found["glszm zone_percentage"].value == 1
    for name in ("glcm contrast", "glcm joint_entropy"):
        assert found[name].reason == "no two voxels of the region are neighbours"
    assert found["ngtdm coarseness"].reason == "no voxel of the region has a neighbour"


def test_a_flat_region() -> None:
    found = measured(np.full((3, 4, 5), 2.0))
    assert found["intensity_statistics intensity_skewness"].value == 0
    assert found["glcm contrast"].value == 0
    assert found["glcm joint_entropy"].value == 0
    assert found["glcm correlation"].reason == "all neighbours have one grey level"
    assert found["glcm first_measure_of_information_correlation"].value is None
    assert found["ngtdm coarseness"].value == 1e6  # the manual's greatest
    assert found["ngtdm contrast"].value == found["ngtdm busyness"].value == found["ngtdm strength"].value == 0


def test_a_mean_of_zero_has_no_coefficient_of_variation() -> None:
    found = measured(np.array([[[-1.0, 1.0, -2.0, 2.0]]]))
    assert found["intensity_statistics intensity_coefficient_of_variation"].reason == "the mean is zero"
    assert found["intensity_statistics intensity_variance"].value == 2.5


def test_slices_that_define_nothing_are_left_out_of_averages() -> None:
    """A slice of one voxel has no neighbours: the average is that of the other slice."""
    voxels = np.array([[[1, 2], [2, 1]], [[5, 5], [5, 5]]])
    mask = np.array([[[True, True], [True, True]], [[True, False], [False, False]]])
    both = measured(voxels, mask, aggregation="2D:mrg", discretisation={"method": "none"})
    alone = measured(voxels[:1], mask[:1], aggregation="2D:mrg", discretisation={"method": "none"})
    assert both["glcm contrast"].value == alone["glcm contrast"].value
    assert both["glszm zone_percentage"].value == (alone["glszm zone_percentage"].value or 0) / 2 + 1 / 2


def test_voxels_that_are_no_numbers_do_not_count() -> None:
    """As if they were outside; but for the distance to the border, which is that of the morphological mask."""
    voxels = np.arange(27.0).reshape(3, 3, 3)
    mask = np.ones(voxels.shape, np.bool_)
    holed = voxels.copy()
    holed[1, 1, 1], holed[0, 0, 0] = np.nan, np.inf
    mask[1, 1, 1] = mask[0, 0, 0] = False
    first, second = measured(holed), measured(voxels, mask)
    assert {name.split()[0] for name in first if first[name] != second[name]} <= {"gldzm"}


def test_too_many_grey_levels() -> None:
    voxels = np.arange(2500.0).reshape(25, 10, 10)
    one_each = {"method": "fixed_bin_size", "value": 1.0}
    found = measured(voxels, discretisation=one_each, intensity_range=(0.0, None))
    assert {found[f"{family} {name}"].reason for family, name in (("glcm", "contrast"), ("ngtdm", "coarseness"))} == {
        "too many grey levels for a texture matrix: more than 2048; use wider bins"
    }
    assert found["intensity_histogram discretised_intensity_entropy"].value == pytest.approx(np.log2(2500))
    tiny = {"method": "fixed_bin_size", "value": 1e-6}
    histogram = measured(voxels, discretisation=tiny, intensity_range=(0.0, None))
    assert "too many grey levels" in histogram["intensity_histogram mean_discretised_intensity"].reason


def test_without_discretisation_levels_are_whole_numbers() -> None:
    found = measured(np.array([[[0.5, 1.0]]]), discretisation={"method": "none"})
    assert found["glcm contrast"].reason == "without discretisation intensities must be whole numbers from 1"
    assert found["intensity_statistics mean_intensity"].value == 0.75


def test_fractions_of_whole_intensities_need_whole_intensities() -> None:
    found = measured(np.array([[[0.5, 1.0]]]), ivh_discretisation={"method": "none"})
    assert "not whole numbers" in found["intensity_volume_histogram volume_at_intensity_fraction_10"].reason
    flat = measured(np.full((1, 1, 3), 4.0), ivh_discretisation={"method": "none"})
    assert flat["intensity_volume_histogram volume_at_intensity_fraction_10"].reason
    assert flat["intensity_volume_histogram intensity_at_volume_fraction_10"].value == 5  # the level after the last


def test_parts_and_edges_are_measured_as_they_are() -> None:
    """Two parts in opposite corners are each the other's stranger: texture is that of the part counted twice."""
    voxels, mask = np.zeros((6, 6, 6)), np.zeros((6, 6, 6), np.bool_)
    part = np.arange(1.0, 9.0).reshape(2, 2, 2)
    for corner in ((slice(0, 2),) * 3, (slice(4, 6),) * 3):
        voxels[corner], mask[corner] = part, True
    twice, once = (measured(*each, discretisation={"method": "none"}) for each in ((voxels, mask), (part,)))
    for family in (
        "glcm joint_entropy",
        "glrlm run_percentage",
        "glszm zone_size_entropy",
        "ngldm high_dependence_emphasis",
    ):
        assert twice[family].value == pytest.approx(once[family].value), family


def test_an_empty_mask_gives_reasons() -> None:
    found = extract(np.ones((4, 4, 4)), np.zeros((4, 4, 4)), "pet-3mm")
    assert {each.value for each in found} == {None}
    assert {each.reason for each in found} == {"the mask has no voxel"}


def test_a_region_smaller_than_the_voxels_is_not_said_to_lie_outside() -> None:
    image, mask = np.ones((8, 8, 8)), np.zeros((8, 8, 8))
    mask[1, 1, 1] = 1
    reasons = {each.reason for each in extract(image, mask, "pet-3mm")}
    assert reasons == {"on the measurement's grid the region has no voxel: it is smaller than its voxels"}


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "mean", "support": 5},
        {"kind": "simoncelli", "level": 1},
        {"kind": "laplacian_of_gaussian", "sigma": 1.0, "riesz": {"order": [1, 0, 0]}},
    ],
)
def test_a_filter_that_meets_what_is_no_number_has_no_response_and_says_so(spec: dict[str, Any]) -> None:
    """The region's own voxels are all numbers."""
    voxels, mask = np.arange(512.0).reshape(8, 8, 8), np.zeros((8, 8, 8), np.bool_)
    voxels[2, 4, 4], mask[3:5, 3:6, 3:6] = np.nan, True
    found = measured(voxels, mask, families=["intensity_statistics"], filters=[spec])
    blind = "the filter has no response in the region: within its reach the image has voxels that are no number"
    assert {(bool(each.filter), each.reason) for each in found.values()} == {(True, blind)}


def test_voxels_beyond_the_reach_of_what_is_no_number_have_responses() -> None:
    voxels, mask = np.arange(512.0).reshape(8, 8, 8), np.zeros((8, 8, 8), np.bool_)
    voxels[2, 4, 4], mask[3:7, 3:6, 3:6] = np.nan, True
    found = measured(voxels, mask, families=["intensity_statistics"], filters=[{"kind": "mean", "support": 5}])
    assert {each.reason for each in found.values()} == {""}


def test_a_filter_of_a_region_without_intensities_says_that_it_has_none() -> None:
    fields: dict[str, Any] = {"families": ["intensity_statistics"], "filters": [{"kind": "mean", "support": 3}]}
    found = measured(np.ones((3, 3, 3)), intensity_range=(5.0, None), **fields)
    assert {each.reason for each in found.values()} == {"after re-segmentation no voxel of the region has an intensity"}


@pytest.mark.parametrize("aggregation", ["2D:avg", "2D:mrg", "2.5D:avg", "2.5D:mrg", "3D:avg", "3D:mrg"])
def test_a_line_has_texture(aggregation: str) -> None:
    found = measured(np.arange(1.0, 6.0).reshape(1, 1, 5), aggregation=aggregation, families=list(TEXTURE))
    assert found["glcm contrast"].value is not None
    assert all(each.value is not None for each in found.values())


def test_distances_of_fixed_bins_start_at_the_range() -> None:
    disc = Discretisation(method="fixed_bin_size", value=10.0)
    found = measured(np.array([[[25.0, 39.9]]]), discretisation=disc.model_dump(), intensity_range=(0.0, None))
    assert found["intensity_histogram minimum_discretised_intensity"].value == 3
    assert found["intensity_histogram maximum_discretised_intensity"].value == 4
