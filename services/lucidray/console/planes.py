"""Planes through volumes, for display only: measurements never use what is sampled here.

Volumes are first turned, without interpolation, so that their index axes (z, y, x) grow towards
the head, the back and the left of the patient (LPS, DICOM PS3.3 C.7.6.2.1.1). An image of an
axial plane then has the patient's right at its left side, as radiologists read it.
"""

from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import Any

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid, Vector
from lucidray.contracts.images import Regions, Volume

_PARALLEL = 1e-9  # voxels per pixel
_EDGE = 0.5  # voxels beyond the outermost centres that still show their value


@dataclass(frozen=True)
class Plane:
    """Pixels in patient space: pixel [row, column] lies at origin + row * down + column * right (LPS, mm)."""

    origin: npt.NDArray[np.float64]
    down: npt.NDArray[np.float64]
    right: npt.NDArray[np.float64]
    shape: tuple[int, int]

    @property
    def pixel(self) -> float:
        """Side of the square pixels, mm."""
        return float(np.linalg.norm(self.right))


def upright_volume(volume: Volume) -> Volume:
    """The same volume with index axes towards head, back and left; a view, nothing is copied."""
    voxels, grid = _upright(volume.voxels, volume.grid)
    return Volume(voxels, volume.facts.model_copy(update={"grid": grid}))


def upright_regions(regions: Regions) -> Regions:
    """The same regions with index axes towards head, back and left."""
    labels, grid = _upright(regions.labels, regions.facts.grid)
    return Regions(labels, regions.facts.model_copy(update={"grid": grid}))


def _upright(array: npt.NDArray[Any], grid: Grid) -> tuple[npt.NDArray[Any], Grid]:
    axes = np.array(grid.axes)
    towards = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]])  # head, back, left in LPS
    alike = axes @ towards.T  # index axis, patient axis
    order = max(permutations(range(3)), key=lambda each: sum(abs(alike[each[k], k]) for k in range(3)))
    flipped = [bool(alike[order[k], k] < 0) for k in range(3)]
    last = np.array([grid.shape[order[k]] - 1 if flipped[k] else 0 for k in range(3)])
    first = [0, 0, 0]
    for k in range(3):
        first[order[k]] = int(last[k])
    origin = grid.affine @ np.array([*first, 1.0])
    turned = Grid(
        shape=_three(int(grid.shape[each]) for each in order),
        spacing=vector(grid.spacing[each] for each in order),
        origin=vector(origin[:3]),
        axes=_three(vector(-axes[order[k]] if flipped[k] else axes[order[k]]) for k in range(3)),
        frame_of_reference_uid=grid.frame_of_reference_uid,
    )
    steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in flipped)
    return np.transpose(array, order)[steps], turned


def _three(values: Any) -> tuple[Any, Any, Any]:
    first, second, third = values
    return first, second, third


def vector(values: Any) -> Vector:
    return _three(float(each) for each in values)


def axial_plane(grid: Grid, index: int, size: int) -> Plane:
    """The plane of slice `index` (0: the lowest) of an upright grid.

    Parameters
    ----------
    size
        Pixels of the longer side; pixels are square.
    """
    return _plane(grid, (float(index), None, None), down=1, right=2, size=size)


def coronal_plane(grid: Grid, size: int) -> Plane:
    """The plane through the middle of an upright grid, seen from the front, head up."""
    plane = _plane(grid, (None, (grid.shape[1] - 1) / 2, None), down=0, right=2, size=size)
    top = plane.origin + (plane.shape[0] - 1) * plane.down
    return replace(plane, origin=top, down=-plane.down)


def _plane(
    grid: Grid, fixed: tuple[float | None, float | None, float | None], *, down: int, right: int, size: int
) -> Plane:
    extent = {axis: grid.shape[axis] * grid.spacing[axis] for axis in (down, right)}
    pixel = max(extent.values()) / size
    shape = (max(1, round(extent[down] / pixel)), max(1, round(extent[right] / pixel)))
    middle = [(grid.shape[axis] - 1) / 2 if at is None else at for axis, at in enumerate(fixed)]
    centre = (grid.affine @ np.array([*middle, 1.0]))[:3]
    axes = np.array(grid.axes)
    steps = axes[down] * pixel, axes[right] * pixel
    origin = centre - steps[0] * (shape[0] - 1) / 2 - steps[1] * (shape[1] - 1) / 2
    return Plane(origin, steps[0], steps[1], shape)


def zoomed(plane: Plane, centre: npt.NDArray[np.float64], extent: float) -> Plane:
    """A square of side `extent` mm around `centre` (LPS) in the same plane, with as many pixels as its longer side."""
    size = max(plane.shape)
    factor = extent / (size * plane.pixel)
    down, right = plane.down * factor, plane.right * factor
    normal = np.cross(plane.down, plane.right) / plane.pixel**2
    on_plane = centre - normal * float(normal @ (centre - plane.origin))
    return Plane(on_plane - (down + right) * (size - 1) / 2, down, right, (size, size))


def sample(array: npt.NDArray[Any], grid: Grid, plane: Plane, outside: float) -> npt.NDArray[np.float32]:
    """Values (rows, columns) of a volume in a plane, by trilinear interpolation."""
    index = _places(grid, plane)
    inside = _inside(index, grid)
    low, weights = [], []
    for axis in range(3):
        place = np.clip(index[axis], 0, grid.shape[axis] - 1)
        floor = np.minimum(place.astype(np.intp), max(grid.shape[axis] - 2, 0))
        low.append(floor)
        weights.append((place - floor).astype(np.float32))
    result = np.zeros(plane.shape, np.float32)
    for corner in product((0, 1), repeat=3):
        along = [weights[axis] if up else 1 - weights[axis] for axis, up in enumerate(corner)]
        if all(weight.any() for weight in along):
            at = tuple(np.minimum(low[axis] + up, grid.shape[axis] - 1) for axis, up in enumerate(corner))
            result += along[0] * along[1] * along[2] * array[at]
    return np.where(inside, result, np.float32(outside)).astype(np.float32, copy=False)


def sample_labels(labels: npt.NDArray[np.uint8], grid: Grid, plane: Plane) -> npt.NDArray[np.uint8]:
    """Labels (rows, columns) of a label map in a plane, by the nearest voxel; 0 outside."""
    index = _places(grid, plane)
    at = tuple(
        np.clip(np.floor(index[axis] + 0.5).astype(np.intp), 0, grid.shape[axis] - 1)  # half goes up, not to even
        for axis in range(3)
    )
    return np.where(_inside(index, grid), labels[at], 0).astype(np.uint8)


def _places(grid: Grid, plane: Plane) -> list[npt.NDArray[np.float64]]:
    """Index coordinates of the pixels on a grid: for each axis an array that broadcasts to (rows, columns).

    Where grid and plane are parallel, as they mostly are, these are single rows and columns.
    """
    to_index = np.linalg.inv(grid.affine)
    start = (to_index @ np.array([*plane.origin, 1.0]))[:3]
    down, right = to_index[:3, :3] @ plane.down, to_index[:3, :3] @ plane.right
    rows, columns = np.arange(plane.shape[0])[:, None], np.arange(plane.shape[1])[None, :]
    places = []
    for axis in range(3):
        place = np.full((1, 1), start[axis])
        if abs(down[axis]) > _PARALLEL:
            place = place + down[axis] * rows
        if abs(right[axis]) > _PARALLEL:
            place = place + right[axis] * columns
        places.append(np.round(place, 6))  # a plane that lies on a slice must not take a trace of its neighbour
    return places


def _inside(index: list[npt.NDArray[np.float64]], grid: Grid) -> npt.NDArray[np.bool_]:
    inside = np.ones((1, 1), bool)
    for axis in range(3):
        inside = inside & (index[axis] >= -_EDGE) & (index[axis] <= grid.shape[axis] - 1 + _EDGE)
    return inside
