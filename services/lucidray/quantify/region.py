"""From a volume and a label map to the voxels that are measured.

Volume and mask are resampled once, straight from their own grids to the grid of the measurement,
and only around the region: the rest of a whole-body scan is never touched.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.imaging.geometry import in_words, to_index, to_patient
from lucidray.imaging.resample import Interpolation, ibsi_grid, resample, resample_mask
from lucidray.quantify.filters import support
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.values import Undefined

MARGIN = 10.0  # mm around the region: local intensity looks 6.2 mm around a voxel (IBSI manual, section 3.2)
_SPLINE_MARGIN = 16  # native voxels around what is interpolated by cubic splines, whose influence fades as 0.27**n
MOST_VOXELS = 1 << 28  # around one region, of which a few copies are held: 2 GB each
_TOLERATED = 1.5  # voxels from the outermost centres: a contour may run through the last voxel

EMPTY = Undefined("the mask has no voxel")
OUTSIDE = Undefined("the region does not lie in the image")
VANISHED = Undefined("on the measurement's grid the region has no voxel: it is smaller than its voxels")

Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Region:
    """One region in one image, ready to be measured; arrays (z, y, x)."""

    voxels: npt.NDArray[np.float64]
    mask: Mask  # the morphological mask
    intensity_mask: Mask  # without outliers and the voxels outside the intensity range
    spacing: tuple[float, float, float]  # (z, y, x), mm
    cut: bool = False  # whether the region reaches out of the image

    @cached_property
    def size(self) -> int:
        """Voxels in the intensity mask."""
        return int(np.count_nonzero(self.intensity_mask))

    def around(self, reach: int) -> "Region":
        """The part of it that holds the mask and `reach` voxels on each side."""
        if not self.mask.any():
            return self
        box = tuple(slice(max(each.start - reach, 0), each.stop + reach) for each in bounding_box(self.mask))
        return replace(self, voxels=self.voxels[box], mask=self.mask[box], intensity_mask=self.intensity_mask[box])


def bounding_box(mask: Mask) -> Box:
    """The least box that holds all of a mask, which is not empty."""
    rows = np.any(mask, axis=2, keepdims=True)
    z, y = _span(rows, (1, 2)), _span(rows, (0, 2))
    return z, y, _span(mask[z, y], (0, 1))


def _span(mask: Mask, others: tuple[int, int]) -> slice:
    """Of a mask along the axis that is not among `others`."""
    found = np.flatnonzero(mask.any(axis=others))
    return slice(int(found[0]), int(found[-1]) + 1)


def prepare(volume: Volume, mask: Mask, mask_grid: Grid, measurement: Measurement) -> Region | None:
    """The region as a measurement wants it; None if nothing of it lies in the image.

    Parameters
    ----------
    volume
        The native volume.
    mask
        Boolean (z, y, x) on `mask_grid`, which may be another grid than the volume's in the same space.
    """
    placed = place(volume.grid, mask, mask_grid, measurement)
    if placed is None:
        return None
    target, inside = placed
    voxels = voxels_on(target, volume, measurement.interpolation)
    if measurement.rounded:
        np.rint(voxels, out=voxels)
    cut = _reaches_out(volume.grid, _corners(mask, mask_grid))
    return Region(voxels, inside, resegment(voxels, inside, measurement), target.spacing, cut)


def place(native: Grid, mask: Mask, mask_grid: Grid, measurement: Measurement) -> tuple[Grid, Mask] | None:
    """The part of the measurement's grid around a region, and the mask on it; None if nothing of it lies there.

    Parameters
    ----------
    native
        Grid of the image over which that of the measurement is laid.

    Raises
    ------
    Permanent
        That part has more than `MOST_VOXELS`; names both grids.
    """
    if not mask.any():
        return None
    corners = _corners(mask, mask_grid)
    whole = _grid_of(native, measurement)
    box = _box_around(whole, corners, _margin(whole, measurement))
    if box is None:
        return None
    target = _part(whole, box)
    check_size(target, native, f"measurement of '{measurement.role}'")
    inside = _mask_on(target, mask, mask_grid, corners, measurement.mask_interpolation)
    return (target, inside) if inside.any() else None


def check_size(target: Grid, native: Grid, thing: str) -> None:
    """Raise, before anything is allocated, if a grid around a region has more than `MOST_VOXELS`; names both grids."""
    count = math.prod(target.shape)
    if count > MOST_VOXELS:
        cause = f"around the region its grid has {count:.2g} voxels, and {MOST_VOXELS:.2g} are the most"
        grids = f"Its grid: {in_words(target)}. Grid of the image: {in_words(native)}"
        raise Permanent(thing, f"{cause}. {grids}", "name a wider spacing in the preset")


def absence(native: Grid, mask: Mask, mask_grid: Grid) -> Undefined:
    """Why `prepare` or `place` found nothing of a region."""
    if not mask.any():
        return EMPTY
    index = to_index(native, _corners(mask, mask_grid))
    beyond = (index.max(axis=0) <= -0.5) | (index.min(axis=0) >= np.array(native.shape) - 0.5)  # noqa: PLR2004
    return OUTSIDE if beyond.any() else VANISHED


def resegment(voxels: npt.NDArray[np.float64], mask: Mask, measurement: Measurement) -> Mask:
    """The intensity mask: without voxels that are no number, lie outside the range or are outliers.

    Parameters
    ----------
    voxels, mask
        Intensities and morphological mask (z, y, x).

    Notes
    -----
    IBSI manual, section 2.6: mean and standard deviation of the outlier filter are those of the region before any
    re-segmentation; with both methods the intensity mask is where both keep a voxel.
    """
    low, high = (math.nan if limit is None else limit for limit in measurement.intensity_range)
    kept = mask & np.isfinite(voxels)
    if measurement.outliers is not None and kept.any():
        values = voxels[kept]
        mean, reach = float(values.mean()), measurement.outliers * float(values.std())
        low, high = float(np.fmax(low, mean - reach)), float(np.fmin(high, mean + reach))
    if not math.isnan(low):
        kept &= voxels >= low
    if not math.isnan(high):
        kept &= voxels <= high
    return kept


def _grid_of(native: Grid, measurement: Measurement) -> Grid:
    """The grid of the measurement; where it names no spacing an axis keeps its own."""
    if measurement.spacing is None:
        return native
    z, y, x = (
        own if wanted is None else wanted for own, wanted in zip(native.spacing, measurement.spacing, strict=True)
    )
    return ibsi_grid(native, (z, y, x))


def _margin(grid: Grid, measurement: Measurement) -> float:
    """How much of the image around a region matters, mm: filters look further than features."""
    reaches = (support(grid.spacing, spec) for spec in measurement.filters)
    filtered = (math.inf if reach is None else reach * max(grid.spacing) for reach in reaches)
    return max((MARGIN, *filtered))


def _corners(mask: Mask, grid: Grid) -> Points:
    """Corners (8, 3) of the bounding box of the mask's voxels, LPS mm."""
    return _box_corners(grid, [(span.start - 0.5, span.stop - 0.5) for span in bounding_box(mask)])


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


def _mask_on(
    target: Grid, mask: Mask, grid: Grid, corners: Points, interpolation: Literal["linear", "nearest"]
) -> Mask:
    box = _box_around(grid, corners, max(grid.spacing))  # one voxel more: interpolation needs the zeros around it
    if box is None:
        return mask
    part, source = mask[box], _part(grid, box)
    if interpolation == "linear":
        return resample_mask(part, source, target)
    inside: Mask = resample(part, source, target, interpolation="nearest")
    return inside


def voxels_on(
    target: Grid, volume: Volume, interpolation: Interpolation, outside: float = 0.0
) -> npt.NDArray[np.float64]:
    """A volume's intensities on a grid, resampled from the native voxels; `outside` where the volume does not reach."""
    corners = _box_corners(target, [(0, count - 1) for count in target.shape])
    margin = max(volume.grid.spacing) * (_SPLINE_MARGIN if interpolation == "cubic" else 1)
    box = _box_around(volume.grid, corners, margin)
    if box is None:
        return np.full(target.shape, outside)
    source = _part(volume.grid, box)
    part = resample(volume.voxels[box], source, target, interpolation=interpolation, outside=outside)
    return np.array(part, np.float64)


def _reaches_out(grid: Grid, corners: Points) -> bool:
    index = to_index(grid, corners)
    return bool((index < -_TOLERATED).any() or (index > np.array(grid.shape) - 1 + _TOLERATED).any())
