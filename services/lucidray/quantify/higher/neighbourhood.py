"""Voxels of a region whose whole neighbourhood lies in it."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_CHUNK = 1 << 15  # voxels at a time, so that their neighbourhoods stay in the cache


def neighbourhoods(image: Image, mask: Mask, offsets: npt.NDArray[np.int64]) -> Iterator[tuple[Image, Image]]:
    """Intensities at and around the voxels from which all offsets lead to voxels of the region.

    Parameters
    ----------
    image, mask
        Intensities and region (z, y, x).
    offsets
        In voxels (n, 3).

    Yields
    ------
    Intensities of some voxels (m,), and at the offsets from each (m, n).
    """
    reach = np.abs(offsets).max(axis=0)
    if (reach >= image.shape).any():
        return  # some offset leads out of the image from everywhere
    margins = [(each, each) for each in reach]
    wide, inside = (np.ascontiguousarray(np.pad(each, margins)) for each in (image, mask))
    steps = offsets @ (np.array(wide.strides) // wide.itemsize)
    values, member = wide.ravel(), inside.ravel()
    places = np.flatnonzero(inside)
    for start in range(0, len(places), _CHUNK):
        some = places[start : start + _CHUNK]
        some = some[member[some[:, None] + steps].all(axis=1)]
        if len(some):
            yield values[some], values[some[:, None] + steps]
