"""How much of a slice is worth showing: the body and the regions, not the air around them."""

from dataclasses import dataclass

import numpy as np

from lucidray.console.planes import vector
from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Regions, Volume

MARGIN = 20.0  # mm around the body
_AIR_HU = -300
_SPECKS = 0.01  # of a row or column, that may be noise
_LOOKED_AT = 40  # slices, for the outline of the body


@dataclass(frozen=True)
class Box:
    """Rows from `top` and columns from `left`, without `bottom` and `right`."""

    top: int
    bottom: int
    left: int
    right: int

    def with_margin(self, other: "Box", margin: float, grid: Grid) -> "Box":
        """Both boxes and `margin` mm around them, within a grid."""
        rows, columns = (round(margin / spacing) for spacing in grid.spacing[1:])
        return Box(
            max(0, min(self.top, other.top) - rows),
            min(grid.shape[1], max(self.bottom, other.bottom) + rows),
            max(0, min(self.left, other.left) - columns),
            min(grid.shape[2], max(self.right, other.right) + columns),
        )


def field_of_view(base: Volume, regions: Regions | None) -> Box:
    """The body and the regions with a margin, on the grid of an upright volume."""
    body = body_box(base)
    marked = labels_box(regions) if regions is not None else None
    inside = moved(marked, regions.facts.grid, base.grid) if regions is not None and marked else body
    return body.with_margin(inside, MARGIN, base.grid)


def body_box(volume: Volume) -> Box:
    """Where there is more than air in an upright CT; everything in other images.

    Single voxels of noise and the rims of a table are left out.
    """
    rows, columns = volume.grid.shape[1:]
    if volume.facts.modality != "CT":
        return Box(0, rows, 0, columns)
    dense = volume.voxels[:: max(1, volume.grid.shape[0] // _LOOKED_AT)] > _AIR_HU
    spans = []
    for axis, length in ((2, rows), (1, columns)):
        filled = np.flatnonzero(np.count_nonzero(dense, axis=(0, axis)) > _SPECKS * dense.size / length)
        spans.append((int(filled[0]), int(filled[-1]) + 1) if filled.size else (0, length))
    return Box(*spans[0], *spans[1])


def labels_box(regions: Regions) -> Box | None:
    """Rows and columns in which an upright label map has regions; None where it has none."""
    rows = np.flatnonzero(regions.labels.any(axis=(0, 2)))
    columns = np.flatnonzero(regions.labels.any(axis=(0, 1)))
    if not rows.size:
        return None
    return Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)


def moved(box: Box, source: Grid, target: Grid) -> Box:
    """The rows and columns of one upright grid that cover a box of another, as far as it has them."""
    low, high = (
        np.linalg.inv(target.affine) @ source.affine @ np.array([0.0, row - 0.5, column - 0.5, 1.0])
        for row, column in ((box.top, box.left), (box.bottom, box.right))
    )
    spans = []
    for axis in (1, 2):
        first = int(np.clip(np.floor(low[axis] + 0.5), 0, target.shape[axis] - 1))
        last = int(np.clip(np.ceil(high[axis] + 0.5), first + 1, target.shape[axis]))
        spans.append((first, last))
    return Box(*spans[0], *spans[1])


def cropped(volume: Volume, box: Box) -> Volume:
    """The rows and columns of an upright volume that a box names, in all slices; a view."""
    grid = volume.grid
    origin = (grid.affine @ np.array([0.0, box.top, box.left, 1.0]))[:3]
    shape = (grid.shape[0], box.bottom - box.top, box.right - box.left)
    smaller = grid.model_copy(update={"shape": shape, "origin": vector(origin)})
    voxels = volume.voxels[:, box.top : box.bottom, box.left : box.right]
    return Volume(voxels, volume.facts.model_copy(update={"grid": smaller}))
