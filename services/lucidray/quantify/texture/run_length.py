"""Grey level run length matrix (IBSI manual, section 3.7; TP0I)."""

import numpy as np
import numpy.typing as npt

from lucidray.quantify.grey import GreyLevels
from lucidray.quantify.processing import RunLengthParameters
from lucidray.quantify.texture import kernels
from lucidray.quantify.texture.aggregate import Directional, Matrix, Span
from lucidray.quantify.texture.directions import unit_directions, weights
from lucidray.quantify.texture.emphasis import emphasis, names_of
from lucidray.quantify.texture.likeness import Likeness
from lucidray.quantify.values import Values

NAMES = names_of("rlm_")


def directional(
    grey: GreyLevels, alike: Likeness, parameters: RunLengthParameters, *, within_slice: bool
) -> Directional:
    """The matrices of a region."""
    vectors = unit_directions(within_slice)
    rows, longest = grey.levels.size, max(grey.ranks.shape) - 2 * grey.pad
    lengths = np.arange(1, longest + 1)

    def count(span: Span, chosen: range) -> npt.NDArray[np.int64]:
        counts = np.zeros((len(chosen), rows + 1, longest + 1), np.int64)
        kernels.runs(grey.flat, alike.bits, span[0], span[1], alike.offsets, chosen.start, counts)
        return counts[:, 1:, 1:]

    def of(matrix: Matrix, voxels: float) -> Values:
        return emphasis(matrix, grey.levels, lengths, voxels, NAMES)

    elements = (rows + 1) * (longest + 1)
    return Directional(count, of, len(vectors), weights(vectors, parameters.weighting), elements)
