"""Grey level size zone and distance zone matrices (IBSI manual, sections 3.8 and 3.9; 9SAK and VMDZ)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.quantify.grey import GreyLevels
from lucidray.quantify.texture import kernels
from lucidray.quantify.texture.aggregate import average
from lucidray.quantify.texture.emphasis import emphasis, names_of
from lucidray.quantify.texture.likeness import Likeness
from lucidray.quantify.values import Values

Integers = npt.NDArray[np.int64]
SIZES, DISTANCES = names_of("szm_"), names_of("dzm_")


@dataclass(frozen=True)
class Zones:
    """Zones of neighbours of one grey level, in a slice or a volume."""

    ranks: Integers
    sizes: Integers  # voxels
    distances: Integers  # least distance of a voxel of the zone to the border of the region
    voxels: int


def find_zones(grey: GreyLevels, alike: Likeness, *, within_slice: bool) -> list[Zones]:
    """The zones of each slice, or of the volume."""
    distances = kernels.border_distances(grey.inside, within_slice).reshape(-1)
    found = []
    for first, last, voxels in grey.slices if within_slice else [grey.whole]:
        zones = kernels.zones(grey.flat, alike.bits, alike.telling, distances, first, last, alike.offsets)
        found.append(Zones(*zones, voxels))
    return found


def sizes(zones: Zones, levels: Integers) -> Values:
    """Features of the size zone matrix."""
    return _features(zones, zones.sizes, levels, SIZES)


def distances(zones: Zones, levels: Integers) -> Values:
    """Features of the distance zone matrix."""
    return _features(zones, zones.distances, levels, DISTANCES)


def aggregated(
    zones: Sequence[Zones], levels: Integers, features: Callable[[Zones, Integers], Values], dimension: str
) -> Values:
    """Features of each slice, averaged ('2D'), or of all zones together ('2.5D', '3D')."""
    if dimension == "2D":
        return average(features(each, levels) for each in zones)
    together = Zones(
        np.concatenate([each.ranks for each in zones]),
        np.concatenate([each.sizes for each in zones]),
        np.concatenate([each.distances for each in zones]),
        sum(each.voxels for each in zones),
    )
    return features(together, levels)


def _features(zones: Zones, extents: Integers, levels: Integers, names: tuple[str, ...]) -> Values:
    """Columns only for the extents that occur: a zone may have as many voxels as the region."""
    present = np.bincount(extents) > 0
    columns = np.cumsum(present) - 1
    width = int(columns[-1]) + 1
    counts = np.bincount((zones.ranks - 1) * width + columns[extents], minlength=levels.size * width)
    matrix = counts.reshape(levels.size, width)
    return emphasis(matrix, levels, np.flatnonzero(present), zones.voxels, names)
