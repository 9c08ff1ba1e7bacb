"""Rotations of separable kernels, against kernels that are rotated as a whole."""

from collections.abc import Callable
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from lucidray.quantify.filters import separable
from lucidray.quantify.filters.boundary import SCIPY_MODES, Boundary

Array = npt.NDArray[np.float64]

LEVEL, EDGE, SPOT = np.array([1.0, 4, 6, 4, 1]), np.array([-1.0, -2, 0, 2, 1]), np.array([-1.0, 0, 2, 0, -1])
LOPSIDED = np.array([0.3, -0.7, 0.2, 0.5, -0.1])
KERNELS = {
    "all different": (EDGE, LEVEL, SPOT),
    "two alike": (LEVEL, LEVEL, LOPSIDED),
    "all alike": (LOPSIDED, LOPSIDED, LOPSIDED),
    "two odd": (EDGE, EDGE, LOPSIDED),
    "no symmetry": (LOPSIDED, EDGE + LEVEL, SPOT + EDGE),
    "flat": (EDGE, LOPSIDED),
    "flat and alike": (LOPSIDED, LOPSIDED),
}


def whole_rotations(kernel: Array) -> list[Array]:
    """All right-angle rotations of a kernel, by quarter turns about two axes and what they generate."""
    planes = [(0, 1), (0, 2), (1, 2)] if kernel.ndim == 3 else [(0, 1)]
    found = {kernel.tobytes(): kernel}
    while True:
        turned = {
            np.rot90(each, 1, plane).tobytes(): np.rot90(each, 1, plane)
            for each, plane in product(found.values(), planes)
        }
        if turned.keys() <= found.keys():
            return list(found.values())
        found |= turned


def brute(image: Array, kernels: tuple[Array, ...], boundary: Boundary, pool: Callable[..., Array]) -> Array:
    whole = np.einsum("i,j,k->ijk", *kernels) if len(kernels) == 3 else np.einsum("j,k->jk", *kernels)
    # repeated where the kernel has a symmetry: each rotation counts, not each different result
    turned = [each for each in whole_rotations(whole + np.arange(whole.size).reshape(whole.shape) * 1e3)]
    turned = [each - other for each, other in zip(turned, _tags(whole), strict=True)]
    shaped = [each if each.ndim == 3 else each[None] for each in turned]
    return pool([ndimage.convolve(image, each, mode=SCIPY_MODES[boundary]) for each in shaped], axis=0)


def _tags(whole: Array) -> list[Array]:
    return whole_rotations(np.arange(whole.size, dtype=float).reshape(whole.shape) * 1e3)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("boundary", ["zero", "nearest", "periodic", "mirror"])
def test_pooling_equals_that_over_kernels_turned_as_a_whole(name: str, boundary: Boundary) -> None:
    image = np.random.default_rng(2).normal(size=(7, 8, 9))
    kernels = KERNELS[name]
    np.testing.assert_allclose(separable.maximum(image, kernels, boundary), brute(image, kernels, boundary, np.max))
    np.testing.assert_allclose(
        separable.mean(image, kernels, boundary), brute(image, kernels, boundary, np.mean), atol=1e-11
    )


def test_a_maximum_of_symmetric_kernels_needs_few_convolutions(monkeypatch: pytest.MonkeyPatch) -> None:
    done = 0
    convolve1d = ndimage.convolve1d

    def counted(*args: object, **options: object) -> object:
        nonlocal done
        done += 1
        return convolve1d(*args, **options)

    monkeypatch.setattr(ndimage, "convolve1d", counted)
    separable.maximum(np.zeros((5, 5, 5)), (EDGE, LEVEL, SPOT), "zero")
    assert done == 3 + 6 + 6
    done = 0
    separable.mean(np.zeros((5, 5, 5)), (LOPSIDED, LEVEL, LEVEL), "zero")
    assert done == 2 + 3 + 2


def test_an_even_kernel_gets_a_middle() -> None:
    assert separable.centred([1, 2]).tolist() == [1, 2, 0]
    assert separable.centred([1, 2, 3]).tolist() == [1, 2, 3]
