"""From a volume and a label map to the voxels that are measured.

Volume and mask are resampled once, straight from their own grids to the grid of the measurement,
and only around the region: the rest of a whole-body scan is never touched.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.imaging.geometry import to_index, to_patient
from lucidray.imaging.resample import ibsi_grid, resample, resample_mask
from lucidray.quantify.preset import Measurement

MARGIN = 10.0  # mm around the region: local intensity looks 6.2 mm around a voxel (IBSI manual, section 3.2)
_TOLERATED = 1.5  # voxels from the outermost centres: a contour may run through the last voxel

Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Region:
    """One region in one image, ready to be measured; arrays (z, y, x)."""

    voxels: npt.NDArray[np.float32]
    mask: Mask  # the morphological mask
    intensity_mask: Mask  # without the voxels outside the intensity range
    spacing: tuple[float, float, float]  # (z, y, x), mm
    cut: bool = False  # whether the region reaches out of the image

    @property
    def size(self) -> int:
        """Voxels in the intensity mask."""
        return int(self.intensity_mask.sum())


def prepare(volume: Volume, mask: Mask, mask_grid: Grid, measurement: Measurement) -> Region | None:
    """The region as a measurement wants it; None if nothing of it lies in the image.

    Parameters
    ----------
    volume
        The native volume.
    mask
        Boolean (z, y, x) on `mask_grid`, which may be another grid than the volume's in the same space.
    """
    if not mask.any():
        return None
    corners = _corners(mask, mask_grid)
    whole = volume.grid if measurement.spacing is None else ibsi_grid(volume.grid, measurement.spacing)
    box = _box_around(whole, corners, MARGIN)
    if box is None:
        return None
    target = _part(whole, box)
    inside = _mask_on(target, mask, mask_grid, corners)
    if not inside.any():
        return None
    voxels = _voxels_on(target, volume)
    if measurement.rounded:
        np.rint(voxels, out=voxels)
    cut = _reaches_out(volume.grid, corners)
    return Region(voxels, inside, _in_range(voxels, inside, measurement), target.spacing, cut)


def _corners(mask: Mask, grid: Grid) -> Points:
    """Corners (8, 3) of the bounding box of the mask's voxels, LPS mm."""
    spans = [np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis))) for axis in range(3)]
    return _box_corners(grid, [(span[0] - 0.5, span[-1] + 0.5) for span in spans])


def _box_corners(grid: Grid, ends: list[tuple[float, float]]) -> Points:
    return to_patient(grid, np.array(np.meshgrid(*ends, indexing="ij")).reshape(3, -1).T)


def _box_around(grid: Grid, corners: Points, margin: float) -> Box | None:
    """The part of a grid that holds all `corners` and `margin` mm around them; None if there is no such part."""
    index, steps = to_index(grid, corners), margin / np.array(grid.spacing)
    low = np.maximum(np.floor(index.min(axis=0) - steps), 0).astype(int)
    high = np.minimum(np.ceil(index.max(axis=0) + steps) + 1, grid.shape).astype(int)
    if (high <= low).any():
        return None
    z, y, x = (slice(int(first), int(last)) for first, last in zip(low, high, strict=True))
    return z, y, x


def _part(grid: Grid, box: Box) -> Grid:
    x, y, z = (float(part) for part in to_patient(grid, np.array([[each.start for each in box]], np.float64))[0])
    shape = (box[0].stop - box[0].start, box[1].stop - box[1].start, box[2].stop - box[2].start)
    return grid.model_copy(update={"shape": shape, "origin": (x, y, z)})


def _mask_on(target: Grid, mask: Mask, grid: Grid, corners: Points) -> Mask:
    box = _box_around(grid, corners, max(grid.spacing))  # one voxel more: interpolation needs the zeros around it
    return mask if box is None else resample_mask(mask[box], _part(grid, box), target)


def _voxels_on(target: Grid, volume: Volume) -> npt.NDArray[np.float32]:
    corners = _box_corners(target, [(0, count - 1) for count in target.shape])
    box = _box_around(volume.grid, corners, max(volume.grid.spacing))
    if box is None:  # cannot be: the target is a part of the volume
        raise ValueError("the target lies outside the volume")
    return np.array(resample(volume.voxels[box], _part(volume.grid, box), target), np.float32)


def _in_range(voxels: npt.NDArray[np.float32], mask: Mask, measurement: Measurement) -> Mask:
    low, high = measurement.intensity_range
    kept = mask.copy()
    if low is not None:
        kept &= voxels >= low
    if high is not None:
        kept &= voxels <= high
    return kept


def _reaches_out(grid: Grid, corners: Points) -> bool:
    index = to_index(grid, corners)
    return bool((index < -_TOLERATED).any() or (index > np.array(grid.shape) - 1 + _TOLERATED).any())
