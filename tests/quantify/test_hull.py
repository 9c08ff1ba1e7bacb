"""The convex hull: against Qhull on all vertices of the mesh, and against bodies of known geometry."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.measure import marching_cubes
from tests.quantify.bodies import MASKS, SPACINGS, UNIT, Mask, Spacing, box, ellipsoid

from lucidray.quantify.hull import convex_hull
from lucidray.quantify.mesh import surface


@settings(max_examples=60, deadline=None)
@given(MASKS, SPACINGS)
def test_equals_the_hull_of_all_vertices_of_the_mesh(mask: Mask, spacing: Spacing) -> None:
    vertices = marching_cubes(np.pad(mask, 1).astype(float), 0.5)[0].astype(float) * spacing  # type: ignore[no-untyped-call]
    hull, expected = convex_hull(mask, spacing), ConvexHull(vertices)
    assert hull.volume == pytest.approx(expected.volume, rel=1e-9)
    assert hull.area == pytest.approx(expected.area, rel=1e-9)
    assert hull.diameter == pytest.approx(pdist(vertices).max(), rel=1e-12)


@pytest.mark.parametrize("sides", [(1, 1, 1), (2, 5, 9)])
def test_convex_mesh_is_its_own_hull(sides: tuple[int, int, int]) -> None:
    hull, mesh = convex_hull(box(sides), (1, 2, 3)), surface(box(sides), (1, 2, 3))
    assert (hull.volume, hull.area) == pytest.approx((mesh.volume, mesh.area), rel=1e-12)


def test_diameter_of_a_box() -> None:
    """From the middle of a face's corner voxel to the opposite: the longest side counts whole, others less one."""
    assert convex_hull(box((3, 4, 12)), UNIT).diameter == pytest.approx(math.sqrt(2**2 + 3**2 + 12**2), rel=1e-12)


def test_does_not_depend_on_the_position() -> None:
    mask = ellipsoid((4, 5, 6))
    hull, other = convex_hull(mask, (1, 2, 3)), convex_hull(np.pad(mask, ((5, 1), (0, 3), (2, 7))), (1, 2, 3))
    assert (other.volume, other.area, other.diameter) == pytest.approx((hull.volume, hull.area, hull.diameter), 1e-12)


@pytest.mark.parametrize("radius", [12, 24, 48])
def test_ball_converges(radius: float) -> None:
    """The hull of the mesh reaches half a voxel out along the axes: relative errors fall with 1/radius."""
    hull = convex_hull(ellipsoid((radius, radius, radius)), UNIT)
    assert hull.volume == pytest.approx(4 / 3 * math.pi * radius**3, rel=1 / radius)
    assert hull.area == pytest.approx(4 * math.pi * radius**2, rel=0.7 / radius)
    assert hull.diameter == pytest.approx(2 * radius, rel=0.5 / radius)


def test_parts_share_one_hull() -> None:
    mask = np.zeros((1, 1, 9), np.bool_)
    mask[0, 0, [0, 8]] = True
    assert convex_hull(mask, UNIT).diameter == pytest.approx(9)
