"""The convex hull of a region's mesh (IBSI manual, section 3.1; features R3ER, 7T7F and L0JK)."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from lucidray.contracts.grid import Vector
from lucidray.quantify.region import Mask, Points

# Where the mesh leaves a voxel that has no neighbour: half-way to it (in steps of half a voxel).
_LEAVES = np.array([(-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1)])
# One of each two opposite directions to a neighbour.
_DIRECTIONS = [each for each in product((-1, 0, 1), repeat=3) if each > (0, 0, 0)]
_PAIRS_AT_ONCE = 4_000_000  # distances held in memory, 32 MB


@dataclass(frozen=True)
class Hull:
    """A convex hull."""

    vertices: Points  # (n, 3), (z, y, x) in mm
    triangles: npt.NDArray[np.float64]  # corners (n, 3, 3) of its triangulated surface, mm

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
        step = max(1, _PAIRS_AT_ONCE // len(self.vertices))
        blocks = range(0, len(self.vertices), step)
        squared = max(
            float(cdist(self.vertices[start : start + step], self.vertices[start:], "sqeuclidean").max())
            for start in blocks
        )
        return float(np.sqrt(squared))


def convex_hull(mask: Mask, spacing: Vector) -> Hull:
    """The hull of the mesh around a region (z, y, x) of at least one voxel."""
    voxels = _extreme(mask)
    # In half voxels all vertices of the mesh are whole numbers, and the hull does not depend on the position.
    points = np.unique((2 * voxels[:, None] + _LEAVES).reshape(-1, 3), axis=0)
    hull = ConvexHull(points)
    scaled = points * (np.array(spacing) / 2)
    return Hull(scaled[hull.vertices], scaled[hull.simplices])


def _extreme(mask: Mask) -> npt.NDArray[np.intp]:
    """Indices (n, 3) of the voxels that can touch the hull: those not midway between two of their neighbours."""
    padded = np.pad(mask, 1)
    flat, steps = padded.ravel(), np.array(padded.strides)
    candidates = padded.copy()
    for axis in range(3):
        inner, before, after = (_shifted(axis, start) for start in (1, 0, 2))
        candidates[inner] &= ~(padded[before] & padded[after])
    found = np.flatnonzero(candidates)
    for direction in _DIRECTIONS:
        offset = int(steps @ direction)
        found = found[~(flat[found - offset] & flat[found + offset])]
    return np.column_stack(np.unravel_index(found, padded.shape))


def _shifted(axis: int, start: int) -> tuple[slice, ...]:
    return tuple(slice(start, start - 2 or None) if each == axis else slice(None) for each in range(3))
