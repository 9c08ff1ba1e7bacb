"""Windows of a fixed size around a region, each with a core that no other window has."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.core.errors import Permanent
from lucidray.imaging.crop import shifted
from lucidray.imaging.geometry import to_index, to_patient

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Tile:
    """Indices (z, y, x) into the area."""

    window: tuple[slice, ...]  # what the network sees
    core: tuple[slice, ...]  # what counts of it


@dataclass(frozen=True)
class Tiling:
    """The cores partition the area; its ends are cores up to the border of their windows."""

    area: Grid
    tiles: list[Tile]


def tiles_around(
    lattice: Grid, mask: npt.NDArray[np.bool_], grid: Grid, patch: Shape, overlap: float, strides: Sequence[Shape]
) -> Tiling:
    """Windows on a lattice around a region: one in its middle where it fits in, else as few as cover it.

    Parameters
    ----------
    lattice
        The network's grid over its image; windows may reach beyond its ends.
    mask
        Boolean (z, y, x) on `grid`, not empty.
    patch
        Size of a window.
    overlap
        Share of a window that its neighbour covers; cores leave out half of it on either side.
    strides
        Of the layers: cores begin and end between their voxels.

    Raises
    ------
    Permanent
        A window is no multiple of a layer's stride.
    """
    low, high = _extent(lattice, mask, grid)
    starts, axes = [], []
    for axis in range(3):
        multiple = int(np.lcm.reduce([1, *(stride[axis] for stride in strides)]))
        if patch[axis] % multiple:
            raise Permanent(
                f"window of {patch[axis]} voxels along {'zyx'[axis]}",
                f"it is no multiple of the layers' strides ({multiple})",
                "correct `inference.patch` in model.yaml",
            )
        count, margin = _count(high[axis] - low[axis], patch[axis], overlap, multiple)
        step = patch[axis] - 2 * margin
        length = patch[axis] + (count - 1) * step
        starts.append((low[axis] + high[axis] - length) // 2)
        axes.append([_along(number, count, patch[axis], margin) for number in range(count)])
    shape = [pieces[-1][0].stop for pieces in axes]
    tiles = [Tile(tuple(each[0] for each in pieces), tuple(each[1] for each in pieces)) for pieces in product(*axes)]
    return Tiling(shifted(lattice, np.array(starts, np.float64), shape), tiles)


def _extent(lattice: Grid, mask: npt.NDArray[np.bool_], grid: Grid) -> tuple[list[int], list[int]]:
    """First index and the one after the last, on the lattice, of the box around the region."""
    spans = [np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis))) for axis in range(3)]
    ends = np.array(np.meshgrid(*[(span[0] - 0.5, span[-1] + 0.5) for span in spans], indexing="ij"))
    places = to_index(lattice, to_patient(grid, ends.reshape(3, -1).T))
    # Rounded before: a region of whole voxels must not gain one by the last digit.
    low, high = np.round(places.min(axis=0), 6), np.round(places.max(axis=0), 6)
    return [int(each) for each in np.ceil(low)], [int(each) + 1 for each in np.floor(high)]


def _count(length: int, patch: int, overlap: float, multiple: int) -> tuple[int, int]:
    """Windows along an axis, and how much of a window is no core at either of its inner sides."""
    if length <= patch:
        return 1, 0
    margin = min(int(patch * overlap / 2) // multiple, (patch // multiple - 1) // 2) * multiple
    return -(-(length - patch) // (patch - 2 * margin)) + 1, margin


def _along(number: int, count: int, patch: int, margin: int) -> tuple[slice, slice]:
    start = number * (patch - 2 * margin)
    first = start if number == 0 else start + margin
    last = start + patch if number == count - 1 else start + patch - margin
    return slice(start, start + patch), slice(first, last)
