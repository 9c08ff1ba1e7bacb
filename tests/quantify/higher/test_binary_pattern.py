"""Local binary patterns, beside scikit-image in slices and spherical harmonics in space."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import sph_harm_y
from skimage.feature import local_binary_pattern

from lucidray.quantify.higher.binary_pattern import flat, solid
from lucidray.quantify.region import Region

MakeRegion = Callable[..., Region]
UNIT = (1.0, 1.0, 1.0)


def test_shares_in_slices_are_those_of_scikit_image() -> None:
    image = np.random.default_rng(14).integers(0, 1000, (5, 30, 40))
    oracle: Any = local_binary_pattern
    codes = np.stack([oracle(plane, 8, 1, "uniform")[1:-1, 1:-1] for plane in image]).astype(int)
    wanted = np.bincount(codes.ravel(), minlength=10) / codes.size
    found = flat(image.astype(float), np.ones(image.shape, bool), UNIT)
    assert [found[f"lbp2_{number}"] for number in range(9)] + [found["lbp2_mixed"]] == pytest.approx(wanted.tolist())
    assert found["lbp2_entropy"] == pytest.approx(-(wanted * np.log2(wanted)).sum())
    assert found["lbp2_uniformity"] == pytest.approx((wanted**2).sum())


def test_spots_edges_and_flat_areas_have_their_bins() -> None:
    peak = np.zeros((1, 5, 5))
    peak[0, 2, 2] = 1
    inside = np.zeros(peak.shape, bool)
    inside[0, 1:4, 1:4] = True
    assert flat(peak, inside, UNIT)["lbp2_0"] == 1
    assert flat(-peak, inside, UNIT)["lbp2_8"] == 1
    assert flat(np.full(peak.shape, 0.1), np.ones(peak.shape, bool), UNIT)["lbp2_8"] == 1
    ramp = np.broadcast_to(np.arange(6.0), (1, 6, 6))
    assert flat(ramp, np.ones(ramp.shape, bool), UNIT)["lbp2_5"] == 1  # 3 on the bright side, 2 as bright


def test_powers_are_those_of_spherical_harmonics() -> None:
    """One voxel, whose pattern is chosen; the points lie on a sphere and are interpolated from the cube around."""
    image = np.random.default_rng(15).normal(size=(3, 3, 3))
    found = solid(image, np.ones(image.shape, bool), UNIT)
    sphere = [(z, y, x) for z in (-1, 0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1) if (z, y, x) != (0, 0, 0)]
    weights = [{1: 1 / 21, 2: 4 / 105, 3: 9 / 280}[sum(map(abs, each))] for each in sphere]
    assert sum(weights) == pytest.approx(1)
    bright = [
        1.0 if _interpolated(image, np.array(each) / np.linalg.norm(each)) >= image[1, 1, 1] else 0.0 for each in sphere
    ]
    assert found["lbp3_share"] == pytest.approx(np.dot(weights, bright))
    for degree in (1, 2, 3):
        power = 0.0
        for order in range(-degree, degree + 1):
            terms = [
                weight * one * sph_harm_y(degree, order, np.arccos(z / np.linalg.norm((z, y, x))), np.arctan2(y, x))
                for (z, y, x), weight, one in zip(sphere, weights, bright, strict=True)
            ]
            power += 4 * np.pi * abs(sum(terms)) ** 2
        assert found[f"lbp3_power_{degree}"] == pytest.approx(power)


def _interpolated(
    image: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    step: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
) -> float:
    shares = [np.array([max(-part, 0), 1 - abs(part), max(part, 0)]) for part in step]
    return float(np.einsum("zyx,z,y,x", image, *shares))


def test_an_edge_has_power_in_degree_one_and_a_sheet_in_degree_two() -> None:
    z, y, x = np.indices((9, 9, 9)) - 4.0
    whole = np.ones(z.shape, bool)
    edge = solid(x + 0.3 * y, whole, UNIT)
    assert edge["lbp3_share"] == pytest.approx(0.5, abs=0.05)
    assert edge["lbp3_power_1"] > 10 * edge["lbp3_power_2"]  # type: ignore[operator]
    centre = np.zeros(z.shape, bool)
    centre[:, :, 3:6] = True
    valley = solid(np.abs(x), centre, UNIT)
    assert valley["lbp3_share"] == 1  # nothing is darker than the bottom
    crest = solid(-np.abs(x), centre, UNIT)
    assert crest["lbp3_power_2"] > 10 * crest["lbp3_power_1"]  # type: ignore[operator]


def test_any_rising_scale_of_intensity_gives_the_same_patterns_where_nothing_is_interpolated() -> None:
    image = np.random.default_rng(16).normal(size=(4, 9, 9))
    whole = np.ones(image.shape, bool)
    assert flat(image, whole, UNIT) == flat(5 * image - 2, whole, UNIT)


def test_the_circle_is_as_wide_as_the_larger_spacing() -> None:
    """Twice as fine rows: the points above and below lie two rows away."""
    coarse = np.random.default_rng(17).normal(size=(1, 12, 12))
    fine = np.repeat(coarse, 2, axis=1)
    found = flat(fine, np.ones(fine.shape, bool), (1.0, 0.5, 1.0))
    assert isinstance(found["lbp2_entropy"], float)
    points = flat(fine, np.ones(fine.shape, bool), (1.0, 1.0, 1.0))
    assert found != points
