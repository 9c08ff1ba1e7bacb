"""Riesz transforms: derivatives of all orders that keep the amplitude (IBSI-2 manual, section 3.6; IBSI code AYRS).

The transform of order l has the transfer function (-i)^L sqrt(L! / (l1! l2! l3!)) v^l / |v|^L, L being the sum of the
orders. Steered, its axes turn at each voxel into the eigenvectors of the structure tensor: the products of the first
order transforms, smoothed by a Gaussian (Depeursinge et al., IEEE TIP 2014). An eigenvector has no sign of its own;
it points to where the filtered image increases, and the third makes a right-handed system.
"""

from collections.abc import Callable, Iterable
from functools import reduce
from itertools import combinations_with_replacement
from math import factorial, prod, sqrt

import numpy as np
from scipy import ndimage

from lucidray.quantify.filters.boundary import Image
from lucidray.quantify.filters.fourier import Frequencies, Spectrum, Transfer, radius
from lucidray.quantify.filters.specs import Riesz

Base = Callable[[Frequencies], Transfer]
Order = tuple[int, ...]  # along (z, y, x) or (y, x)
_TENSOR_TRUNCATION = 4.0  # sigma; scipy's own choice for a Gaussian


def filtered(spectrum: Spectrum, base: Base, riesz: Riesz | None, spacing: float) -> Image:
    """The image after the transfer function `base`, Riesz-transformed if asked for; `spacing` in mm."""
    if riesz is None:
        return spectrum.filtered(spectrum.symmetric(base))
    order = riesz.order[::-1]
    scale = sqrt(factorial(sum(order)) / prod(map(factorial, order)))
    if riesz.steering is None:
        return scale * spectrum.filtered(_transfer(spectrum, base, order))
    return scale * _steered(spectrum, base, order, riesz.steering / spacing)


def _transfer(spectrum: Spectrum, base: Base, order: Order) -> Transfer:
    """Transfer function without its factorials; 0 at the frequency 0, which has no direction."""

    def of(frequencies: Frequencies) -> Transfer:
        length = radius(frequencies)
        powers = reduce(np.multiply, [each**power for each, power in zip(frequencies, order, strict=True)])
        ratio = np.divide(powers, length ** sum(order), where=length > 0, out=np.zeros_like(length))
        result: Transfer = base(frequencies) * (-1j) ** sum(order) * ratio
        return result

    return spectrum.symmetric(of)


def _steered(spectrum: Spectrum, base: Base, order: Order, smoothing: float) -> Image:
    """Turned: products of linear forms in the frequencies, whose coefficients are the eigenvectors of each voxel."""
    axes = _eigenvectors(spectrum, base, smoothing)
    terms: dict[Order, Image | float] = {(0,) * len(order): 1.0}
    for turned, power in zip(reversed(range(len(order))), order, strict=True):  # the first order belongs to x
        for _ in range(power):
            terms = _times(terms, [axes[along, turned] for along in range(len(order))])
    return sum(
        (weight * spectrum.filtered(_transfer(spectrum, base, each)) for each, weight in terms.items()),
        np.zeros(axes.shape[2:]),
    )


def _times(terms: dict[Order, Image | float], linear: Iterable[Image]) -> dict[Order, Image | float]:
    product: dict[Order, Image | float] = {}
    for axis, factor in enumerate(linear):
        for order, weight in terms.items():
            raised = (*order[:axis], order[axis] + 1, *order[axis + 1 :])
            product[raised] = product.get(raised, 0.0) + weight * factor
    return product


def _eigenvectors(spectrum: Spectrum, base: Base, smoothing: float) -> Image:
    """Unit vectors [along, which, ...]: `which` 0 has the greatest eigenvalue."""
    dimensions = len(spectrum.padded)
    unit = np.eye(dimensions, dtype=int)
    gradient = [spectrum.filtered(_transfer(spectrum, base, tuple(each)), whole=True) for each in unit.tolist()]
    sigmas = [0.0] * (gradient[0].ndim - dimensions) + [smoothing] * dimensions
    tensor = {  # the transformed image repeats itself, and so do its derivatives
        (i, j): ndimage.gaussian_filter(gradient[i] * gradient[j], sigmas, mode="wrap", truncate=_TENSOR_TRUNCATION)[
            spectrum.inside
        ]
        for i, j in combinations_with_replacement(range(dimensions), 2)
    }
    slopes = np.stack([each[spectrum.inside] for each in gradient])
    vectors = np.empty((dimensions, *slopes.shape))
    for index in range(slopes.shape[1]):  # plane by plane: the solver takes many times the memory of what it is given
        planes = [[tensor[min(i, j), max(i, j)][index] for j in range(dimensions)] for i in range(dimensions)]
        vectors[:, :, index] = _oriented(np.array(planes), slopes[:, index])
    return vectors


def _oriented(tensor: Image, slope: Image) -> Image:
    """Eigenvectors [along, which, ...] of tensors [i, j, ...], pointing to where the slope [along, ...] leads up."""
    found = np.linalg.eigh(np.moveaxis(tensor, (0, 1), (-2, -1)))[1]
    vectors = np.moveaxis(found[..., ::-1], (-2, -1), (0, 1))
    vectors = vectors * np.where(np.einsum("a...,aw...->w...", slope, vectors) < 0, -1.0, 1.0)
    if len(vectors) == 3:  # noqa: PLR2004
        vectors[:, 2] = np.cross(vectors[:, 0], vectors[:, 1], axis=0)
    return vectors
