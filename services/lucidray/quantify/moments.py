"""Centres and principal axes of the voxels of a region (IBSI manual, section 3.1; features KLMA, TDIC, P9VJ, 7J51).

Everything follows from sums over the rows of the array, which one pass finds.
"""

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Vector
from lucidray.quantify.compiled import compiled
from lucidray.quantify.region import Mask

_ROUNDING = 1e-12  # of the greatest eigenvalue: what is below is zero

Array = npt.NDArray[np.float64]


def centre(sums: npt.NDArray[np.int64] | Array, spacing: Vector) -> Array:
    """Mean position (z, y, x) of what was summed up, which is not zero, mm from the centre of the array's first voxel.

    Parameters
    ----------
    sums
        Of `row_sums` or `weighted_sums`.
    """
    counts, firsts = sums[0], sums[1]
    z, y = (np.arange(size) for size in counts.shape)
    moments = [(counts.sum(axis=1) * z).sum(), (counts.sum(axis=0) * y).sum(), firsts.sum()]
    found: Array = np.array(moments) / counts.sum() * spacing
    return found


def semi_axes(mask: Mask, spacing: Vector) -> tuple[float, float, float]:
    """Major, minor and least semi-axis of a region of two voxels or more, mm.

    Twice the roots of the eigenvalues of the covariance of the voxel centres. As in all software that the IBSI
    reached its consensus with, the covariance is that of a sample: divided by the number of voxels less one.
    The sums are whole numbers, therefore exact, and the position of the region does not matter.
    """
    counts, firsts, seconds = row_sums(mask)
    z, y = (np.arange(size) for size in counts.shape)
    count, slices, rows = int(counts.sum()), counts.sum(axis=1), counts.sum(axis=0)
    sums = [int(slices @ z), int(rows @ y), int(firsts.sum())]
    products = [
        [int(slices @ z**2), int(z @ counts @ y), int(z @ firsts.sum(axis=1))],
        [0, int(rows @ y**2), int(y @ firsts.sum(axis=0))],
        [0, 0, int(seconds.sum())],
    ]
    covariance = np.zeros((3, 3))
    for first in range(3):
        for second in range(first, 3):
            found = count * products[first][second] - sums[first] * sums[second]
            covariance[first, second] = covariance[second, first] = found
    covariance *= np.outer(spacing, spacing) / (count * (count - 1))
    eigenvalues = np.linalg.eigvalsh(covariance)
    eigenvalues[eigenvalues < _ROUNDING * eigenvalues[-1]] = 0
    least, minor, major = (2 * float(root) for root in np.sqrt(eigenvalues))
    return major, minor, least


@compiled
def row_sums(mask: Mask) -> npt.NDArray[np.int64]:
    """Number of voxels of each row, sum of their indices x, and sum of the squares of these, (3, z, y)."""
    slices, rows, columns = mask.shape
    found = np.zeros((3, slices, rows), np.int64)
    for z in range(slices):
        for y in range(rows):
            row, count, first, second = mask[z, y], 0, 0, 0
            for x in range(columns):
                count += row[x]
                first += row[x] * x
                second += row[x] * x * x
            found[0, z, y], found[1, z, y], found[2, z, y] = count, first, second
    return found


@compiled
def weighted_sums(weights: Array, mask: Mask) -> Array:
    """Of each row's voxels in the mask whose weight is a number: their weights, weight times x, and one, (3, z, y)."""
    slices, rows, columns = mask.shape
    found = np.zeros((3, slices, rows))
    for z in range(slices):
        for y in range(rows):
            inside, row, total, first, count = mask[z, y], weights[z, y], 0.0, 0.0, 0
            for x in range(columns):
                if inside[x] and np.isfinite(row[x]):
                    total += row[x]
                    first += row[x] * x
                    count += 1
            found[0, z, y], found[1, z, y], found[2, z, y] = total, first, count
    return found
