"""What a feature can be: a number, or undefined for a reason."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Undefined:
    """The standard gives the feature no value for this region."""

    reason: str  # in words for a report, e.g. "the region has one voxel"


Value = float | Undefined
Values = dict[str, Value]  # by abbreviation of the feature


def ratio(numerator: float, denominator: float, reason: str) -> Value:
    """A quotient, undefined for that reason where the denominator is zero."""
    return numerator / denominator if denominator else Undefined(reason)


def finite(value: Value) -> Value:
    """The value as a Python float; NaN and infinity are no values."""
    if isinstance(value, Undefined):
        return value
    return float(value) if math.isfinite(value) else Undefined("it is not a finite number")
