"""Bodies whose volume, surface, breadth and Euler number are known."""

from math import pi

import numpy as np
import numpy.typing as npt
import pytest
from skimage.measure import euler_number

from lucidray.quantify.higher.minkowski import LINES, PLANES, _shares, breadth, euler, surface

Mask = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]
UNIT = (1.0, 1.0, 1.0)


def places(spacing: Spacing, half: float) -> npt.NDArray[np.float64]:
    sides = [np.arange(-half, half + step, step) + 0.3 * step for step in spacing]
    return np.array(np.meshgrid(*sides, indexing="ij"))


def ellipsoid(spacing: Spacing, *axes: float) -> Mask:
    scaled = places(spacing, max(axes) + 2) / np.array(axes)[:, None, None, None]
    return np.asarray(np.square(scaled).sum(axis=0) <= 1)


def torus(large: float, small: float) -> Mask:
    z, y, x = places(UNIT, large + small + 2)
    return np.asarray((np.hypot(x, y) - large) ** 2 + z**2 <= small**2)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0), (1.0, 0.8, 1.2)])
def test_a_ball(spacing: Spacing) -> None:
    ball = ellipsoid(spacing, 20, 20, 20)
    assert surface(ball, spacing) == pytest.approx(4 * pi * 20**2, rel=0.01)
    assert breadth(ball, spacing) == pytest.approx(2 * 20, rel=0.02)
    assert euler(ball) == 1


def test_a_spheroid() -> None:
    """Prolate, semi-axes 12, 12, 24: surface and mean breadth by their integrals."""
    body = ellipsoid(UNIT, 12, 12, 24)
    eccentric = (1 - 0.25) ** 0.5
    area = 2 * pi * 12**2 * (1 + 24 / (12 * eccentric) * np.arcsin(eccentric))
    angle = np.linspace(0, pi, 2001)
    width = 2 * np.sqrt((12 * np.sin(angle)) ** 2 + (24 * np.cos(angle)) ** 2)
    mean_width = np.trapezoid(width * np.sin(angle), angle) / 2
    assert surface(body, UNIT) == pytest.approx(area, rel=0.01)
    assert breadth(body, UNIT) == pytest.approx(mean_width, rel=0.02)


def test_a_ring_has_no_euler_number_and_the_breadth_of_its_core() -> None:
    ring = torus(18, 7)
    assert euler(ring) == 0
    assert surface(ring, UNIT) == pytest.approx(4 * pi**2 * 18 * 7, rel=0.01)
    assert breadth(ring, UNIT) == pytest.approx(pi * 18, rel=0.03)


def test_parts_tunnels_and_cavities() -> None:
    hollow = ellipsoid(UNIT, 9, 9, 9)
    hollow[tuple(size // 2 for size in hollow.shape)] = False
    assert euler(hollow) == 2
    two = np.zeros((3, 3, 9), bool)
    two[:, :, :3] = two[:, :, 5:] = True
    assert euler(two) == 2
    touching = np.zeros((2, 2, 2), bool)
    touching[0, 0, 0] = touching[1, 1, 1] = True
    assert euler(touching) == 1  # closed cubes meet in a corner
    assert euler(np.ones((1, 1, 1), bool)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_the_euler_number_is_that_of_scikit_image(seed: int) -> None:
    mask = np.random.default_rng(seed).random((9, 8, 7)) < 0.1 + 0.2 * seed
    assert euler(mask) == euler_number(mask, 3)  # type: ignore[no-untyped-call]


def test_directions_share_the_sphere() -> None:
    """13 lines with the weights of Ohser and Muecklich (2000), table 2.4; as many planes."""
    shares = dict(zip(LINES, _shares(LINES, UNIT), strict=True))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares[0, 0, 1] == pytest.approx(2 * 0.045778, rel=1e-4)
    assert shares[0, 1, 1] == pytest.approx(2 * 0.036981, rel=1e-4)
    assert shares[1, 1, 1] == pytest.approx(2 * 0.035196, rel=1e-4)
    normals = {tuple(np.abs(np.cross(first, second)).tolist()) for first, second in PLANES}
    assert len(PLANES) == len(LINES) and normals == {tuple(map(abs, line)) for line in LINES}


def test_faces_along_the_grid_come_out_a_tenth_too_small() -> None:
    """Crofton's mean over 13 directions misses what lies between them; docs/radiomics-filters.md says so."""
    box = np.zeros((40, 40, 40), bool)
    box[5:35, 5:25, 5:15] = True
    assert surface(box, UNIT) == pytest.approx(0.9 * 2 * (600 + 300 + 200), rel=0.01)
