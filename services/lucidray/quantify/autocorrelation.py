"""Moran's I and Geary's C of a region, exactly (IBSI manual, section 3.1; N365 and NPT7).

Both are made of three sums over all pairs of voxels, weighted with the inverse of their distance, that is of
correlations with one kernel, which are products in Fourier space. The kernel is even in each axis: a region is
split into its parts that are even or odd about the middle of its box in z, y and x, each part an eighth of the
box, and the Fourier transforms become real cosine and sine transforms of parts that know nothing of each other.
At the sizes of lesions these are fastest as matrix products.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.fft import dct, dctn, dst
from scipy.spatial.distance import cdist

from lucidray.contracts.grid import Vector
from lucidray.quantify.region import Mask

Array = npt.NDArray[np.float64]

_PAIRS_AT_ONCE = 1_000_000  # distances, or frequencies, held in memory: 8 MB an array
# Up to here pair by pair is faster: in small regions, and in few voxels that lie far apart. The transforms take a
# time for each voxel of the box that grows with its sides.
_PAIRS_ALWAYS = 200_000
_PAIRS_PER_BOX_VOXEL_AND_SIDE = 1 / 12


@dataclass(frozen=True)
class Autocorrelation:
    """How alike neighbouring intensities are."""

    moran: float
    geary: float


@dataclass(frozen=True)
class _Sums:
    """Over all ordered pairs of different voxels i, j at distance d, with deviations x from the mean."""

    weight: float  # of 1/d
    product: float  # of x_i x_j / d
    square: float  # of x_i^2 / d


def autocorrelation(voxels: Array, mask: Mask, spacing: Vector) -> Autocorrelation:
    """Moran's I and Geary's C.

    Parameters
    ----------
    voxels
        Intensities (z, y, x).
    mask
        Intensity mask (z, y, x) of two voxels or more, which are not all equal.
    spacing
        Of the voxels (z, y, x), mm.
    """
    count = int(mask.sum())
    deviations = voxels[mask] - voxels[mask].mean()
    # By a power of two, which rounds nothing: neither measure knows a scale, and squares of tiny deviations are zero.
    deviations = np.ldexp(deviations, -int(np.frexp(np.abs(deviations).max())[1]))
    variance = float((deviations**2).sum())
    few = _PAIRS_ALWAYS + _PAIRS_PER_BOX_VOXEL_AND_SIDE * mask.size * sum(mask.shape)
    pair_by_pair = count * (count - 1) / 2 <= few
    sums = (_pair_by_pair if pair_by_pair else _by_transforms)(deviations, mask, spacing)
    return Autocorrelation(
        moran=count / sums.weight * sums.product / variance,
        geary=(count - 1) / sums.weight * (sums.square - sums.product) / variance,
    )


def _pair_by_pair(deviations: Array, mask: Mask, spacing: Vector) -> _Sums:
    points = np.argwhere(mask) * np.array(spacing)
    weight = product = square = 0.0
    step = max(1, _PAIRS_AT_ONCE // len(points))
    for start in range(0, len(points), step):
        distances = cdist(points[start : start + step], points)
        np.fill_diagonal(distances[:, start:], np.inf)
        np.reciprocal(distances, out=distances)
        own = deviations[start : start + step]
        degrees = distances.sum(axis=1)
        weight += float(degrees.sum())
        square += float((own**2 * degrees).sum())
        distances *= deviations
        product += float((own * distances.sum(axis=1)).sum())
    return _Sums(weight, product, square)


def _by_transforms(deviations: Array, mask: Mask, spacing: Vector) -> _Sums:
    """In a circle of twice the box, so that no pair is met the wrong way round."""
    ones = _even_sides(mask)
    values = np.zeros_like(ones)
    values[ones > 0] = deviations
    shape = values.shape
    fields = zip(_parts(ones), _parts(values), _parts(values**2), strict=True)
    spectrum = _kernel_spectrum(shape, spacing)
    weight = product = square = 0.0
    for odd, field in zip(np.ndindex(2, 2, 2), fields, strict=True):
        matrices = [_matrix(side, bool(is_odd)) for side, is_odd in zip(shape, odd, strict=True)]
        # Frequencies count from 0 where a part is even, from 1 where it is odd.
        kernel = spectrum[tuple(slice(first, first + side) for first, side in zip(odd, shape, strict=True))]
        for rows, (present, deviating, squares) in _blocks(field, matrices):
            gains = np.array(kernel[:, rows]).reshape(present.shape)
            product += float(np.vdot(deviating * gains, deviating))
            gains *= present
            weight += float(np.vdot(gains, present))
            square += float(np.vdot(gains, squares))
    return _Sums(weight, product, square)


def _even_sides(mask: Mask) -> Array:
    return np.pad(mask.astype(np.float64), [(0, side % 2) for side in mask.shape])


def _parts(field: Array, axis: int = 0) -> Iterator[Array]:
    """The eight parts of a field with even sides, each (z/2, y/2, x/2), in the order even before odd, x fastest."""
    if axis == field.ndim:
        yield field
        return
    half = field.shape[axis] // 2
    forward = np.moveaxis(field, axis, 0)[half:]
    backward = np.moveaxis(field, axis, 0)[half - 1 :: -1]
    yield from _parts(np.moveaxis(forward + backward, 0, axis), axis + 1)
    yield from _parts(np.moveaxis(forward - backward, 0, axis), axis + 1)


def _matrix(side: int, odd: bool) -> Array:
    """The cosine (sine) transform (side, side/2) from one half of an even (odd) part to its frequencies."""
    matrix: Array = (dst if odd else dct)(np.eye(side // 2), type=2, n=side, axis=0) / 2
    return matrix


def _blocks(field: tuple[Array, ...], matrices: list[Array]) -> Iterator[tuple[slice, list[Array]]]:
    """Spectra (z, rows * x) of one part of each field, some rows of y at a time."""
    along_z, along_y, along_x = matrices
    lines = [part @ along_x.T for part in field]
    step = max(1, _PAIRS_AT_ONCE // (len(along_z) * len(along_x)))
    for start in range(0, len(along_y), step):
        rows = slice(start, start + step)
        planes = (np.matmul(along_y[rows], each) for each in lines)
        yield rows, [along_z @ plane.reshape(len(plane), -1) for plane in planes]


def _kernel_spectrum(shape: tuple[int, ...], spacing: Vector) -> Array:
    """Of 1/distance, frequencies (z + 1, y + 1, x + 1), each weighted with how often it occurs in the whole circle."""
    z, y, x = (np.square(np.arange(side + 1.0) * step) for side, step in zip(shape, spacing, strict=True))
    kernel = z[:, None, None] + y[:, None] + x
    kernel[0, 0, 0] = np.inf
    np.sqrt(kernel, out=kernel)
    np.reciprocal(kernel, out=kernel)
    spectrum: Array = dctn(kernel, type=1, overwrite_x=True)
    for axis, side in enumerate(shape):
        np.moveaxis(spectrum, axis, 0)[1:side] *= 2
        spectrum /= 2 * side
    return spectrum
