"""Boxes and ellipsoids around a region: closed forms, optimality, and what no choice of axes may change."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from scipy.special import elliprg
from tests.quantify.bodies import MASKS, SPACINGS, TURNS, UNIT, Mask, Spacing, box, ellipsoid, torus, turned

from lucidray.lab.oracles.least_box import least_box
from lucidray.quantify import oriented_box
from lucidray.quantify.enclosing import box_area, box_volume, ellipsoid_area, ellipsoid_volume
from lucidray.quantify.hull import convex_hull, hull_of
from lucidray.quantify.minimum_ellipsoid import minimum_ellipsoid
from lucidray.quantify.moments import semi_axes
from lucidray.quantify.oriented_box import minimum_box

CORNERS = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, -1).T
SEEDS = st.integers(0, 2**32 - 1)


def test_box_by_hand() -> None:
    assert box_volume((2, 3, 4)) == 24
    assert box_area((2, 3, 4)) == 52


def test_ellipsoid_volume_by_hand() -> None:
    assert ellipsoid_volume((3, 2, 1)) == pytest.approx(8 * math.pi)


def test_area_of_a_ball() -> None:
    assert ellipsoid_area((2, 2, 2)) == pytest.approx(16 * math.pi, rel=1e-15)


@pytest.mark.parametrize("axes", [(5.0, 4.0, 3.0), (1.0, 0.99, 0.5), (9.0, 2.0, 1.0)])
def test_area_is_the_series_of_the_manual(axes: tuple[float, float, float]) -> None:
    """Term by term as printed, with Legendre polynomials."""
    major, minor, least = axes
    alpha, beta = math.sqrt(1 - (minor / major) ** 2), math.sqrt(1 - (least / major) ** 2)
    terms = [(alpha * beta) ** degree / (1 - 4 * degree**2) for degree in range(21)]
    printed = np.polynomial.legendre.legval((alpha**2 + beta**2) / (2 * alpha * beta), terms)
    assert ellipsoid_area(axes) == pytest.approx(4 * math.pi * major * minor * printed, rel=1e-12)


def test_series_of_the_manual_is_not_the_area() -> None:
    """With the eccentricities as printed, a prolate ellipsoid of 2:1:1 comes out 19 % too small.

    The consensus follows the print: the digital phantom's 1.36 would be 1.30 with the true area.
    """
    true = 4 * math.pi * elliprg(0.25, 0.25, 0.0625)
    assert ellipsoid_area((1, 0.5, 0.5)) / true == pytest.approx(0.8075, abs=1e-4)


def test_ellipsoid_around_a_box() -> None:
    """Its semi-axes are those of the box times the root of three."""
    found = minimum_ellipsoid(CORNERS * (1, 2, 5) + (100, 200, 300))
    assert found == pytest.approx([5 * math.sqrt(3), 2 * math.sqrt(3), math.sqrt(3)], rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_ellipsoid_around_points_on_an_ellipsoid_is_that(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(400, 3))
    points /= np.linalg.norm(points, axis=1)[:, None]
    axes = np.sort(rng.uniform(1, 9, 3))[::-1]
    rotation = Rotation.random(rng=rng).as_matrix()
    assert minimum_ellipsoid(points * axes @ rotation + rng.normal(size=3)) == pytest.approx(axes, rel=1e-3)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
@example(1)  # where few points are the ends along all axes
def test_volume_of_the_ellipsoid_follows_any_linear_map(seed: int) -> None:
    """The least ellipsoid of the image of points is the image of their least ellipsoid."""
    rng = np.random.default_rng(seed)
    points, matrix = rng.normal(size=(60, 3)), rng.normal(size=(3, 3)) + 2 * np.eye(3)
    before, after = (ellipsoid_volume(minimum_ellipsoid(each)) for each in (points, points @ matrix))
    assert after == pytest.approx(before * abs(np.linalg.det(matrix)), rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_box_around_a_turned_box_is_that_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sides = np.sort(rng.uniform(1, 9, 3))
    points = CORNERS * sides / 2 @ Rotation.random(rng=rng).as_matrix() + rng.normal(size=3)
    assert sorted(minimum_box(hull_of(points))) == pytest.approx(sides, rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_no_box_of_a_thousand_random_ones_is_smaller(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hull = hull_of(rng.normal(size=(40, 3)) * (1, 2, 3))
    frames = Rotation.random(1000, rng=rng).as_matrix()
    volumes = np.prod(np.ptp(hull.vertices @ frames.transpose(0, 2, 1), axis=1), axis=1)
    assert box_volume(minimum_box(hull)) <= volumes.min()


@pytest.mark.parametrize("seed", [1, 3, 5, 9])
def test_box_is_the_least_of_all_where_turning_about_its_axes_gets_stuck(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against O'Rourke's families of boxes, searched to the end; up to 0.05 % is lost without rolling."""
    points = np.random.default_rng(seed).normal(size=(80, 3))
    hull = hull_of(points / np.linalg.norm(points, axis=1)[:, None] * (1, 1.2, 1.5))
    least = math.prod(least_box(hull.vertices))
    assert box_volume(minimum_box(hull)) == pytest.approx(least, rel=1e-7)
    monkeypatch.setattr(oriented_box, "_rolled", lambda _, frames: frames)
    assert box_volume(minimum_box(hull)) > least * (1 + 1e-4)


@settings(max_examples=30, deadline=None)
@given(MASKS, SPACINGS)
def test_oriented_box_is_no_larger_than_the_aligned_one_nor_smaller_than_the_hull(mask: Mask, spacing: Spacing) -> None:
    hull = convex_hull(mask, spacing)
    aligned = box_volume(tuple(np.ptp(hull.vertices, axis=0)))
    assert hull.volume <= box_volume(minimum_box(hull)) <= aligned * (1 + 1e-9)


@settings(max_examples=30, deadline=None)
@given(MASKS, SPACINGS, st.sampled_from(TURNS))
def test_axes_do_not_depend_on_the_directions_of_the_image(
    mask: Mask, spacing: Spacing, turn: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    if mask.sum() < 2:
        return
    z, y, x = (spacing[axis] for axis in turn[0])
    other = turned(mask, *turn)
    assert semi_axes(other, (z, y, x)) == pytest.approx(semi_axes(mask, spacing), rel=1e-9, abs=1e-5)
    ellipsoids = [minimum_ellipsoid(convex_hull(*each).vertices) for each in ((mask, spacing), (other, (z, y, x)))]
    assert ellipsoids[0] == pytest.approx(ellipsoids[1], rel=1e-4)


@settings(max_examples=30, deadline=None)
@given(MASKS, SPACINGS)
def test_axes_are_those_of_the_covariance_of_the_voxel_centres(mask: Mask, spacing: Spacing) -> None:
    if mask.sum() < 2:
        return
    eigenvalues = np.linalg.eigvalsh(np.cov(np.argwhere(mask) * np.array(spacing), rowvar=False))
    expected = 2 * np.sqrt(np.maximum(eigenvalues, 0))[::-1]
    assert semi_axes(mask, spacing) == pytest.approx(expected, rel=1e-9, abs=1e-5)


@pytest.mark.parametrize("radius", [12, 24, 48])
def test_axes_of_bodies_converge(radius: float) -> None:
    """Variances: of a ball R^2/5; of a torus (4 R^2 + 3 r^2)/8 across and r^2/4 along its axis."""
    errors = 1 / radius
    ball = semi_axes(ellipsoid((radius, radius, radius)), UNIT)
    assert ball == pytest.approx([2 * radius / math.sqrt(5)] * 3, rel=errors / 10)
    ring, tube = 0.7 * radius, 0.3 * radius
    across = 2 * math.sqrt((4 * ring**2 + 3 * tube**2) / 8)
    assert semi_axes(torus(ring, tube), UNIT) == pytest.approx([across, across, tube], rel=errors / 5)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (box((1, 1, 2)), (math.sqrt(2), 0, 0)),
        (box((1, 3, 3)), (2 * math.sqrt(3) / 2, 2 * math.sqrt(3) / 2, 0)),
        (np.eye(3, dtype=np.bool_)[None], (2 * math.sqrt(2), 0, 0)),
    ],
)
def test_lines_and_planes_have_axes_of_length_zero(mask: Mask, expected: tuple[float, float, float]) -> None:
    assert semi_axes(mask, UNIT) == pytest.approx(expected, abs=1e-12)
    assert semi_axes(mask, UNIT)[2] == 0
