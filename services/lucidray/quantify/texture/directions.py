"""Directions and neighbours of a voxel, (z, y, x)."""

from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

from lucidray.quantify.processing import CooccurrenceParameters, Norm, Weighting

Vectors = npt.NDArray[np.int64]


def length(vectors: Vectors, norm: Norm) -> npt.NDArray[np.float64]:
    """Of vectors (n, 3), in voxels."""
    order = {"chebyshev": np.inf, "euclidean": 2, "manhattan": 1}[norm]
    found: npt.NDArray[np.float64] = np.linalg.norm(vectors, order, axis=1)
    return found


@cache
def neighbours(distance: int, norm: Norm, within_slice: bool) -> Vectors:
    """All vectors to the voxels within `distance`, (n, 3), in the order of an array's elements."""
    steps = range(-distance, distance + 1)
    vectors = np.array(list(product([0] if within_slice else steps, steps, steps)), np.int64)
    reach = length(vectors, norm)
    return vectors[(reach > 0) & (reach <= distance)]


def half(vectors: Vectors) -> Vectors:
    """One of each pair of opposite vectors: the one that leads to a later element of an array."""
    return vectors[len(vectors) // 2 :]


def unit_directions(within_slice: bool) -> Vectors:
    """The 13 directions, or the 4 of a slice."""
    return half(neighbours(1, "chebyshev", within_slice))


def cooccurrence_directions(parameters: CooccurrenceParameters, within_slice: bool) -> Vectors:
    """Vectors between the voxels of a pair.

    IBSI manual, section 3.6: the directions to the nearest neighbours times the distance. With a norm, which is rare,
    the vectors to all voxels at the distance; with the Euclidean one, at more than distance - 1.
    """
    if parameters.norm is None:
        return unit_directions(within_slice) * parameters.distance
    vectors = half(neighbours(parameters.distance, parameters.norm, within_slice))
    return vectors[length(vectors, parameters.norm) > parameters.distance - 1]


def weights(vectors: Vectors, weighting: Weighting) -> npt.NDArray[np.float64] | None:
    """Of the matrices of the directions where they are merged; None if all weigh the same."""
    if weighting.function == "none":
        return None
    reach = length(vectors, weighting.norm)
    return 1 / reach if weighting.function == "inverse" else np.exp(-(reach**2))
