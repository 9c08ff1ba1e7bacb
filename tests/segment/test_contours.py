"""Contours: matched by position, whatever slices they were drawn on."""

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.contracts.grid import Grid
from lucidray.core.errors import Permanent
from lucidray.segment.contours import fill_contours

GRID = Grid(
    shape=(10, 20, 24),
    spacing=(3.0, 1.0, 1.0),
    origin=(-12.0, -10.0, 100.0),
    axes=((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
)
THING = "ROI 1"


def square(z: float, low: float, high: float) -> npt.NDArray[np.float64]:
    """A square in x and y at height z, mm."""
    return np.array([[low, low, z], [high, low, z], [high, high, z], [low, high, z]])


def test_contours_on_slices_fill_those_slices() -> None:
    filled = fill_contours([square(z, -4.5, 3.5) for z in (106.0, 109.0, 112.0)], GRID, THING)
    assert filled.mask.any(axis=(1, 2)).tolist() == [False] * 2 + [True] * 3 + [False] * 5
    assert filled.mask.sum() == 3 * 64
    assert (filled.planes_outside, filled.cut) == (0, False)
    assert filled.off_slice == pytest.approx(0, abs=1e-9)


def test_an_inner_contour_is_a_hole() -> None:
    filled = fill_contours([square(106.0, -4.5, 3.5), square(106.0, -1.5, 0.5)], GRID, THING)
    assert filled.mask.sum() == 64 - 4


@pytest.mark.parametrize("first", [103.0, 103.5, 104.5, 105.9])
def test_a_set_drawn_on_thicker_slices_keeps_its_volume(first: float) -> None:
    contours = [square(first + 6 * i, -4.5, 3.5) for i in range(4)]
    filled = fill_contours(contours, GRID, THING)
    assert filled.mask.sum() * GRID.voxel_volume == pytest.approx(4 * 6 * 64)
    assert 0.3 < filled.off_slice <= 1


def test_planes_midway_between_slices_leave_none_out() -> None:
    heights = [101.5 + 3 * i + 1e-9 * (-1) ** i for i in range(6)]
    filled = fill_contours([square(z, -4.5, 3.5) for z in heights], GRID, THING)
    assert filled.mask.any(axis=(1, 2)).sum() in (6, 7)
    assert np.ptp(np.flatnonzero(filled.mask.any(axis=(1, 2)))) == filled.mask.any(axis=(1, 2)).sum() - 1


def test_uneven_planes_leave_no_slice_out() -> None:
    heights = (103.0, 106.0, 109.0, 113.2, 116.0)  # one of them 4.2 mm from the next
    filled = fill_contours([square(z, -4.5, 3.5) for z in heights], GRID, THING)
    assert np.flatnonzero(filled.mask.any(axis=(1, 2))).tolist() == [1, 2, 3, 4, 5]


def test_a_set_drawn_on_thinner_slices_keeps_its_volume() -> None:
    contours = [square(105.0 + i, -4.5, 3.5) for i in range(12)]  # 1 mm apart
    filled = fill_contours(contours, GRID, THING)
    assert filled.mask.sum() * GRID.voxel_volume == pytest.approx(12 * 64)


def test_two_lesions_in_one_region_stay_apart() -> None:
    heights = (103.0, 106.0, 118.0, 121.0)
    filled = fill_contours([square(z, -4.5, 3.5) for z in heights], GRID, THING)
    assert np.flatnonzero(filled.mask.any(axis=(1, 2))).tolist() == [1, 2, 6, 7]


def test_a_small_offset_is_measured() -> None:
    filled = fill_contours([square(106.6, -4.5, 3.5)], GRID, THING)
    assert filled.mask[2].sum() == 64
    assert filled.off_slice == pytest.approx(0.2)


def test_reaching_beyond_the_image_is_told() -> None:
    filled = fill_contours([square(z, 2.0, 40.0) for z in (124.0, 127.0, 130.0, 133.0)], GRID, THING)
    assert filled.cut
    assert filled.planes_outside == 2


@pytest.mark.parametrize("contour", [square(500.0, -4.5, 3.5), square(106.0, 400.0, 410.0)])
def test_outside_the_image_is_refused(contour: npt.NDArray[np.float64]) -> None:
    with pytest.raises(Permanent, match="outside the image"):
        fill_contours([contour], GRID, THING)


def test_contours_across_slices_are_refused() -> None:
    sagittal = square(106.0, -4.5, 3.5)[:, [2, 0, 1]] * [0, 1, 1] + [0, 0, 106]
    with pytest.raises(Permanent, match="plane of the slices"):
        fill_contours([sagittal], GRID, THING)


def test_no_contours_fill_nothing() -> None:
    assert not fill_contours([], GRID, THING).mask.any()


def test_oblique_grid() -> None:
    """Contours drawn in the plane of tilted slices."""
    a = np.radians(30)
    axes = ((0.0, float(np.sin(a)), float(np.cos(a))), (0.0, float(np.cos(a)), float(-np.sin(a))), (1.0, 0.0, 0.0))
    tilted = GRID.model_copy(update={"axes": axes})
    local = np.array([[2, 4.5, 4.5], [2, 4.5, 12.5], [2, 12.5, 12.5], [2, 12.5, 4.5]])
    points = (tilted.affine @ np.c_[local, np.ones(4)].T).T[:, :3]
    assert fill_contours([points], tilted, THING).mask[2, 5:13, 5:13].all()
