"""Minkowski functionals of the region: volume, surface area, mean breadth, Euler number.

Surface and breadth are Crofton's: the mean, over the 13 directions of a voxel's neighbours, of how often lines cross
the surface, and of the Euler numbers of plane sections (Legland et al., Image Analysis and Stereology 2007; Ohser and
Schladitz, 3D Images of Materials Structures, 2009). Each direction counts as much of the sphere as lies nearest to it,
which holds for unequal spacings too. The region is taken as a body: what lies beyond the image does not belong to it.
"""

from functools import lru_cache, reduce
from itertools import product

import numpy as np
from scipy.spatial import SphericalVoronoi

from lucidray.quantify.higher.neighbourhood import Mask
from lucidray.quantify.region import Region, bounding_box
from lucidray.quantify.values import Undefined, Values

Vector = tuple[int, int, int]
Spacing = tuple[float, float, float]
_NAMES = ("mink_volume", "mink_surface", "mink_breadth", "mink_euler")

LINES: tuple[Vector, ...] = tuple((z, y, x) for z, y, x in product((-1, 0, 1), repeat=3) if (z, y, x) > (0, 0, 0))
# Lattice planes through a voxel, by two vectors of their mesh: 3 squares, 6 rectangles, 4 meshes of triangles.
PLANES: tuple[tuple[Vector, Vector], ...] = (
    ((0, 1, 0), (0, 0, 1)),
    ((1, 0, 0), (0, 0, 1)),
    ((1, 0, 0), (0, 1, 0)),
    ((1, 0, 0), (0, 1, 1)),
    ((1, 0, 0), (0, 1, -1)),
    ((0, 1, 0), (1, 0, 1)),
    ((0, 1, 0), (1, 0, -1)),
    ((0, 0, 1), (1, 1, 0)),
    ((0, 0, 1), (1, -1, 0)),
    ((1, -1, 0), (0, 1, -1)),
    ((1, 1, 0), (0, -1, -1)),
    ((1, -1, 0), (0, 1, 1)),
    ((1, 1, 0), (0, -1, 1)),
)
_TRIANGLES = 9  # from this plane on


def measure(region: Region, _: frozenset[str]) -> Values:
    """Minkowski functionals of the morphological mask, by abbreviation."""
    if not region.mask.any():
        return dict.fromkeys(_NAMES, Undefined("the region has no voxel"))
    body = region.mask[bounding_box(region.mask)]
    values = (
        int(region.mask.sum()) * float(np.prod(region.spacing)),
        surface(body, region.spacing),
        breadth(body, region.spacing),
        float(euler(body)),
    )
    return dict(zip(_NAMES, values, strict=True))


def surface(body: Mask, spacing: Spacing) -> float:
    """Surface area, mm2; twice the mean over directions of the crossings of lines with the surface."""
    voxel = float(np.prod(spacing))
    total = 0.0
    inside = int(body.sum())
    for line, share in zip(LINES, _shares(LINES, spacing), strict=True):
        crossings = 2 * (inside - _count(body, [line]))
        total += share * crossings * voxel / float(np.linalg.norm(np.array(line) * spacing))
    return 2 * total


def breadth(body: Mask, spacing: Spacing) -> float:
    """Mean breadth, mm: the mean over directions of the Euler numbers of the planes across, times their distance."""
    voxel, inside = float(np.prod(spacing)), int(body.sum())
    normals = [np.cross(np.array(first) * spacing, np.array(second) * spacing) for first, second in PLANES]
    total = 0.0
    shares = _shares(tuple(tuple(each.tolist()) for each in normals), (1.0, 1.0, 1.0))
    for number, ((first, second), normal, share) in enumerate(zip(PLANES, normals, shares, strict=True)):
        numbers = inside + _edges_and_faces(body, first, second, triangles=number >= _TRIANGLES)
        total += share * numbers * voxel / float(np.linalg.norm(normal))
    return total


def euler(body: Mask) -> int:
    """Euler number of the voxels as closed cubes, which touch over corners too (26 neighbours)."""
    wide = np.pad(body, 1)
    total = 0
    for axes in product((False, True), repeat=3):  # of the cells around a point, an edge, a face, a cube
        cells = reduce(_or_with_next, [axis for axis in range(3) if axes[axis]], wide)
        total += (-1) ** (3 - sum(axes)) * int(cells.sum())
    return total


def _or_with_next(cells: Mask, axis: int) -> Mask:
    before, after = [slice(None)] * 3, [slice(None)] * 3
    before[axis], after[axis] = slice(None, -1), slice(1, None)
    joined: Mask = cells[tuple(before)] | cells[tuple(after)]
    return joined


def _edges_and_faces(body: Mask, first: Vector, second: Vector, *, triangles: bool) -> int:
    """What the Euler number of plane sections has beside its points: minus edges, plus faces."""
    across = (first[0] + second[0], first[1] + second[1], first[2] + second[2])
    edges = _count(body, [first]) + _count(body, [second])
    if not triangles:
        return _count(body, [first, second, across]) - edges
    faces = _count(body, [first, across]) + _count(body, [second, across])
    return faces - edges - _count(body, [across])


def _count(body: Mask, vectors: list[Vector]) -> int:
    """Voxels of the body from which all vectors lead to voxels of the body."""
    both = body
    for vector in vectors:
        moved = np.zeros_like(body)
        moved[_part(vector, -1)] = body[_part(vector, 1)]
        both = both & moved
    return int(both.sum())


def _part(vector: Vector, sign: int) -> tuple[slice, ...]:
    steps = [sign * step for step in vector]
    return tuple(slice(step, None) if step > 0 else slice(None, step or None) for step in steps)


@lru_cache(maxsize=64)
def _shares(directions: tuple[tuple[float, ...], ...], spacing: Spacing) -> tuple[float, ...]:
    """How much of the sphere is nearest to each direction or its opposite; together 1."""
    points = np.array(directions, np.float64) * spacing
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    areas = SphericalVoronoi(np.concatenate([points, -points])).calculate_areas()
    both = areas[: len(points)] + areas[len(points) :]
    return tuple((both / both.sum()).tolist())
