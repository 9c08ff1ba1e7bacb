"""Intraclass correlation: how much of a feature's variance is the patients', how much the measuring.

Shrout and Fleiss 1979, Psychol Bull 86:420 (the coefficients and their names); McGraw and Wong 1996,
Psychol Methods 1:30, table 7 (the confidence intervals).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
# (1,1): measurements of a subject are interchangeable; (2,1): absolute agreement of measurements drawn from many,
# e.g. readers; (3,1): consistency of these very measurements, whose constant offsets do not count.
Form = Literal["1,1", "2,1", "3,1"]
FORMS: tuple[Form, ...] = ("1,1", "2,1", "3,1")
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """One coefficient with its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Agreement:
    """The coefficients of one feature, or why there are none."""

    subjects: int  # that have every measurement; others are left out
    measurements: int  # of each subject
    icc: Mapping[Form, Estimate]
    reason: str = ""


@dataclass(frozen=True)
class _Squares:
    """Mean squares of a two-way analysis of variance without replicates."""

    subjects: float
    measurements: float
    error: float  # of the two-way model
    within: float  # of the one-way model
    n: int
    k: int


def agreement(values: Floats, level: float = LEVEL) -> Agreement:
    """ICC(1,1), ICC(2,1) and ICC(3,1) of one feature.

    Parameters
    ----------
    values
        Array (subjects, measurements); NaN where the feature is undefined: that subject is left out.
    """
    complete = values[np.isfinite(values).all(axis=1)]
    subjects, measurements = len(complete), values.shape[1]
    if subjects < 2 or measurements < 2:  # noqa: PLR2004
        reason = f"{subjects} subjects with {measurements} defined measurements each: both must be two or more"
        return Agreement(subjects, measurements, {}, reason)
    squares = _mean_squares(complete)
    if squares.subjects == 0:
        return Agreement(subjects, measurements, {}, "subjects do not differ from each other")
    if squares.within <= np.finfo(np.float64).eps * squares.subjects:  # equal but for rounding
        return Agreement(subjects, measurements, dict.fromkeys(FORMS, Estimate(1.0, 1.0, 1.0)))
    tail = (1 + level) / 2
    one_way = _consistency(squares, squares.within, subjects * (measurements - 1), tail)
    if squares.error <= np.finfo(np.float64).eps * squares.subjects:
        # Measurements differ by constant offsets alone: the interval of the two-way forms has no width to estimate.
        absolute = _absolute(squares)
        exact = {"2,1": Estimate(absolute, absolute, absolute), "3,1": Estimate(1.0, 1.0, 1.0)}
        return Agreement(subjects, measurements, {"1,1": one_way, "2,1": exact["2,1"], "3,1": exact["3,1"]})
    two_way = _consistency(squares, squares.error, (subjects - 1) * (measurements - 1), tail)
    return Agreement(subjects, measurements, {"1,1": one_way, "2,1": _absolute_interval(squares, tail), "3,1": two_way})


def _mean_squares(values: Floats) -> _Squares:
    n, k = values.shape
    # Standardised first: features span twenty orders of magnitude, the coefficients know no unit.
    spread = float(np.abs(values - values.mean()).max())
    scaled = (values - values.mean()) / (spread or 1.0)
    rows, columns = scaled.mean(axis=1, keepdims=True), scaled.mean(axis=0, keepdims=True)
    residual = scaled - rows - columns + scaled.mean()
    return _Squares(
        subjects=float(k * np.sum((rows - scaled.mean()) ** 2) / (n - 1)),
        measurements=float(n * np.sum((columns - scaled.mean()) ** 2) / (k - 1)),
        error=float(np.sum(residual**2) / ((n - 1) * (k - 1))),
        within=float(np.sum((scaled - rows) ** 2) / (n * (k - 1))),
        n=n,
        k=k,
    )


def _consistency(squares: _Squares, noise: float, freedom: int, tail: float) -> Estimate:
    """Forms (1,1) and (3,1), which differ in what counts as noise."""
    ratio, between, k = squares.subjects / noise, squares.n - 1, squares.k
    low = ratio / float(stats.f.ppf(tail, between, freedom))
    high = ratio * float(stats.f.ppf(tail, freedom, between))
    return Estimate(*((each - 1) / (each + k - 1) for each in (ratio, low, high)))


def _absolute(squares: _Squares) -> float:
    n, k, error = squares.n, squares.k, squares.error
    return (squares.subjects - error) / (squares.subjects + (k - 1) * error + k * (squares.measurements - error) / n)


def _absolute_interval(squares: _Squares, tail: float) -> Estimate:
    """Form (2,1); its interval by Satterthwaite's degrees of freedom."""
    n, k, error, value = squares.n, squares.k, squares.error, _absolute(squares)
    offset = k * value * squares.measurements / error
    rest = n * (1 + (k - 1) * value) - k * value
    freedom = (k - 1) * (n - 1) * (offset + rest) ** 2 / ((n - 1) * offset**2 + rest**2)
    lower, upper = float(stats.f.ppf(tail, n - 1, freedom)), float(stats.f.ppf(tail, freedom, n - 1))
    noise = k * squares.measurements + (k * n - k - n) * error
    low = n * (squares.subjects - lower * error) / (lower * noise + n * squares.subjects)
    high = n * (upper * squares.subjects - error) / (noise + n * upper * squares.subjects)
    return Estimate(value, low, high)
