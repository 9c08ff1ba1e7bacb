"""Grey levels of a region, as the loops over voxels want them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lucidray.quantify.processing import Discretisation
from lucidray.quantify.region import Mask, Region, bounding_box
from lucidray.quantify.values import Undefined

MOST = 2048  # different grey levels in a texture matrix: a co-occurrence matrix of them has 32 MB
TOO_MANY = Undefined(f"too many grey levels for a texture matrix: more than {MOST}; use wider bins")


@dataclass(frozen=True)
class Histogram:
    """Grey levels that are present, ascending, and how many voxels have each."""

    levels: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    bins: int  # the manual's N_g: the number of bins, or the highest level where bins have a size


@dataclass(frozen=True)
class GreyLevels:
    """Grey levels (z, y, x) of the region's bounding box with `pad` voxels around it."""

    ranks: npt.NDArray[np.uint16]  # 0 outside the intensity mask, else the place in `histogram.levels` from 1
    inside: Mask  # the morphological mask in the same box
    histogram: Histogram
    pad: int

    @property
    def levels(self) -> npt.NDArray[np.int64]:
        """Grey level of each rank from 1."""
        return self.histogram.levels

    @property
    def flat(self) -> npt.NDArray[np.uint16]:
        return self.ranks.reshape(-1)

    @property
    def size(self) -> int:
        """Voxels."""
        return int(self.histogram.counts.sum())

    @cached_property
    def slices(self) -> list[tuple[int, int, int]]:
        """Of each slice that has voxels their number, after the elements of `flat` between which they lie.

        A vector of up to `pad` voxels from any of these elements ends in `flat`.
        """
        _, rows, columns = self.ranks.shape
        area, margin = rows * columns, self.pad * (columns + 1)
        voxels = np.count_nonzero(self.ranks, axis=(1, 2))
        present = np.flatnonzero(voxels)
        return [(int(z) * area + margin, int(z + 1) * area - margin, int(voxels[z])) for z in present]

    @property
    def whole(self) -> tuple[int, int, int]:
        """As `slices`, of all of them at once."""
        return self.slices[0][0], self.slices[-1][1], self.size

    def offsets(self, vectors: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Distances in `flat` of vectors (n, 3) of voxels (z, y, x)."""
        _, rows, columns = self.ranks.shape
        found: npt.NDArray[np.int64] = (vectors * np.array([rows * columns, columns, 1])).sum(axis=1)
        return found


def histogram_of(numbers: npt.NDArray[np.int64], discretisation: Discretisation) -> Histogram:
    """The histogram of grey levels."""
    counts = np.bincount(numbers)
    levels = np.flatnonzero(counts)
    bins = int(discretisation.value or 1) if discretisation.method == "fixed_bin_number" else int(levels[-1])
    return Histogram(levels, counts[levels], bins)


def grey_levels(
    region: Region, numbers: npt.NDArray[np.int64], histogram: Histogram, pad: int
) -> GreyLevels | Undefined:
    """Grey levels in their places.

    Parameters
    ----------
    numbers
        Grey level of each voxel of the intensity mask, in the order of the array.
    """
    if histogram.levels.size > MOST:
        return TOO_MANY
    ranks = np.zeros(int(histogram.levels[-1]) + 1, np.uint16)
    ranks[histogram.levels] = np.arange(1, histogram.levels.size + 1)
    box = bounding_box(region.mask)
    placed = np.zeros([part.stop - part.start + 2 * pad for part in box], np.uint16)
    inner = (slice(pad, -pad),) * 3
    placed[inner][region.intensity_mask[box]] = ranks[numbers]
    return GreyLevels(placed, np.pad(region.mask[box], pad), histogram, pad)
