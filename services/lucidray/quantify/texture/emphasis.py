"""The features that run lengths, zone sizes, zone distances and dependences share (IBSI manual, 3.7 to 3.9, 3.11).

Each of these matrices says how often grey level i comes with an extent j: the length of a run, the size of a zone, its
distance to the border, the number of dependent neighbours.
"""

import numpy as np
import numpy.typing as npt

from lucidray.quantify.ibsi import definitions
from lucidray.quantify.texture.aggregate import Matrix
from lucidray.quantify.texture.cooccurrence import entropy
from lucidray.quantify.values import Values

COUNT = 16  # features that the four matrices share


def names_of(prefix: str) -> tuple[str, ...]:
    """Abbreviations of a family's features in the order of the manual, which is that of `emphasis`."""
    return tuple(name for name in definitions() if name.startswith(prefix))[:COUNT]


def emphasis(
    matrix: Matrix, levels: npt.NDArray[np.int64], extents: npt.NDArray[np.int64], voxels: float, names: tuple[str, ...]
) -> Values:
    """The sixteen features of one matrix.

    Parameters
    ----------
    matrix
        How often each level comes with each extent, (K, J); not all zero.
    levels, extents
        Grey level of each row (K), extent of each column (J).
    voxels
        Of the region, times the number of matrices that were merged.
    names
        The features' names, in the order of the manual.
    """
    total = float(matrix.sum())
    i, j = levels.astype(np.float64) ** 2, extents.astype(np.float64) ** 2
    rows, columns = matrix.sum(axis=1), matrix.sum(axis=0)
    # einsum rather than @: BLAS may sum in another order with another number of threads.
    short = np.einsum("ij,j->i", matrix, 1 / j)
    long = np.einsum("ij,j->i", matrix, j)
    values = (
        (columns / j).sum() / total,
        (columns * j).sum() / total,
        (rows / i).sum() / total,
        (rows * i).sum() / total,
        (short / i).sum() / total,
        (short * i).sum() / total,
        (long / i).sum() / total,
        (long * i).sum() / total,
        (rows.astype(np.float64) ** 2).sum() / total,
        ((rows / total) ** 2).sum(),
        (columns.astype(np.float64) ** 2).sum() / total,
        ((columns / total) ** 2).sum(),
        total / voxels,
        _variance(rows / total, levels),
        _variance(columns / total, extents),
        entropy(matrix[matrix > 0] / total),
    )
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _variance(probabilities: npt.NDArray[np.float64], places: npt.NDArray[np.int64]) -> float:
    mean = (probabilities * places).sum()
    return float((probabilities * (places - mean) ** 2).sum())
