"""Fractal dimensions and lacunarity: how detail grows with resolution, and how uneven it lies.

Boxes are cubes of voxels, therefore the voxels must be as long as wide and high.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from lucidray.quantify.higher.neighbourhood import Image, Mask
from lucidray.quantify.region import Region, bounding_box
from lucidray.quantify.values import Undefined, Value, Values

LACUNARITY_SIZES = (2, 4, 8)
_SIZES = 3  # at least, for a slope
_EQUAL = 1e-3  # relative difference of spacings that are called equal
_UNEQUAL = Undefined("the voxels are not of equal length along all axes")
_NO_VOXEL = Undefined("the region has no voxel")
_FLAT = Undefined("all intensities are equal")
_SMALL = Undefined(f"the region has room for fewer than {_SIZES} sizes of boxes")


def measure(region: Region, wanted: frozenset[str]) -> Values:
    """Fractal dimensions and lacunarity, by abbreviation."""
    if max(region.spacing) - min(region.spacing) > _EQUAL * max(region.spacing):
        return dict.fromkeys(wanted, _UNEQUAL)
    if not region.mask.any():
        return dict.fromkeys(wanted, _NO_VOXEL)
    inner = ndimage.binary_erosion(region.mask)
    image, mask = region.voxels, region.intensity_mask
    values: Values = {
        "frac_box": box_counting(region.mask),
        "frac_surface": box_counting(region.mask & ~inner),
        "frac_differential": differential_box_counting(image, mask),
    }
    return values | {f"frac_lacunarity_{size}": lacunarity(image, mask, size) for size in LACUNARITY_SIZES}


def box_counting(mask: Mask, base: int = 2) -> Value:
    """Dimension of a set: minus the slope of log(boxes that hold some of it) over log(side of the boxes).

    Sides are powers of `base` up to a quarter of the set's extent, for larger boxes stick out and are too many; to half
    of it where there would be fewer than three. The boxes stand in a corner of the set's bounding box; of the eight
    corners that with the fewest boxes is taken, for the definition asks for the fewest.
    """
    part = mask[bounding_box(mask)]
    extent = max(part.shape)
    sizes = _powers(max(extent // 4, min(extent // 2, base ** (_SIZES - 1))), base)
    if len(sizes) < _SIZES:
        return _SMALL
    corners = [part[flips] for flips in product((slice(None), slice(None, None, -1)), repeat=3)]
    counts = [min(_boxes(corner, size) for corner in corners) for size in sizes]
    return -_slope(sizes, counts)


def differential_box_counting(image: Image, mask: Mask) -> Value:
    """Dimension, 3 to 4, of the intensities as a landscape over the volume.

    A cube of side s, with faces that it shares with its neighbours (Li, Du and Sun, Pattern Recognition 2009), needs
    (max - min) / h boxes of a height h proportional to s to cover the landscape, not rounded (the variation of Dubuc et
    al., Proc R Soc A 1989). The mean over all cubes in the region stands for the region.
    """
    if not mask.any():
        return _NO_VOXEL
    box = bounding_box(mask)
    inside, values = mask[box], image[box]
    sizes, means = [], []
    for size in _powers(min(inside.shape) - 1):
        whole = _windows(inside, size + 1, np.all)
        if not whole.any():
            break
        heights = _windows(values, size + 1, np.max)[whole] - _windows(values, size + 1, np.min)[whole]
        sizes.append(size)
        means.append(float(heights.mean()) / size)
    if len(sizes) < _SIZES:
        return _SMALL
    return 3 - _slope(sizes, means) if all(means) else _FLAT


def lacunarity(image: Image, mask: Mask, size: int) -> Value:
    """E[m^2] / E[m]^2 of the mass m in all boxes of a side that lie in the region (Allain and Cloitre, 1991).

    The mass of a voxel is its intensity above the least of the region.
    """
    if not mask.any():
        return _NO_VOXEL
    box = bounding_box(mask)
    inside, values = mask[box], image[box]
    if min(inside.shape) < size:
        return Undefined(f"no box of {size} voxels lies in the region")
    whole = _windows(inside, size, np.all)
    if not whole.any():
        return Undefined(f"no box of {size} voxels lies in the region")
    raised = np.where(inside, values - values[inside].min(), 0.0)
    mass = _windows(raised, size, np.sum)[whole]
    return float(np.square(mass).mean() / mass.mean() ** 2) if mass.any() else _FLAT


def _windows(values: npt.NDArray[Any], size: int, reduce: Callable[..., Any]) -> npt.NDArray[Any]:
    """A reduction over all boxes of a side, by their first voxel."""
    for axis in range(3):
        values = reduce(sliding_window_view(values, size, axis), axis=-1)
    return values


def _boxes(mask: Mask, size: int) -> int:
    """How many boxes of a side, from the first corner on, hold a voxel."""
    for axis in range(3):
        mask = np.logical_or.reduceat(mask, np.arange(0, mask.shape[axis], size), axis)
    return int(mask.sum())


def _powers(limit: int, base: int = 2) -> list[int]:
    return [base**power for power in range(limit.bit_length()) if base**power <= limit]


def _slope(sizes: list[int], counts: Sequence[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(counts), 1)[0])
