"""Volume and area of the mesh: against scikit-image's mesh laid out, and against bodies of known geometry."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import marching_cubes
from tests.quantify.bodies import MASKS, SPACINGS, TURNS, UNIT, Mask, Spacing, box, ellipsoid, torus, turned

from lucidray.quantify.mesh import surface


def laid_out(mask: Mask, spacing: Spacing) -> tuple[float, float]:
    """Volume by tetrahedra and area of the mesh itself, as the manual writes them."""
    found = marching_cubes(np.pad(mask, 1).astype(float), 0.5)  # type: ignore[no-untyped-call]
    first, second, third = np.moveaxis((found[0].astype(float) * spacing)[found[1]], 1, 0)
    volume = abs((first * np.cross(second, third)).sum() / 6)
    return float(volume), float(np.linalg.norm(np.cross(second - first, third - first), axis=1).sum() / 2)


@settings(max_examples=60, deadline=None)
@given(MASKS, SPACINGS)
def test_equals_the_mesh_laid_out(mask: Mask, spacing: Spacing) -> None:
    mesh = surface(mask, spacing)
    assert (mesh.volume, mesh.area) == pytest.approx(laid_out(mask, spacing), rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(MASKS, SPACINGS, st.sampled_from(TURNS))
def test_does_not_depend_on_the_directions_of_the_axes(
    mask: Mask, spacing: Spacing, turn: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    z, y, x = (spacing[axis] for axis in turn[0])
    mesh, other = surface(mask, spacing), surface(turned(mask, *turn), (z, y, x))
    assert (other.volume, other.area) == pytest.approx((mesh.volume, mesh.area), rel=1e-12)


def test_does_not_depend_on_the_position() -> None:
    mask = ellipsoid((4, 5, 6))
    assert surface(np.pad(mask, ((5, 1), (0, 3), (2, 7))), UNIT) == surface(mask, UNIT)


def test_one_voxel_is_an_octahedron() -> None:
    mesh = surface(box((1, 1, 1)), (2, 3, 4))
    assert mesh.volume == pytest.approx(2 * 3 * 4 / 6)


@pytest.mark.parametrize("sides", [(1, 1, 1), (1, 4, 9), (7, 5, 3)])
def test_box_has_its_edges_and_corners_cut(sides: tuple[int, int, int]) -> None:
    """Edges are cut at half a voxel (a prism of 1/8 voxel a unit), of corners a tetrahedron of 1/48 voxel is left."""
    z, y, x = (side - 1 for side in sides)
    mesh = surface(box(sides), UNIT)
    assert mesh.volume == pytest.approx(math.prod(sides) - (z + y + x) / 2 - 8 * (1 / 8 - 1 / 48), rel=1e-12)
    faces, edges, corners = 2 * (z * y + y * x + z * x), 4 * (z + y + x) * math.sqrt(0.5), math.sqrt(3)
    assert mesh.area == pytest.approx(faces + edges + corners, rel=1e-12)


@pytest.mark.parametrize("radius", [6, 12, 24, 48])
def test_volumes_converge(radius: float) -> None:
    """Relative error at most 1/radius^2 for a ball of that radius in voxels, and of that order for other bodies."""
    ball = surface(ellipsoid((radius, radius, radius)), UNIT).volume
    assert ball == pytest.approx(4 / 3 * math.pi * radius**3, rel=1 / radius**2)
    flat = surface(ellipsoid((radius / 2, 0.75 * radius, radius)), UNIT).volume
    assert flat == pytest.approx(math.pi / 2 * radius**3, rel=2 / radius**2)
    ring = surface(torus(0.7 * radius, 0.3 * radius), UNIT).volume
    assert ring == pytest.approx(2 * math.pi**2 * 0.7 * 0.09 * radius**3, rel=7 / radius**2)


@pytest.mark.parametrize("radius", [24, 48])
def test_areas_stay_too_large(radius: float) -> None:
    """A mesh of a mask follows the steps of its voxels: a ball keeps an area 9 % too large at any resolution.

    That is the definition, and the consensus; only balls in a smooth image would converge.
    """
    area = surface(ellipsoid((radius, radius, radius)), UNIT).area
    assert area / (4 * math.pi * radius**2) == pytest.approx(1.087, abs=0.003)


def test_cavities_and_parts_count() -> None:
    """Holes are meant (manual, section 3.1): the surface of a cavity is surface, its volume is outside."""
    shell = box((9, 9, 9))
    shell[3:6, 3:6, 3:6] = False
    apart = np.zeros((9, 9, 20), np.bool_)
    apart[:, :, :9], apart[4, 4, 15] = True, True
    whole, voxel = surface(box((9, 9, 9)), UNIT), surface(box((1, 1, 1)), UNIT)
    hole = surface(box((3, 3, 3)), UNIT)
    assert surface(shell, UNIT).area == pytest.approx(whole.area + hole.area, rel=1e-12)
    assert surface(shell, UNIT).volume == pytest.approx(whole.volume - hole.volume, rel=1e-12)
    assert surface(apart, UNIT).volume == pytest.approx(whole.volume + voxel.volume, rel=1e-12)
    assert surface(apart, UNIT).area == pytest.approx(whole.area + voxel.area, rel=1e-12)
