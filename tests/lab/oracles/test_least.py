"""The references for boxes and ellipsoids: bodies whose least box or ellipsoid is known."""

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lucidray.lab.oracles import least_ellipsoid as module
from lucidray.lab.oracles.definition import ellipsoid_area
from lucidray.lab.oracles.least_box import least_box
from lucidray.lab.oracles.least_ellipsoid import least_ellipsoid
from lucidray.quantify import enclosing
from lucidray.quantify.minimum_ellipsoid import minimum_ellipsoid

CORNERS = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, -1).T


@pytest.mark.parametrize("seed", range(8))
def test_box_around_a_turned_box_is_that_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sides = np.sort(rng.uniform(1, 9, 3))
    points = CORNERS * sides / 2 @ Rotation.random(rng=rng).as_matrix() + rng.normal(size=3)
    assert sorted(least_box(points)) == pytest.approx(sides, rel=1e-9)


def test_box_around_a_tetrahedron() -> None:
    """The regular one of edge 1: the cube whose diagonals are its edges (O'Rourke 1985: no facet need be flush)."""
    points = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / (2 * math.sqrt(2))
    turned = points @ Rotation.from_rotvec([0.3, -0.7, 0.2]).as_matrix()
    assert least_box(turned) == pytest.approx([math.sqrt(0.5)] * 3, rel=1e-9)


def test_no_box_of_many_random_ones_is_smaller() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(40, 3)) * (1, 2, 3)
    frames = Rotation.random(20_000, rng=rng).as_matrix()
    assert math.prod(least_box(points)) < np.ptp(points @ frames, axis=1).prod(axis=1).min()


def test_ellipsoid_around_a_box() -> None:
    found = least_ellipsoid(CORNERS * (1, 2, 5) + (100, 200, 300))
    assert found == pytest.approx([5 * math.sqrt(3), 2 * math.sqrt(3), math.sqrt(3)], rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_two_ways_lead_to_one_ellipsoid(seed: int) -> None:
    """Newton's method under a barrier, and the ascent of weights, which proves what it found."""
    points = np.random.default_rng(seed).normal(size=(50, 3)) * (1, 2, 4)
    assert minimum_ellipsoid(points) == pytest.approx(least_ellipsoid(points), rel=1e-7)


def test_what_is_not_proven_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAXIMUM_STEPS", 3)
    with pytest.raises(ArithmeticError, match="do not prove"):
        least_ellipsoid(np.random.default_rng(0).normal(size=(50, 3)))


@pytest.mark.parametrize("axes", [(5.0, 4.0, 3.0), (4.0, 2.0, 2.0), (4.0, 4.0, 2.0), (2.0, 2.0, 2.0)])
def test_area_of_an_ellipsoid(axes: tuple[float, float, float]) -> None:
    assert ellipsoid_area(*axes) == pytest.approx(enclosing.ellipsoid_area(axes), rel=1e-9)
