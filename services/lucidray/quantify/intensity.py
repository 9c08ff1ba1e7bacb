"""Intensity statistics, intensity histogram and intensity-volume histogram (IBSI manual, sections 3.3 to 3.5)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.quantify.discretise import HIGHEST, Limits, bin_numbers
from lucidray.quantify.distribution import Distribution, described
from lucidray.quantify.grey import Histogram
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.values import Undefined, Value, Values

NAMES = tuple(name for name, each in definitions().items() if each.family == "intensity_volume_histogram")
_FLAT = Undefined("one grey level spans the whole range")
_ROUNDING = 1e-9  # of fractions, which end at decimals


def statistics(intensities: npt.NDArray[np.float64]) -> Values:
    """Statistics of ascending intensities (UHIW)."""
    distribution = Distribution(intensities)
    mean_square = distribution.mean_square()
    return described(distribution, "stat") | {
        "stat_energy": mean_square * distribution.size,
        "stat_rms": mean_square**0.5,
    }


def histogram(levels: Histogram) -> Values:
    """Features of the histogram of grey levels (ZVCW)."""
    distribution = Distribution(levels.levels.astype(np.float64), levels.counts)
    most = levels.levels[levels.counts == levels.counts.max()]
    probabilities = levels.counts / distribution.size
    dense = np.zeros(levels.bins, np.float64)  # empty bins count
    dense[levels.levels - 1] = levels.counts
    gradient = np.gradient(dense) if levels.bins > 1 else np.zeros(1)
    return described(distribution, "ih") | {
        "ih_mode": float(most[np.argmin(np.abs(most - distribution.mean))]),
        "ih_entropy": float(-(probabilities * np.log2(probabilities)).sum()) + 0.0,  # no negative zero
        "ih_uniformity": float((probabilities**2).sum()),
        "ih_max_grad": float(gradient.max()),
        "ih_max_grad_g": float(gradient.argmax() + 1),
        "ih_min_grad": float(gradient.min()),
        "ih_min_grad_g": float(gradient.argmin() + 1),
    }


def volume_histogram(intensities: npt.NDArray[np.float64], discretisation: Discretisation, limits: Limits) -> Values:
    """Features of the intensity-volume histogram of ascending intensities (P88C).

    Parameters
    ----------
    discretisation
        none: intensities are whole numbers. fixed_bin_size: grey levels are bin centres. fixed_bin_number: numbers of
        bins.
    limits
        Re-segmentation range: where it is given, the histogram spans it (not with a fixed number of bins).
    """
    axis = _axis(intensities, discretisation, limits)
    if isinstance(axis, Undefined):
        return dict.fromkeys(NAMES, axis)
    below = np.searchsorted(axis.numbers, np.arange(1, axis.count + 1), "left")
    volumes = (axis.numbers.size - below) / axis.numbers.size

    fractions = np.arange(axis.count) * axis.step / axis.length if axis.length > 0 else np.zeros(axis.count)

    def volume(fraction: float) -> Value:
        """Of the voxels at this part of the range or above."""
        return _FLAT if axis.length <= 0 else float(volumes[fractions >= fraction - _ROUNDING][0])

    def intensity(fraction: float) -> float:
        """Of the first grey level that at most this part of the volume has; none has the level after the last."""
        found = np.flatnonzero(volumes <= fraction)
        return axis.first + axis.step * float(found[0] if found.size else axis.count)

    v10, v90, i10, i90 = volume(0.1), volume(0.9), intensity(0.1), intensity(0.9)
    difference = v10 if isinstance(v10, Undefined) or isinstance(v90, Undefined) else v10 - v90
    return {
        "ivh_v10": v10,
        "ivh_v90": v90,
        "ivh_i10": i10,
        "ivh_i90": i90,
        "ivh_diff_v10_v90": difference,
        "ivh_diff_i10_i90": i10 - i90,
        "ivh_auc": float(np.trapezoid(volumes, fractions)),
    }


@dataclass(frozen=True)
class _Axis:
    """The grey levels of an intensity-volume histogram."""

    first: float
    step: float
    count: int
    length: float  # of the manual's range G, from which fractions of the intensity are taken
    numbers: npt.NDArray[np.int64]  # of each voxel's grey level, from 1, ascending


def _axis(intensities: npt.NDArray[np.float64], discretisation: Discretisation, limits: Limits) -> _Axis | Undefined:
    if discretisation.method == "fixed_bin_number":
        numbers = bin_numbers(intensities, discretisation, (None, None))
        bins = int(discretisation.value or 1)
        return numbers if isinstance(numbers, Undefined) else _Axis(1.0, 1.0, bins, bins - 1.0, numbers)
    low = float(intensities[0]) if limits[0] is None else limits[0]
    high = float(intensities[-1]) if limits[1] is None else limits[1]
    width = discretisation.value or 1.0
    if (high - low) / width > HIGHEST:
        return Undefined(f"too many grey levels in the intensity-volume histogram: more than {HIGHEST}")
    if discretisation.method == "none":
        if not np.array_equal(intensities, np.rint(intensities)):
            return Undefined(
                "intensities are not whole numbers: round them or discretise the intensity-volume histogram"
            )
        first, last = float(np.ceil(low)), float(np.floor(high))
        return _Axis(first, 1.0, int(last - first) + 1, last - first, (intensities - first).astype(np.int64) + 1)
    # Bin centres; the range ends half a bin below the greatest intensity.
    count = max(int(np.ceil(round((high - low) / width, 6))), 1)
    numbers = np.minimum(np.floor((intensities - low) / width).astype(np.int64) + 1, count)
    return _Axis(low + width / 2, width, count, high - low - width, numbers)
