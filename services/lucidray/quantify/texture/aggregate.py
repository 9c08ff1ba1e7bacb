"""Bringing matrices of slices and directions together (IBSI manual, section 3.6, "Aggregating features")."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.quantify.grey import GreyLevels
from lucidray.quantify.values import Undefined, Value, Values

Matrix = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Span = tuple[int, int, int]  # first and last + 1 element of the flat array, and voxels
_LARGEST = 2**21  # elements of the matrices of all directions that are made in one go


@dataclass(frozen=True)
class Directional:
    """A kind of matrix that each direction has one of."""

    count: Callable[[Span, range], npt.NDArray[np.int64]]  # span, directions (D) -> matrices (D, K, J)
    features: Callable[[Matrix, float], Values]  # of one matrix that was made of so many voxels
    directions: int
    weights: npt.NDArray[np.float64] | None  # (D), or all the same
    elements: int  # of one matrix

    def aggregated(self, grey: GreyLevels, aggregation: str) -> Values:
        """Features by one of the six methods, e.g. '3D:avg'."""
        dimension, method = aggregation.split(":")
        if dimension == "2D":
            return average(each for span in grey.slices for each in self._features([span], method))
        return average(self._features(grey.slices if dimension == "2.5D" else [grey.whole], method))

    def _features(self, spans: Sequence[Span], method: str) -> Iterator[Values]:
        """Of the spans' matrices, summed: one each direction, or one of all directions."""
        voxels = sum(span[2] for span in spans)
        merged: Matrix | None = None
        for chosen in self._portions():
            matrices = self.count(spans[0], chosen)
            for span in spans[1:]:
                matrices = matrices + self.count(span, chosen)
            if method == "avg":
                for matrix in matrices:
                    yield self.features(matrix, voxels)
            else:
                part = self._weighted(matrices, chosen)
                merged = part if merged is None else merged + part
        if merged is not None:
            total = self.directions if self.weights is None else float(self.weights.sum())
            yield self.features(merged, voxels * total)

    def _portions(self) -> Iterator[range]:
        step, every = max(_LARGEST // self.elements, 1), range(self.directions)
        return (every[first : first + step] for first in every[::step])

    def _weighted(self, matrices: npt.NDArray[np.int64], chosen: range) -> Matrix:
        if self.weights is None:
            merged: Matrix = matrices.sum(axis=0)
            return merged
        weighted: Matrix = (matrices * self.weights[chosen.start : chosen.stop, None, None]).sum(axis=0)
        return weighted


def average(found: Iterable[Values]) -> Values:
    """Mean of the values that are defined; where none is, the first reason."""
    columns: dict[str, list[Value]] = {}
    for values in found:
        for name, value in values.items():
            columns.setdefault(name, []).append(value)
    return {name: _mean(column) for name, column in columns.items()}


def _mean(column: Sequence[Value]) -> Value:
    numbers = [value for value in column if not isinstance(value, Undefined)]
    return float(np.mean(numbers)) if numbers else column[0]
