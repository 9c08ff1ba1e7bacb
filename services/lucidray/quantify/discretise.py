"""From intensities to grey levels (IBSI manual, section 2.7)."""

import math

import numpy as np
import numpy.typing as npt

from lucidray.quantify.processing import Discretisation
from lucidray.quantify.values import Undefined

Limits = tuple[float | None, float | None]
HIGHEST = 2**20  # of grey levels: beyond, a bin width is a mistake


def bin_numbers(
    intensities: npt.NDArray[np.float64], discretisation: Discretisation, limits: Limits
) -> npt.NDArray[np.int64] | Undefined:
    """Grey level of each intensity, from 1.

    Parameters
    ----------
    intensities
        Of all voxels of the region, at least one.
    limits
        Re-segmentation range; bins of fixed size start at its lower end, or at the least intensity without one,
        unless the discretisation says that they start at a multiple of their width.

    Returns
    -------
    Numbers of bins, or why there are none.
    """
    if discretisation.method == "fixed_bin_number":
        bins = int(discretisation.value or 1)
        return _too_many(bins) if bins > HIGHEST else _by_number(intensities, bins)
    if discretisation.method == "none":
        levels = np.rint(intensities)
        if not np.array_equal(levels, intensities) or levels.min() < 1:
            return Undefined("without discretisation intensities must be whole numbers from 1")
    else:
        width = discretisation.value or 1.0
        low = float(intensities.min()) if limits[0] is None else limits[0]
        if discretisation.start == "multiple":
            low = math.floor(float(intensities.min()) / width) * width
        levels = np.floor((intensities - low) / width) + 1
    highest = float(levels.max())
    if highest > HIGHEST:
        return _too_many(highest)
    return levels.astype(np.int64)


def _too_many(levels: float) -> Undefined:
    return Undefined(f"too many grey levels: {levels:.3g}, at most {HIGHEST}")


def _by_number(intensities: npt.NDArray[np.float64], bins: int) -> npt.NDArray[np.int64]:
    """The greatest intensity is in the last bin, hence a flat region has that level alone."""
    low, high = float(intensities.min()), float(intensities.max())
    if low == high:
        return np.full(intensities.shape, bins, np.int64)
    levels = np.floor(bins * (intensities - low) / (high - low)).astype(np.int64) + 1
    return np.minimum(levels, bins)
