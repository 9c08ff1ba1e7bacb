"""Moran's I and Geary's C: the transforms against the double sum of the manual."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.quantify.bodies import MASKS, SPACINGS, TURNS, Mask, Spacing, ellipsoid, turned

from lucidray.quantify import autocorrelation as module
from lucidray.quantify.autocorrelation import autocorrelation

# Of every result, relative to the size of its terms; float64 carries 16 digits.
EXACT = 1e-12
SEEDS = st.integers(0, 2**32 - 1)
TRANSFORMS, PAIRS = (0, 0), (10**9, 0)


@pytest.fixture(autouse=True, params=[TRANSFORMS, PAIRS], ids=["transforms", "pairs"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAIRS_ALWAYS", request.param[0])
    monkeypatch.setattr(module, "_PAIRS_PER_BOX_VOXEL_AND_SIDE", request.param[1])


def voxels_of(mask: Mask, seed: int) -> npt.NDArray[np.float64]:
    """Noise on an offset as large as Hounsfield units have."""
    return np.random.default_rng(seed).normal(1000, 30, mask.shape)


def as_written(voxels: npt.NDArray[np.float64], mask: Mask, spacing: Spacing) -> tuple[float, float]:
    """The sums of the manual, over all ordered pairs."""
    points, values = np.argwhere(mask) * np.array(spacing), voxels[mask]
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    weights, deviations = 1 / distances, values - values.mean()
    count, total, variance = len(values), weights.sum(), (deviations**2).sum()
    moran = count / total * (weights * np.outer(deviations, deviations)).sum() / variance
    differences = (values[:, None] - values[None]) ** 2
    return moran, (count - 1) / (2 * total) * (weights * differences).sum() / variance


@settings(max_examples=60, deadline=None)
@given(MASKS.filter(lambda mask: mask.sum() > 1), SPACINGS, SEEDS)
def test_equals_the_double_sum(mask: Mask, spacing: Spacing, seed: int) -> None:
    voxels = voxels_of(mask, seed)
    found = autocorrelation(voxels, mask, spacing)
    assert (found.moran, found.geary) == pytest.approx(as_written(voxels, mask, spacing), rel=EXACT, abs=EXACT)


def test_equals_the_double_sum_in_a_lesion() -> None:
    mask = ellipsoid((6, 8, 9))
    voxels = voxels_of(mask, 1)
    found = autocorrelation(voxels, mask, (3, 1, 1))
    assert (found.moran, found.geary) == pytest.approx(as_written(voxels, mask, (3, 1, 1)), rel=EXACT, abs=EXACT)


@settings(max_examples=20, deadline=None)
@given(MASKS.filter(lambda mask: mask.sum() > 1), SPACINGS, SEEDS, st.sampled_from(TURNS))
def test_does_not_depend_on_directions_units_and_intensity_scale(
    mask: Mask, spacing: Spacing, seed: int, turn: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    """Turning, another unit of length, and a linear map of the intensities change nothing."""
    voxels = voxels_of(mask, seed)
    found = autocorrelation(voxels, mask, spacing)
    z, y, x = (10 * spacing[axis] for axis in turn[0])
    other = autocorrelation(turned(3 * voxels - 500, *turn), turned(mask, *turn), (z, y, x))
    assert (other.moran, other.geary) == pytest.approx((found.moran, found.geary), rel=1e-9, abs=1e-9)


def test_two_voxels_by_hand() -> None:
    """One pair, of deviations that are opposite: I = -1; C = (2 - 1) / 2 * (2d)^2 / (2 d^2) = 1."""
    found = autocorrelation(np.array([[[1.0, 4.0]]]), np.ones((1, 1, 2), np.bool_), (1, 2, 3))
    assert (found.moran, found.geary) == pytest.approx((-1, 1))


def test_smooth_intensities_are_alike_and_noise_is_not() -> None:
    mask = ellipsoid((8, 8, 8))
    slope = np.broadcast_to(np.arange(float(mask.shape[2])), mask.shape)
    smooth, noise = autocorrelation(slope, mask, (1, 1, 1)), autocorrelation(voxels_of(mask, 2), mask, (1, 1, 1))
    assert smooth.moran > 0.2 > abs(noise.moran) * 10
    assert smooth.geary < 0.8
    assert noise.geary == pytest.approx(1, abs=0.05)


def test_blocks_change_nothing_but_the_last_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = ellipsoid((5, 7, 9))
    voxels = voxels_of(mask, 3)
    whole = autocorrelation(voxels, mask, (1, 2, 3))
    monkeypatch.setattr(module, "_PAIRS_AT_ONCE", 700)
    blocks = autocorrelation(voxels, mask, (1, 2, 3))
    assert (blocks.moran, blocks.geary) == pytest.approx((whole.moran, whole.geary), rel=EXACT)


def test_few_voxels_far_apart_need_no_transforms(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of transforms goes with the box, that of pairs with the voxels."""
    monkeypatch.undo()
    monkeypatch.delattr(module, "_by_transforms")
    mask = np.zeros((90, 90, 90), np.bool_)
    mask[:10, :10, :10] = mask[80:, 80:, 80:] = True
    assert autocorrelation(voxels_of(mask, 4), mask, (1, 1, 1)).geary == pytest.approx(1, abs=0.05)
