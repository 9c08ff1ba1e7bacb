"""Local intensity: the sphere of 1 cm3 against a search through all voxels."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.quantify.bodies import SPACINGS, UNIT, Mask, Spacing

from lucidray.quantify.local_intensity import local_intensity
from lucidray.quantify.region import Region
from lucidray.quantify.values import Undefined

BOTH = frozenset(["loc_peak_loc", "loc_peak_glob"])
RADIUS = 10 * (3 / (4 * math.pi)) ** (1 / 3)


def as_written(voxels: npt.NDArray[np.float64], mask: Mask, spacing: Spacing) -> dict[str, float]:
    """For each centre, the mean of all voxels of the image whose centres lie within the radius."""
    points = np.moveaxis(np.indices(voxels.shape), 0, -1) * np.array(spacing)
    exists = np.isfinite(voxels)
    means = []
    for centre in np.argwhere(mask):
        near = (((points - centre * np.array(spacing)) ** 2).sum(axis=-1) <= RADIUS**2) & exists
        means.append(voxels[near].mean())
    hottest = voxels[mask] == voxels[mask].max()
    return {"loc_peak_loc": max(np.array(means)[hottest]), "loc_peak_glob": max(means)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), SPACINGS, st.tuples(*[st.integers(1, 9)] * 3))
def test_equals_the_search_through_all_voxels(seed: int, spacing: Spacing, shape: tuple[int, int, int]) -> None:
    """Also at the edge of the image and beside voxels without a value; intensities repeat, so maxima tie."""
    rng = np.random.default_rng(seed)
    voxels = rng.integers(-1000, -990, shape).astype(float)
    mask = rng.random(shape) < 0.3
    mask[tuple(rng.integers(0, shape))] = True
    voxels[(rng.random(shape) < 0.1) & ~mask] = np.nan
    found = local_intensity(Region(voxels, mask, mask, spacing), BOTH)
    assert found == pytest.approx(as_written(voxels, mask, spacing), rel=1e-12)


def test_voxels_outside_the_region_count_but_are_no_centres() -> None:
    voxels = np.zeros((15, 15, 15))
    voxels[7, 7, 7], voxels[7, 7, 9] = 100, 1000
    mask = np.zeros(voxels.shape, np.bool_)
    mask[6:9, 6:9, 6:8] = True
    offsets = np.indices(voxels.shape) - 7
    inside = int(((offsets**2).sum(axis=0) <= RADIUS**2).sum())
    found = local_intensity(Region(voxels, mask, mask, UNIT), BOTH)
    assert found == pytest.approx({"loc_peak_loc": 1100 / inside, "loc_peak_glob": 1100 / inside})


def test_highest_mean_need_not_be_around_the_highest_voxel() -> None:
    voxels = np.zeros((5, 5, 60))
    voxels[2, 2, 10], voxels[:, :, 40:50] = 50, 40
    mask = np.ones(voxels.shape, np.bool_)
    found = local_intensity(Region(voxels, mask, mask, UNIT), BOTH)
    assert found == pytest.approx(as_written(voxels, mask, UNIT))
    assert found["loc_peak_loc"] < found["loc_peak_glob"]  # type: ignore[operator]


def test_voxels_longer_than_the_sphere_stand_for_themselves() -> None:
    voxels = np.arange(8.0).reshape(2, 2, 2)
    mask = np.ones(voxels.shape, np.bool_)
    assert local_intensity(Region(voxels, mask, mask, (7, 7, 7)), BOTH) == dict.fromkeys(BOTH, 7.0)


def test_region_without_intensities_has_no_peak() -> None:
    mask = np.ones((2, 2, 2), np.bool_)
    found = local_intensity(Region(np.full(mask.shape, np.nan), mask, mask, UNIT), BOTH)
    assert found == dict.fromkeys(BOTH, Undefined("no voxel of the region has an intensity"))


def test_only_what_is_wanted_is_answered() -> None:
    mask = np.ones((2, 2, 2), np.bool_)
    assert set(local_intensity(Region(np.ones(mask.shape), mask, mask, UNIT), frozenset(["loc_peak_loc"]))) == {
        "loc_peak_loc"
    }
