"""The part of a volume that another grid sees."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.imaging.geometry import to_index, to_patient

T = TypeVar("T", bound=np.generic)


def crop(values: npt.NDArray[T], grid: Grid, target: Grid, margin: int = 1) -> tuple[npt.NDArray[T], Grid]:
    """The voxels under a target grid and `margin` around them, at least one: what `resample` needs, and no copy.

    Parameters
    ----------
    values
        Array (z, y, x) on `grid`.
    """
    corners = np.array(np.meshgrid(*[(0, count - 1) for count in target.shape], indexing="ij")).reshape(3, -1).T
    places = to_index(grid, to_patient(target, corners.astype(np.float64)))
    low = np.clip(np.floor(places.min(axis=0)) - margin, 0, np.array(grid.shape) - 1).astype(int)
    high = np.clip(np.ceil(places.max(axis=0)) + 1 + margin, low + 1, grid.shape).astype(int)
    z, y, x = (slice(int(first), int(last)) for first, last in zip(low, high, strict=True))
    return values[z, y, x], shifted(grid, low.astype(np.float64), high - low)


def shifted(grid: Grid, start: npt.NDArray[np.float64], shape: npt.ArrayLike) -> Grid:
    """Another part of the lattice of a grid, also beyond its ends: `shape` voxels from index `start` (z, y, x) on."""
    x, y, z = (float(part) for part in to_patient(grid, start[None])[0])
    depth, height, width = (int(count) for count in np.asarray(shape))
    return grid.model_copy(update={"shape": (depth, height, width), "origin": (x, y, z)})
