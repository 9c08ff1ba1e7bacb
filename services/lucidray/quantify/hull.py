"""The convex hull of a region's mesh (IBSI manual, section 3.1; features R3ER, 7T7F and L0JK)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from lucidray.contracts.grid import Vector
from lucidray.quantify.compiled import compiled
from lucidray.quantify.region import Mask, Points

# Where the mesh leaves a voxel that has no neighbour: half-way to it (in steps of half a voxel).
_LEAVES = np.array([(-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1)])


@dataclass(frozen=True)
class Hull:
    """A convex hull."""

    vertices: Points  # (n, 3), (z, y, x) in mm
    simplices: npt.NDArray[np.int64]  # indices (m, 3) of the corners of its triangulated surface among the vertices
    neighbours: npt.NDArray[np.int64]  # triangles (m, 3) across the sides of each triangle, opposite its corners
    facing: Points  # outward unit normals (m, 3) of the triangles, equal in one facet

    @property
    def triangles(self) -> Points:
        """Corners (m, 3, 3), mm."""
        return self.vertices[self.simplices]

    @cached_property
    def normals(self) -> Points:
        """Normals (n, 3) of the triangles, of either sign, as long as their area in mm2 is large."""
        first, second, third = np.moveaxis(self.triangles, 1, 0)
        return np.cross(second - first, third - first) / 2

    @property
    def area(self) -> float:
        """mm2."""
        return float(np.linalg.norm(self.normals, axis=1).sum())

    @property
    def volume(self) -> float:
        """mm3: tetrahedra from a point inside to each triangle."""
        spokes = self.triangles[:, 0] - self.vertices.mean(axis=0)
        return float(np.abs((spokes * self.normals).sum(axis=1)).sum() / 3)

    @property
    def diameter(self) -> float:
        """Greatest distance of two vertices, mm."""
        return float(np.sqrt(_greatest_square(np.ascontiguousarray(self.vertices.T))))


@compiled
def _greatest_square(points: Points) -> float:
    """Of the distances between points (3, n)."""
    greatest = 0.0
    for here in range(points.shape[1]):
        z, y, x, most = points[0, here], points[1, here], points[2, here], 0.0
        for place in range(here):
            most = max(most, (points[0, place] - z) ** 2 + (points[1, place] - y) ** 2 + (points[2, place] - x) ** 2)
        greatest = max(greatest, most)
    return greatest


def convex_hull(mask: Mask, spacing: Vector) -> Hull:
    """The hull of the mesh around a region (z, y, x) of at least one voxel."""
    # In half voxels all vertices of the mesh are whole numbers, and the hull does not depend on the position.
    points = (2 * _corners(mask)[:, None] + _LEAVES).reshape(-1, 3)
    points = points[np.unique(points @ _distinct(mask.shape), return_index=True)[1]]
    return hull_of(points, np.array(spacing) / 2)


def hull_of(points: npt.NDArray[np.int64] | Points, scale: npt.ArrayLike = 1.0) -> Hull:
    """The hull of points (n, 3), which are multiplied by `scale` when it is known."""
    found = ConvexHull(points)
    places = np.zeros(len(points), np.int64)
    places[found.vertices] = np.arange(len(found.vertices))
    facing = found.equations[:, :3] / scale
    facing /= np.linalg.norm(facing, axis=1, keepdims=True)
    return Hull(
        points[found.vertices] * np.asarray(scale),
        places[found.simplices],
        found.neighbors.astype(np.int64),
        facing,
    )


def _distinct(shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Makes one number of a position in half voxels, another for every position."""
    reach = 2 * max(shape) + 1
    return np.array([reach**2, reach, 1])


def _corners(mask: Mask) -> npt.NDArray[np.int64]:
    """Indices (n, 3) of the voxels that can be corners of the hull of all: corners in two planes through them."""
    ends = row_ends(mask)
    found = []
    for end, side in zip(ends, (1, -1), strict=True):
        present = end >= 0
        keep_corners(end * side, present)
        turned = np.ascontiguousarray(present.T)
        keep_corners(np.ascontiguousarray(end.T) * side, turned)
        z, y = np.nonzero(turned.T)
        found.append(np.column_stack([z, y, end[z, y]]))
    return np.concatenate(found)


@compiled
def row_ends(mask: Mask) -> npt.NDArray[np.int64]:
    """Index x of the first and of the last voxel of each row, (2, z, y); -1 where there is none."""
    slices, rows, columns = mask.shape
    ends = np.full((2, slices, rows), -1, np.int64)
    for z in range(slices):
        for y in range(rows):
            row = mask[z, y]
            first, last = 0, columns - 1
            while first < columns and not row[first]:
                first += 1
            if first < columns:
                while not row[last]:
                    last -= 1
                ends[0, z, y], ends[1, z, y] = first, last
    return ends


@compiled
def keep_corners(heights: npt.NDArray[np.int64], present: Mask) -> None:
    """Of the points (place, height) of each line, leave the corners of their convex hull as seen from below."""
    lines, places = heights.shape
    chain = np.empty(places, np.int64)
    for line in range(lines):
        height, size = heights[line], 0
        for place in range(places):
            if present[line, place]:
                while size > 1:
                    before, middle = chain[size - 2], chain[size - 1]
                    rise, wanted = height[middle] - height[before], height[place] - height[before]
                    if rise * (place - before) < wanted * (middle - before):  # it bends upwards in the middle
                        break
                    present[line, middle] = False
                    size -= 1
                chain[size] = place
                size += 1
