"""Local intensity (IBSI manual, section 3.2; 9ST6): means over a cubic centimetre around the voxels of a region.

The sphere is a pile of lines of voxels along x, of few different lengths. Running sums of these lengths are made
once a slice, added up to discs, and the discs to spheres: every sum is of the very voxels, without a transform.
"""

import math

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Vector
from lucidray.quantify.region import Box, Mask, Region, bounding_box
from lucidray.quantify.values import Undefined, Values

_MOST = 1 << 28  # voxels in and around the region, of which a few copies are held: 2 GB each
_TOO_FINE = Undefined("the voxels are so small that a sphere of 1 cm3 around each does not fit into memory")
RADIUS = 10 * (3 / (4 * math.pi)) ** (1 / 3)  # mm, of a sphere of 1 cm3

Array = npt.NDArray[np.float64]


def local_intensity(region: Region, wanted: frozenset[str]) -> Values:
    """The wanted features, by abbreviation (`ibsi.csv`).

    Voxels that do not exist, beyond the edge of the image, or have no finite value take no part: the manual takes
    the mean of the voxels whose centres lie in the sphere.

    Parameters
    ----------
    region
        Voxels, with those around the region, and masks (z, y, x), spacing (z, y, x) in mm.
    """
    centres = region.intensity_mask & np.isfinite(region.voxels)
    if not centres.any():
        return dict.fromkeys(wanted, Undefined("no voxel of the region has an intensity"))
    box, reach = bounding_box(centres), _reach(region.spacing)
    if math.prod(part.stop - part.start + 2 * margin for part, margin in zip(box, reach, strict=True)) > _MOST:
        return dict.fromkeys(wanted, _TOO_FINE)
    means, intensities = sphere_means(region.voxels, centres, region.spacing), region.voxels[centres]
    peaks = {
        "loc_peak_loc": float(means[intensities == intensities.max()].max()),
        "loc_peak_glob": float(means.max()),
    }
    return {name: peaks[name] for name in wanted}


def sphere_means(voxels: npt.NDArray[np.floating], centres: Mask, spacing: Vector) -> Array:
    """Mean of the finite voxels within 6.2 mm of each of the centres.

    Parameters
    ----------
    voxels
        Intensities (z, y, x).
    centres
        Mask (z, y, x) of voxels with finite intensities, not empty.
    spacing
        Of the voxels (z, y, x), mm.

    Returns
    -------
    One mean for each centre, (n,), in the order of the array.
    """
    box = bounding_box(centres)
    around = _with_surroundings(voxels, box, _reach(spacing))
    exists = np.isfinite(around)
    sums = _sphere_sums(np.where(exists, around, 0.0), spacing)[centres[box]]
    if exists.all():
        return sums / int(_line_lengths(spacing).sum())
    return sums / _sphere_sums(exists.astype(np.float64), spacing)[centres[box]]


def _reach(spacing: Vector) -> tuple[int, int, int]:
    """Voxels from the centre of the sphere to its edge along z, y, x."""
    z, y, x = (int(RADIUS / step) for step in spacing)
    return z, y, x


def _with_surroundings(voxels: npt.NDArray[np.floating], box: Box, reach: tuple[int, int, int]) -> Array:
    """A part of an image and so much around it, NaN where the image has ended."""
    whole = np.full([part.stop - part.start + 2 * margin for part, margin in zip(box, reach, strict=True)], np.nan)
    source, target = [], []
    for part, margin, size in zip(box, reach, voxels.shape, strict=True):
        first, last = max(0, part.start - margin), min(size, part.stop + margin)
        source.append(slice(first, last))
        target.append(slice(first - part.start + margin, last - part.start + margin))
    whole[tuple(target)] = voxels[tuple(source)]
    return whole


def _sphere_sums(around: Array, spacing: Vector) -> Array:
    """Sum over the sphere around each voxel that has its whole surroundings in the array."""
    depth, height, width = _reach(spacing)
    slices, rows, columns = (size - 2 * margin for size, margin in zip(around.shape, _reach(spacing), strict=True))
    sums = np.zeros((slices, rows, columns))
    lengths = _line_lengths(spacing)[depth:]
    for index, plane in enumerate(around):
        running = _running_sums(plane, width, columns)
        for dz, lines in enumerate(lengths):
            targets = [target for target in {index - depth - dz, index - depth + dz} if 0 <= target < slices]
            if not targets:
                continue
            disc = np.zeros((rows, columns))
            for first in np.flatnonzero(lines):
                disc += running[lines[first] // 2][first : first + rows]
            for target in targets:
                sums[target] += disc
    return sums


def _line_lengths(spacing: Vector) -> npt.NDArray[np.int64]:
    """Voxels of the sphere along x, an odd number or none, at each (dz, dy)."""
    z, y, x = (
        np.square(np.arange(-count, count + 1) * step) for count, step in zip(_reach(spacing), spacing, strict=True)
    )
    lengths: npt.NDArray[np.int64] = (z[:, None, None] + y[:, None] + x <= RADIUS**2).sum(axis=2)
    return lengths


def _running_sums(plane: Array, width: int, columns: int) -> list[Array]:
    """Sums of 1, 3, 5, ... voxels along x around each column."""
    sums = [plane[:, width : width + columns]]
    for reach in range(1, width + 1):
        before = plane[:, width - reach : width - reach + columns]
        after = plane[:, width + reach : width + reach + columns]
        sums.append(sums[-1] + before + after)
    return sums
