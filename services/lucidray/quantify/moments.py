"""Centres and principal axes of the voxels of a region (IBSI manual, section 3.1; features KLMA, TDIC, P9VJ, 7J51)."""

from itertools import combinations

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Vector
from lucidray.quantify.region import Mask

_ROUNDING = 1e-12  # of the greatest eigenvalue: what is below is zero


def centre(mask: Mask, spacing: Vector) -> npt.NDArray[np.float64]:
    """Mean position (z, y, x) of the voxels of a region, mm from the centre of the first voxel of the array."""
    counts = [mask.sum(axis=_others(axis)) for axis in range(3)]
    return np.array([_mean(count) * step for count, step in zip(counts, spacing, strict=True)])


def centre_of_mass(weights: npt.NDArray[np.float64], spacing: Vector) -> npt.NDArray[np.float64]:
    """The same, weighted with an array (z, y, x) of a sum other than zero."""
    sums = [weights.sum(axis=_others(axis)) for axis in range(3)]
    return np.array([_mean(each) * step for each, step in zip(sums, spacing, strict=True)])


def semi_axes(mask: Mask, spacing: Vector) -> tuple[float, float, float]:
    """Major, minor and least semi-axis of a region of two voxels or more, mm.

    Twice the roots of the eigenvalues of the covariance of the voxel centres. As in all software that the IBSI
    reached its consensus with, the covariance is that of a sample: divided by the number of voxels less one.
    The sums are whole numbers, therefore exact, and the position of the region does not matter.
    """
    count = int(mask.sum())
    sums = [int(mask.sum(axis=_others(axis)) @ np.arange(mask.shape[axis])) for axis in range(3)]
    covariance = np.zeros((3, 3))
    for first, second in combinations(range(3), 2):
        plane = mask.sum(axis=3 - first - second)
        rows, columns = (np.arange(mask.shape[axis]) for axis in (first, second))
        covariance[first, second] = count * int(rows @ plane @ columns) - sums[first] * sums[second]
    for axis in range(3):
        squares = int(mask.sum(axis=_others(axis)) @ np.arange(mask.shape[axis]) ** 2)
        covariance[axis, axis] = (count * squares - sums[axis] ** 2) / 2
    covariance = (covariance + covariance.T) * np.outer(spacing, spacing) / (count * (count - 1))
    eigenvalues = np.linalg.eigvalsh(covariance)
    eigenvalues[eigenvalues < _ROUNDING * eigenvalues[-1]] = 0
    least, minor, major = (2 * float(root) for root in np.sqrt(eigenvalues))
    return major, minor, least


def _others(axis: int) -> tuple[int, ...]:
    return tuple(other for other in range(3) if other != axis)


def _mean(weights: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> float:
    return float((weights * np.arange(len(weights))).sum() / weights.sum())
