"""Which neighbours of a voxel have its grey level: what runs and zones are made of."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from lucidray.quantify.grey import GreyLevels
from lucidray.quantify.texture import kernels
from lucidray.quantify.texture.directions import unit_directions

Bits = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Likeness:
    """Bit d says that the voxel before, along direction d of `unit_directions`, has the same grey level."""

    bits: Bits  # of every element of `GreyLevels.flat`
    offsets: npt.NDArray[np.int64]  # (D) to the voxels after, in `flat`
    telling: Bits  # (2**D) of each combination the bits that still say to which zone a voxel belongs


def likeness(grey: GreyLevels, *, within_slice: bool) -> Likeness:
    """The likeness of all voxels."""
    offsets = grey.offsets(unit_directions(within_slice))
    return Likeness(kernels.alike(grey.flat, offsets), offsets, _telling(within_slice))


@cache
def _telling(within_slice: bool) -> Bits:
    """Of neighbours that are each other's neighbours one is enough.

    A bit goes if that of a neighbour of it with more neighbours, or of as many and earlier, is there: what goes is thus
    the neighbour of one that stays, or of one that goes for the same reason.
    """
    vectors = unit_directions(within_slice)
    beside = np.abs(vectors[:, None] - vectors).max(axis=2) <= 1
    rank = np.argsort(np.argsort(-beside.sum(axis=1), kind="stable"))
    combinations = np.arange(2 ** len(vectors))
    found = np.zeros(combinations.size, np.uint16)
    for direction in range(len(vectors)):
        before = np.flatnonzero(beside[direction] & (rank < rank[direction]))
        stays = (combinations >> direction & 1 == 1) & (combinations & (1 << before).sum() == 0)
        found[stays] |= np.uint16(1 << direction)
    return found
