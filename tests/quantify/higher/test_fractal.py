"""Sets and landscapes whose dimension is known."""

from math import log

import numpy as np
import numpy.typing as npt
import pytest
from scipy import fft

from lucidray.quantify.higher.fractal import box_counting, differential_box_counting, lacunarity

Mask = npt.NDArray[np.bool_]


def power_of(pattern: Mask, levels: int) -> Mask:
    """A self-similar set: the pattern, each of whose voxels is the pattern again."""
    result = np.ones((1,) * pattern.ndim, bool)
    for _ in range(levels):
        result = np.kron(result, pattern).astype(bool)
    return result


def slab(flat: Mask) -> Mask:
    return flat[None]


TRIANGLE = np.array([[1, 0], [1, 1]], bool)
CARPET = np.ones((3, 3), bool)
CARPET[1, 1] = False
CORNERS = np.zeros((2, 2, 2), bool)
CORNERS[[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]] = True
SPONGE = np.ones((3, 3, 3), bool)
for axes in ((0, 1), (0, 2), (1, 2)):
    hole: list[object] = [slice(None)] * 3
    for axis in axes:
        hole[axis] = 1
    SPONGE[tuple(hole)] = False  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "base", "dimension"),
    [
        (np.ones((64, 64, 64), bool), 2, 3),
        (np.ones((1, 64, 64), bool), 2, 2),
        (np.ones((1, 1, 64), bool), 2, 1),
        (slab(power_of(TRIANGLE, 6)), 2, log(3) / log(2)),
        (power_of(CORNERS, 5), 2, 2),
        (slab(power_of(CARPET, 4)), 3, log(8) / log(3)),
        (power_of(SPONGE, 3), 3, log(20) / log(3)),
    ],
    ids=["cube", "square", "line", "Sierpinski triangle", "tetrahedron", "Sierpinski carpet", "Menger sponge"],
)
def test_box_counting_finds_the_dimension_of_self_similar_sets(body: Mask, base: int, dimension: float) -> None:
    assert box_counting(body, base) == pytest.approx(dimension, abs=1e-9)


def test_boxes_that_do_not_fit_the_set_find_too_little() -> None:
    """What docs/radiomics-filters.md says of the bias: sets of thirds in boxes of halves, and a ball."""
    assert box_counting(slab(power_of(CARPET, 4))) == pytest.approx(1.72, abs=0.01)
    assert box_counting(power_of(SPONGE, 4)) == pytest.approx(2.43, abs=0.01)
    distance = np.square(np.indices((65, 65, 65)) - 32).sum(axis=0)
    assert box_counting(distance <= 30**2) == pytest.approx(2.78, abs=0.01)
    assert box_counting((distance <= 30**2) & (distance > 29**2)) == pytest.approx(1.85, abs=0.01)


def landscape(hurst: float, size: int = 48) -> npt.NDArray[np.float64]:
    """Fractional Brownian motion over a volume, by its spectrum: power falls as frequency to the -(2H + 3)."""
    rng = np.random.default_rng(18)
    frequency = np.sqrt(sum(np.square(each) for each in np.ix_(*[fft.fftfreq(2 * size)] * 3)))
    frequency[0, 0, 0] = np.inf
    spectrum = fft.fftn(rng.normal(size=frequency.shape)) * frequency ** -(hurst + 1.5)
    field: npt.NDArray[np.float64] = np.real(fft.ifftn(spectrum))[:size, :size, :size]
    return field


def test_a_landscape_is_the_rougher_the_higher_its_dimension() -> None:
    """4 - H for fractional Brownian motion; the estimate is known to flatten out on its rough side."""
    whole = np.ones((48, 48, 48), bool)
    ramp = np.indices(whole.shape)[2].astype(float)
    images = (ramp, landscape(0.8), landscape(0.5), landscape(0.2), np.random.default_rng(19).normal(size=whole.shape))
    found = [differential_box_counting(each, whole) for each in images]
    assert found == pytest.approx([3, 3.25, 3.37, 3.49, 3.70], abs=0.02)
    assert found[0] == pytest.approx(3, abs=1e-9)
    assert found[1] == pytest.approx(4 - 0.8, abs=0.1)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_lacunarity_of_scattered_voxels(share: float) -> None:
    """1 + (1 - p) / (p s^3) for independent voxels that are bright with probability p (Plotnick et al., 1996)."""
    image = (np.random.default_rng(20).random((48, 48, 48)) < share).astype(float)
    for size in (2, 4, 8):
        assert lacunarity(image, np.ones(image.shape, bool), size) == pytest.approx(
            1 + (1 - share) / (share * size**3), rel=0.03
        )


def test_lacunarity_looks_at_boxes_within_the_region_only() -> None:
    image = np.indices((6, 6, 6)).sum(axis=0) % 2.0
    mask = np.ones(image.shape, bool)
    assert lacunarity(image, mask, 2) == 1  # every box has as many bright voxels
    image[5], mask[5] = 1e6, False
    assert lacunarity(image, mask, 2) == 1
    assert getattr(lacunarity(image, mask, 8), "reason", "") == "no box of 8 voxels lies in the region"
