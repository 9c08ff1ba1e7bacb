"""Gradients of images whose slope is known."""

from collections.abc import Callable
from math import log2

import numpy as np
import pytest
from scipy import ndimage

from lucidray.quantify.higher.definitions import definitions
from lucidray.quantify.higher.gradient import measure
from lucidray.quantify.region import Region

MakeRegion = Callable[..., Region]
WANTED = frozenset(name for name, each in definitions().items() if each.family == "gradient")


@pytest.mark.parametrize(("slope", "degrees"), [((0, 0, 2), 0), ((0, 3, 0), 80), ((0, 1, 1), 40), ((0, 1, -1), 120)])
def test_a_plane_has_its_slope_per_mm_and_one_direction(
    slope: tuple[float, float, float], degrees: int, make_region: MakeRegion
) -> None:
    spacing = (3.0, 0.5, 2.0)
    grid = np.indices((6, 7, 8))
    image = sum(s * step * place for s, step, place in zip(slope, spacing, grid, strict=True))
    found = measure(make_region(np.asarray(image), spacing=spacing), WANTED)
    for name in ("mean", "median", "maximum"):
        assert found[f"grad_{name}"] == pytest.approx(np.linalg.norm(slope))
    assert found["grad_deviation"] == pytest.approx(0, abs=1e-7)
    assert found["grad_anisotropy"] == pytest.approx(1)
    assert found[f"grad_hog_{degrees}"] == pytest.approx(1)
    assert found["grad_hog_entropy"] == pytest.approx(0, abs=1e-9)


def test_a_bowl_points_everywhere(make_region: MakeRegion) -> None:
    grid = np.indices((41, 41, 41)) - 20.0
    distance = np.sqrt(np.square(grid).sum(axis=0))
    found = measure(make_region(np.square(distance) / 2, distance <= 18), WANTED)
    counted = ndimage.binary_erosion(distance <= 18)
    assert found["grad_mean"] == pytest.approx(distance[counted].mean())  # the slope of r^2 / 2 is r
    assert found["grad_anisotropy"] == pytest.approx(0, abs=1e-9)
    assert found["grad_hog_entropy"] == pytest.approx(log2(9), abs=0.01)


def test_voxels_at_the_border_of_the_region_do_not_count(make_region: MakeRegion) -> None:
    image = np.zeros((5, 5, 5))
    image[:, :, 3:] = 100
    inside = np.zeros(image.shape, bool)
    inside[:, :, :3] = True
    assert measure(make_region(image, inside), WANTED)["grad_maximum"] == 0
    inside[:, :, 3] = True
    assert measure(make_region(image, inside), WANTED)["grad_maximum"] == 50
