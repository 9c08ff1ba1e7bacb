"""Moments, order statistics and dispersion of a set of values: what intensities and grey levels have in common."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lucidray.quantify.values import Undefined, Values, ratio

Numbers = npt.NDArray[np.float64]
_FLAT_MOMENT = 0.0  # IBSI manual, sections 3.3 and 3.4: skewness and kurtosis are 0 where the variance is


@dataclass(frozen=True)
class Distribution:
    """Values in ascending order, each as often as `counts` says, or once."""

    values: Numbers
    counts: npt.NDArray[np.int64] | None = None

    @cached_property
    def size(self) -> int:
        """How many values."""
        return self.values.size if self.counts is None else int(self.counts.sum())

    @cached_property
    def mean(self) -> float:
        return self._mean(self.values)

    @cached_property
    def squares(self) -> Numbers:
        """Squared deviations of the values from their mean."""
        return (self.values - self.mean) ** 2

    @cached_property
    def variance(self) -> float:
        """Not corrected for the sample's size."""
        return self._mean(self.squares) if self.values[0] < self.values[-1] else 0.0

    @property
    def skewness(self) -> float:
        """Third moment over the standard deviation's third power."""
        if self.variance == 0:
            return _FLAT_MOMENT
        # Relative to the variance first: powers of tiny deviations are zero.
        deviation: float = self.variance**0.5
        return self._mean(self.squares / self.variance * (self.values - self.mean)) / deviation

    @property
    def excess_kurtosis(self) -> float:
        """Fourth moment over the squared variance, less that of a normal distribution."""
        return self._mean((self.squares / self.variance) ** 2) - 3 if self.variance else _FLAT_MOMENT

    def percentile(self, percent: float) -> float:
        """By linear interpolation between order statistics."""
        place = percent / 100 * (self.size - 1)
        below = int(place)
        low, high = self._ranked(below), self._ranked(min(below + 1, self.size - 1))
        return low + (high - low) * (place - below)

    def between(self, low: float, high: float) -> "Distribution":
        """The values from `low` to `high`, both included."""
        first, last = np.searchsorted(self.values, low, "left"), np.searchsorted(self.values, high, "right")
        counts = None if self.counts is None else self.counts[first:last]
        return Distribution(self.values[first:last], counts)

    def mean_absolute(self, centre: float) -> float:
        """Mean distance of the values from `centre`."""
        return self._mean(np.abs(self.values - centre))

    def mean_square(self) -> float:
        """Mean of the squared values."""
        return self._mean(self.values**2)

    def _mean(self, numbers: Numbers) -> float:
        total = numbers.sum() if self.counts is None else (numbers * self.counts).sum()
        return float(total) / self.size

    def _ranked(self, rank: int) -> float:
        at = rank if self.counts is None else int(np.searchsorted(np.cumsum(self.counts), rank, "right"))
        return float(self.values[at])


def described(distribution: Distribution, prefix: str) -> Values:
    """The features that intensities ('stat') and grey levels ('ih') share, by abbreviation.

    IBSI manual, sections 3.3 and 3.4.
    """
    quartile, third = distribution.percentile(25), distribution.percentile(75)
    low, high = distribution.percentile(10), distribution.percentile(90)
    robust = distribution.between(low, high)
    median = distribution.percentile(50)
    minimum, maximum = float(distribution.values[0]), float(distribution.values[-1])
    values: Values = {
        "mean": distribution.mean,
        "var": distribution.variance,
        "skew": distribution.skewness,
        "kurt": distribution.excess_kurtosis,
        "median": median,
        "min": minimum,
        "p10": low,
        "p90": high,
        "max": maximum,
        "iqr": third - quartile,
        "range": maximum - minimum,
        "mad": distribution.mean_absolute(distribution.mean),
        "rmad": robust.mean_absolute(robust.mean) if robust.size else Undefined("no value lies between P10 and P90"),
        "medad": distribution.mean_absolute(median),
        "cov": ratio(distribution.variance**0.5, distribution.mean, "the mean is zero"),
        "qcod": ratio(third - quartile, third + quartile, "the quartiles add up to zero"),
    }
    return {f"{prefix}_{name}": value for name, value in values.items()}
