"""Contours in patient space to a mask on a grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.core.errors import Permanent
from lucidray.imaging.geometry import to_index
from lucidray.imaging.polygons import fill_polygons

FLAT = 0.25  # slices: a contour that spans more does not lie in the plane of the slices
ON_SLICE = 0.1  # slices: a plane nearer than this is on the slice
GAP = 1.5  # usual distances of planes: beyond, the planes belong to separate parts
SAME_PLANE = 0.01  # slices
ROUNDING = 1e-6  # slices
_LEAST_POINTS = 3

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Filled:
    """A mask (z, y, x) and how well the contours fit its grid."""

    mask: npt.NDArray[np.bool_]
    off_slice: float  # greatest distance of a used plane from its slice, in slices
    planes_outside: int  # planes above or below the grid
    cut: bool  # whether contours leave the grid sideways


def fill_contours(contours: Sequence[Points], grid: Grid, thing: str) -> Filled:
    """Voxels whose centre lies inside the contours.

    A plane of contours stands for half the distance to the next plane on either side, so that a set
    drawn on other slices than the grid's is neither thinned nor thickened. In a plane the even-odd
    rule holds: inner contours are holes.

    Parameters
    ----------
    contours
        Closed planar contours, arrays (n, 3) of (x, y, z) in LPS, mm.

    Raises
    ------
    Permanent
        A contour does not lie in the plane of the slices, or none reaches the grid.
    """
    indexed = [to_index(grid, contour) for contour in contours if len(contour) >= _LEAST_POINTS]
    if any(np.ptp(contour[:, 0]) > FLAT for contour in indexed):
        raise Permanent(
            thing, "its contours do not lie in the plane of the slices", "choose the image that they were drawn on"
        )
    planes = _planes(indexed)
    mask = np.zeros(grid.shape, np.bool_)
    if not planes:
        return Filled(mask, 0.0, 0, False)
    heights = np.array(sorted(planes))
    lower, upper = _slabs(heights)
    off_slice = 0.0
    for z in range(grid.shape[0]):
        at = int(np.searchsorted(upper, z, side="right"))
        if at < len(heights) and lower[at] <= z + ROUNDING:
            mask[z] = fill_polygons(planes[float(heights[at])], grid.shape[1:])
            off_slice = max(off_slice, abs(float(heights[at]) - z))
    outside = int(np.count_nonzero((upper <= 0) | (lower > grid.shape[0] - 1)))
    if outside == len(heights) or not _touches(indexed, grid):
        raise Permanent(thing, "all its contours lie outside the image", "choose the image that they were drawn on")
    return Filled(mask, off_slice, outside, _cut(indexed, grid))


def _slabs(heights: Points) -> tuple[Points, Points]:
    """Lower (included) and upper (excluded) end of what each plane stands for; `heights` ascend."""
    gaps = np.diff(heights)
    usual = float(np.median(gaps)) if len(gaps) else 1.0
    half = np.where(gaps > GAP * usual, usual, gaps) / 2  # across a gap two lesions must not meet
    lower = heights - np.concatenate([[usual / 2], half])
    upper = heights + np.concatenate([half, [usual / 2]])
    return lower, upper


def _planes(contours: Sequence[Points]) -> dict[float, list[Points]]:
    """In-plane vertices (y, x) by the z index of their plane."""
    planes: dict[float, list[Points]] = {}
    current = -np.inf
    for contour in sorted(contours, key=lambda each: float(each[:, 0].mean())):
        height = float(contour[:, 0].mean())
        if height - current > SAME_PLANE:
            current = height
        planes.setdefault(current, []).append(contour[:, 1:])
    return planes


def _touches(contours: Sequence[Points], grid: Grid) -> bool:
    """Whether the box of any contour meets the grid in the plane."""
    limits = np.array(grid.shape[1:]) - 0.5
    return any(
        bool(np.all(contour[:, 1:].max(axis=0) >= -0.5) and np.all(contour[:, 1:].min(axis=0) <= limits))
        for contour in contours
    )


def _cut(contours: Sequence[Points], grid: Grid) -> bool:
    """Whether any contour leaves the grid sideways."""
    limits = np.array(grid.shape[1:]) - 0.5
    return any(bool(np.any(contour[:, 1:] < -0.5) or np.any(contour[:, 1:] > limits)) for contour in contours)
