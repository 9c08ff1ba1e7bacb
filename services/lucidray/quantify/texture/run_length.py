"""Grey level run length matrix (IBSI manual, section 3.7; TP0I)."""

import numpy as np
import numpy.typing as npt

from lucidray.quantify.grey import GreyLevels
from lucidray.quantify.processing import RunLengthParameters
from lucidray.quantify.texture import kernels
from lucidray.quantify.texture.aggregate import Directional, Matrix, Span
from lucidray.quantify.texture.directions import unit_directions, weights
from lucidray.quantify.texture.emphasis import emphasis, names_of
from lucidray.quantify.values import Values

NAMES = names_of("rlm_")


def directional(grey: GreyLevels, parameters: RunLengthParameters, *, within_slice: bool) -> Directional:
    """The matrices of a region."""
    vectors = unit_directions(within_slice)
    rows, longest = grey.levels.size, max(grey.ranks.shape) - 2 * grey.pad
    lengths = np.arange(1, longest + 1)

    def count(span: Span, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        counts = np.zeros((offsets.size, rows + 1, longest + 1), np.int64)
        kernels.runs(grey.flat, span[0], span[1], offsets, counts)
        return counts[:, 1:, 1:]

    def of(matrix: Matrix, voxels: float) -> Values:
        return emphasis(matrix, grey.levels, lengths, voxels, NAMES)

    elements = (rows + 1) * (longest + 1)
    return Directional(count, of, grey.offsets(vectors), weights(vectors, parameters.weighting), elements)
