"""Polygons: a pixel is inside when its centre is."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidray.imaging.polygons import fill_polygons

SHAPE = (12, 14)
COORDINATE = st.floats(-4, 17, allow_nan=False, width=32)
VERTICES = st.lists(st.tuples(COORDINATE, COORDINATE), min_size=3, max_size=12)


def naive(polygons: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.bool_]:
    """Crossings of a ray to the left, pixel by pixel and edge by edge."""
    mask = np.zeros(SHAPE, bool)
    for row, column in np.ndindex(*SHAPE):
        crossings = 0
        for polygon in polygons:
            for (y0, x0), (y1, x1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
                if (y0 <= row) != (y1 <= row) and x0 + (x1 - x0) / (y1 - y0) * (row - y0) <= column:
                    crossings += 1
        mask[row, column] = crossings % 2 == 1
    return mask


@settings(max_examples=60, deadline=None)
@given(polygons=st.lists(VERTICES, min_size=0, max_size=3))
def test_equal_to_the_ray_rule(polygons: list[list[tuple[float, float]]]) -> None:
    arrays = [np.array(polygon, float) for polygon in polygons]
    assert np.array_equal(fill_polygons(arrays, SHAPE), naive(arrays))


def rectangle(top: float, left: float, bottom: float, right: float) -> npt.NDArray[np.float64]:
    return np.array([[top, left], [top, right], [bottom, right], [bottom, left]])


def test_rectangle_between_centres() -> None:
    mask = fill_polygons([rectangle(1.5, 2.5, 4.5, 6.5)], SHAPE)
    assert mask[2:5, 3:7].all()
    assert mask.sum() == 12


def test_neighbours_share_no_pixel_and_leave_none_out() -> None:
    left = fill_polygons([rectangle(1, 2, 5, 6)], SHAPE)
    right = fill_polygons([rectangle(1, 6, 5, 9)], SHAPE)
    both = fill_polygons([rectangle(1, 2, 5, 9)], SHAPE)
    assert not (left & right).any()
    assert np.array_equal(left | right, both)


@pytest.mark.parametrize("reverse", [False, True])
def test_inner_contour_is_a_hole_whatever_its_direction(reverse: bool) -> None:
    inner = rectangle(3.5, 3.5, 6.5, 6.5)
    mask = fill_polygons([rectangle(1.5, 1.5, 8.5, 8.5), inner[::-1] if reverse else inner], SHAPE)
    assert mask.sum() == 49 - 9
    assert not mask[4:7, 4:7].any()


def test_keyhole_gives_the_same_as_an_inner_contour() -> None:
    outer, inner = rectangle(1.5, 1.5, 8.5, 8.5), rectangle(3.5, 3.5, 6.5, 6.5)
    keyhole = np.concatenate([outer, outer[:1], inner[::-1], inner[-1:]])
    assert np.array_equal(fill_polygons([keyhole], SHAPE), fill_polygons([outer, inner], SHAPE))


def test_outside_the_image_is_cut() -> None:
    assert fill_polygons([rectangle(-9, -9, 99, 99)], SHAPE).all()
    assert not fill_polygons([rectangle(-9, -9, -2, 99)], SHAPE).any()


def test_area_of_a_circle() -> None:
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = np.stack([100 + 80 * np.sin(angle), 100 + 80 * np.cos(angle)], axis=1)
    assert fill_polygons([circle], (200, 200)).sum() == pytest.approx(np.pi * 80**2, rel=2e-3)
