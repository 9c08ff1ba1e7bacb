"""Intensity statistics, intensity histogram and intensity-volume histogram (IBSI manual, sections 3.3 to 3.5)."""

import numpy as np
import numpy.typing as npt

from lucidray.quantify.discretise import Limits, bin_numbers
from lucidray.quantify.distribution import Distribution, described
from lucidray.quantify.grey import Histogram
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.values import Undefined, Value, Values

_FLAT = Undefined("one grey level spans the whole range")


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
    spanned = _spanned(intensities, discretisation, limits)
    if isinstance(spanned, Undefined):
        return dict.fromkeys(
            ("ivh_v10", "ivh_v90", "ivh_i10", "ivh_i90", "ivh_diff_v10_v90", "ivh_diff_i10_i90"), spanned
        )
    first, step, count, numbers = spanned
    below = np.searchsorted(numbers, np.arange(1, count + 1), "left")
    volumes = (numbers.size - below) / numbers.size

    def volume(fraction: float) -> Value:
        return _FLAT if count == 1 else float(volumes[np.arange(count) / (count - 1) >= fraction][0])

    def intensity(fraction: float) -> float:
        """Of the first grey level that at most this part of the volume has; none has the level after the last."""
        found = np.flatnonzero(volumes <= fraction)
        return first + step * float(found[0] if found.size else count)

    v10, v90, i10, i90 = volume(0.1), volume(0.9), intensity(0.1), intensity(0.9)
    difference = v10 if isinstance(v10, Undefined) or isinstance(v90, Undefined) else v10 - v90
    return {
        "ivh_v10": v10,
        "ivh_v90": v90,
        "ivh_i10": i10,
        "ivh_i90": i90,
        "ivh_diff_v10_v90": difference,
        "ivh_diff_i10_i90": i10 - i90,
    }


def _spanned(
    intensities: npt.NDArray[np.float64], discretisation: Discretisation, limits: Limits
) -> tuple[float, float, int, npt.NDArray[np.int64]] | Undefined:
    """First grey level, step, number of grey levels, and the number (from 1) of each voxel's grey level."""
    low, high = (
        end if limit is None else limit for limit, end in zip(limits, (intensities[0], intensities[-1]), strict=True)
    )
    if discretisation.method == "fixed_bin_number":
        numbers = bin_numbers(intensities, discretisation, (None, None))
        return numbers if isinstance(numbers, Undefined) else (1.0, 1.0, int(discretisation.value or 1), numbers)
    if discretisation.method == "none":
        if not np.array_equal(intensities, np.rint(intensities)):
            return Undefined(
                "intensities are not whole numbers: round them or discretise the intensity-volume histogram"
            )
        first, count = float(np.ceil(low)), int(np.floor(high) - np.ceil(low)) + 1
        return first, 1.0, count, (intensities - first).astype(np.int64) + 1
    width = discretisation.value or 1.0
    count = max(int(np.ceil(round((high - low) / width, 6))), 1)
    numbers = np.minimum(np.floor((intensities - low) / width).astype(np.int64) + 1, count)
    return low + width / 2, width, count, numbers
