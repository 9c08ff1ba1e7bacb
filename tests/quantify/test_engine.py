"""What the engine makes of a region: values against sums done by hand, and reasons where there are none."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.contracts.results import Feature
from lucidray.quantify.engine import compute, software
from lucidray.quantify.ibsi import FAMILY_CODES, definitions
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.region import Region

EVERYTHING = Measurement(
    role="CT",
    modality="CT",  # whole numbers: grey levels are used as they are
    unit="[hnsf'U]",
    discretisation=Discretisation(method="none", value=None),
    families=list(FAMILY_CODES),
)


def region_of(
    voxels: npt.NDArray[Any], mask: npt.NDArray[np.bool_], spacing: tuple[float, float, float] = (1, 1, 1)
) -> Region:
    return Region(voxels.astype(np.float64), mask, mask, spacing)


def by_family(features: list[Feature]) -> dict[tuple[str, str], float | None]:
    return {(feature.family, feature.name): feature.value for feature in features}


def test_two_voxels_by_hand() -> None:
    """Grey levels 1 and 2 side by side: the co-occurrence matrix has one half at (1, 2) and at (2, 1)."""
    voxels, mask = np.zeros((3, 3, 4)), np.zeros((3, 3, 4), bool)
    voxels[1, 1, 1:3], mask[1, 1, 1:3] = (1, 2), True
    values = by_family(compute(region_of(voxels, mask, (2, 3, 4)), EVERYTHING, 1))
    assert values["intensity_statistics", "mean_intensity"] == pytest.approx(1.5)
    assert values["intensity_statistics", "intensity_variance"] == pytest.approx(0.25)
    assert values["intensity_statistics", "intensity_energy"] == pytest.approx(5)
    assert values["morphology", "volume_voxel_counting"] == pytest.approx(2 * 2 * 3 * 4)
    assert values["morphology", "centre_of_mass_shift"] == pytest.approx(4 * (5 / 3 - 1.5))
    assert values["glcm", "joint_entropy"] == pytest.approx(1)
    assert values["glcm", "joint_maximum"] == pytest.approx(0.5)
    assert values["glcm", "contrast"] == pytest.approx(1)
    assert values["glszm", "zone_percentage"] == pytest.approx(1)
    assert values["intensity_histogram", "discretised_intensity_entropy"] == pytest.approx(1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axes_keep_their_spacing(axis: int) -> None:
    """The surface of a row of voxels reaches half a voxel beyond the outermost centres."""
    mask = np.zeros((7, 7, 7), bool)
    mask[tuple(slice(1, 6) if each == axis else 3 for each in range(3))] = True
    spacing = (2.0, 3.0, 5.0)
    values = by_family(compute(region_of(np.ones(mask.shape), mask, spacing), EVERYTHING, 1))
    assert values["morphology", "maximum_3d_diameter"] == pytest.approx(5 * spacing[axis])


def test_local_intensity_is_the_mean_of_a_cubic_centimetre() -> None:
    """IBSI manual, section 3.2: a sphere of 1 cm3 around the hottest voxel, also where it leaves the region."""
    voxels = np.zeros((15, 15, 15))
    voxels[7, 7, 7] = 100
    mask = np.zeros(voxels.shape, bool)
    mask[6:9, 6:9, 6:9] = True
    offsets = (np.indices(voxels.shape) - 7) * 2.0
    inside = int(((offsets**2).sum(axis=0) <= (1000 * 3 / (4 * math.pi)) ** (2 / 3)).sum())
    values = by_family(compute(region_of(voxels, mask, (2, 2, 2)), EVERYTHING, 1))
    assert values["local_intensity", "local_intensity_peak"] == pytest.approx(100 / inside)


@pytest.mark.parametrize("modality", ["CT", "PT", "MR"])
@pytest.mark.parametrize("count", [1, 8])
def test_degenerate_regions_have_values_or_none(modality: str, count: int) -> None:
    """One voxel, or eight equal ones: nothing raises, nothing is NaN, and what is defined is there."""
    measurement = EVERYTHING.model_copy(
        update={
            "modality": modality,
            "discretisation": Discretisation(method="fixed_bin_size", value=0.5),
            "intensity_range": (0.0, None),
        }
    )
    mask = np.zeros((6, 6, 6), bool)
    mask[2:4, 2:4, 2:4] = True
    if count == 1:
        mask[:], mask[3, 3, 3] = False, True
    features = compute(region_of(np.full(mask.shape, 3.0), mask), measurement, 1)
    assert all(feature.value is None or math.isfinite(feature.value) for feature in features)
    values = by_family(features)
    assert values["intensity_statistics", "maximum_intensity"] == 3
    assert values["morphology", "volume_voxel_counting"] == count
    assert values["glcm", "correlation"] is None or count == 8


def test_region_without_intensities_has_a_shape_only() -> None:
    mask = np.ones((3, 3, 3), bool)
    region = Region(np.ones(mask.shape), mask, ~mask, (1, 1, 1))
    features = compute(region, EVERYTHING, 2)
    assert len(features) == len(definitions())
    assert {feature.segment for feature in features} == {2}
    assert by_family(features)["morphology", "volume_voxel_counting"] == 27
    others = [feature for feature in features if feature.family != "morphology"]
    assert {(feature.value, "re-segmentation" in feature.reason) for feature in others} == {(None, True)}


def test_region_outside_the_image_is_undefined_with_a_reason() -> None:
    features = compute(None, EVERYTHING, 1)
    assert len(features) == len(definitions())
    assert {(feature.value, "not lie in the image" in feature.reason) for feature in features} == {(None, True)}


def test_several_aggregations_are_told_apart() -> None:
    """Matrices without directions know no difference between averaged and merged directions."""
    measurement = EVERYTHING.model_copy(
        update={"aggregation": ["3D:avg", "3D:mrg"], "families": ["intensity_statistics", "glcm", "glszm"]}
    )
    rng = np.random.default_rng(7)
    features = compute(region_of(rng.integers(1, 4, (4, 5, 6)), np.ones((4, 5, 6), bool)), measurement, 1)
    codes = {family: {each.aggregation for each in features if each.family == family} for family in ("glcm", "glszm")}
    assert codes == {"glcm": {"ITBB", "IAZD"}, "glszm": {"KOBO"}}
    assert len(features) == len({(each.ibsi_code, each.aggregation) for each in features})


def test_response_maps_are_measured_beside_the_image() -> None:
    mean = {"kind": "mean", "support": 3}
    measurement = Measurement.model_validate(
        EVERYTHING.model_dump() | {"families": ["intensity_statistics"], "filters": [mean]}
    )
    voxels, mask = np.zeros((7, 7, 7)), np.zeros((7, 7, 7), bool)
    voxels[3, 3, 3], mask[2:5, 2:5, 2:5] = 27, True
    features = compute(region_of(voxels, mask), measurement, 1)
    maxima = {each.filter: (each.value, each.unit) for each in features if each.name == "maximum_intensity"}
    assert maxima == {"": (27, "[hnsf'U]"), "mean 3 3D mirror": (pytest.approx(1), "1")}


def test_values_do_not_depend_on_what_was_measured_before() -> None:
    """mirp caches by identity: a stale matrix must not leak from one region into the next."""
    rng = np.random.default_rng(4)
    mask = np.ones((5, 5, 5), bool)
    first, second = (region_of(rng.integers(1, 6, mask.shape), mask) for _ in range(2))
    alone = compute(second, EVERYTHING, 1)
    compute(first, EVERYTHING, 1)
    assert compute(second, EVERYTHING, 1) == alone


def test_the_library_is_named() -> None:
    assert software().startswith("lucidray ")
