"""The surface mesh of a region: marching cubes at 0.5, as the IBSI manual has it (section 3.1; WRJH).

A mask holds only zeros and ones, hence the triangles in a cube of eight voxels depend on nothing but which of
the eight are in the region: 256 cases. Volume and area follow from how often each case occurs; the mesh itself
is never laid out. The triangles of a case are those of scikit-image's marching cubes (Lewiner et al. 2003),
which leaves no holes and which the IBSI's consensus values were reached with.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Vector
from lucidray.quantify.compiled import compiled
from lucidray.quantify.region import Mask

_CASES = 256
_LEVEL = 0.5  # half-way between voxel centres

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mesh:
    """What is measured on the closed surface of a region."""

    volume: float  # mm3
    area: float  # mm2


def surface(mask: Mask, spacing: Vector) -> Mesh:
    """Volume and area of the mesh around a region.

    Parameters
    ----------
    mask
        Region (z, y, x), not empty; it is surrounded with empty voxels here.
    spacing
        Of the voxels (z, y, x), mm.

    Notes
    -----
    The volume is the flux of (z, 0, 0) through the surface, by the divergence theorem: the same number as the
    manual's sum of tetrahedra, for the surface is closed.
    """
    occurrences = _occurrences(np.pad(mask, 1).view(np.int8))
    flux, moment = _flux()
    heights = np.arange(len(occurrences))
    volume = (heights * (occurrences @ flux)).sum() + (occurrences @ moment).sum()
    area = (occurrences.sum(axis=0) * _areas(spacing)).sum()
    return Mesh(abs(float(volume)) * spacing[0] * spacing[1] * spacing[2], float(area))


@compiled
def _occurrences(padded: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """How often each case occurs in each layer of cubes, (layers, 256); those without triangles are not counted."""
    layers, rows, columns = padded.shape[0] - 1, padded.shape[1] - 1, padded.shape[2]
    counts = np.zeros((layers, _CASES), np.int64)
    for z in range(layers):
        for y in range(rows):
            first, second, third, fourth = padded[z, y], padded[z, y + 1], padded[z + 1, y], padded[z + 1, y + 1]
            before = 0
            for x in range(1, columns):
                here = first[x] | second[x] << 2 | third[x] << 4 | fourth[x] << 6
                case = before | here << 1
                before = here
                if 0 < case < _CASES - 1:
                    counts[z, case] += 1
    return counts


@cache
def _triangles() -> tuple[Array, npt.NDArray[np.intp]]:
    """Corners (n, 3, 3) of the triangles of all cases in a unit cube, (z, y, x), and the case (n,) of each."""
    from skimage.measure import marching_cubes  # half a second to import

    corners, cases = [], []
    for case in range(1, _CASES - 1):
        cube = np.array([case >> bit & 1 for bit in range(8)], np.float64).reshape(2, 2, 2)
        vertices, faces, _, _ = marching_cubes(cube, _LEVEL)  # type: ignore[no-untyped-call]
        corners.append(vertices[faces].astype(np.float64))
        cases += [case] * len(faces)
    return np.concatenate(corners), np.array(cases)


def _normals(corners: Array) -> Array:
    """Normals (n, 3) of triangles, as long as their area is large."""
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2


@cache
def _flux() -> tuple[Array, Array]:
    """Of each case in a unit cube: the area projected along z, signed, and its first moment in z."""
    corners, cases = _triangles()
    projected = _normals(corners)[:, 0]
    heights = corners[:, :, 0].mean(axis=1)
    return _by_case(cases, projected), _by_case(cases, projected * heights)


def _areas(spacing: Vector) -> Array:
    """Area of each case, mm2."""
    corners, cases = _triangles()
    areas = np.linalg.norm(_normals(corners * np.array(spacing)), axis=1)
    return _by_case(cases, areas)


def _by_case(cases: npt.NDArray[np.intp], values: Array) -> Array:
    return np.bincount(cases, values, _CASES).astype(np.float64)
