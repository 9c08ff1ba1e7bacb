"""Contours as another reader, or the same one on another day, might have drawn them.

Zwanenburg et al. 2019, Sci Rep 9:614: volume adaptation and contour randomisation by supervoxels.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lucidray.contracts.grid import Vector

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

# Their values: supervoxels of about 500 mm3 and at least 20 voxels; sure inside from 90 % overlap, outside below 20 %.
_SUPERVOXEL_MM3 = 500.0
_SUPERVOXEL_VOXELS = 20.0
_INSIDE, _OUTSIDE = 0.9, 0.2
_COMPACTNESS = 0.05
_WIDENED = 0.1  # the intensity window beyond the region's own range, at either end, as a share of it


def resized(mask: Mask, spacing: Vector, change: float, rng: np.random.Generator) -> Mask:
    """The mask grown or shrunk to (1 + change) of its voxels.

    The nearest voxels come first, by distance in mm from the border; lots decide between equally near ones.

    Parameters
    ----------
    mask
        Boolean (z, y, x) with room around the region.
    change
        Relative change of volume; at least one voxel stays.
    """
    target = max(1, round(int(mask.sum()) * (1 + change)))
    distance = ndimage.distance_transform_edt(~mask, spacing) - ndimage.distance_transform_edt(mask, spacing)
    nearest = np.lexsort([rng.random(mask.size), distance.ravel()])
    result = np.zeros(mask.size, np.bool_)
    result[nearest[:target]] = True
    return result.reshape(mask.shape)


def randomised(mask: Mask, voxels: Floats, spacing: Vector, rng: np.random.Generator) -> Mask:
    """The mask with every supervoxel that it partly covers in or out by lot, in with the covered share as probability.

    Supervoxels (SLIC: Achanta et al. 2012, IEEE TPAMI 34:2274) follow edges of the image, so the border moves where
    a reader could see another one. The best covered supervoxel stays; small gaps are closed.

    Parameters
    ----------
    mask, voxels
        Arrays (z, y, x).
    spacing
        (z, y, x), mm.
    """
    supervoxels = _supervoxels(mask, voxels, spacing)
    size = np.bincount(supervoxels.ravel())
    covered = np.bincount(supervoxels[mask], minlength=len(size)) / np.maximum(size, 1)
    probability = np.where(covered >= _INSIDE, 1.0, np.where(covered < _OUTSIDE, 0.0, covered))
    probability[np.argmax(covered)] = 1.0
    chosen = rng.random(len(size)) < probability
    closed: Mask = ndimage.binary_closing(np.pad(chosen[supervoxels], 1))[1:-1, 1:-1, 1:-1]
    return closed


def _supervoxels(mask: Mask, voxels: Floats, spacing: Vector) -> npt.NDArray[np.intp]:
    from skimage.segmentation import slic

    low, high = float(voxels[mask].min()), float(voxels[mask].max())
    low, high = low - _WIDENED * (high - low), high + _WIDENED * (high - low)
    window = (np.clip(voxels, low, high) - low) / ((high - low) or 1.0)
    size = max(_SUPERVOXEL_VOXELS, _SUPERVOXEL_MM3 / float(np.prod(spacing)))
    labels: npt.NDArray[np.intp] = slic(
        window.astype(np.float64),
        n_segments=max(1, int(mask.size / size)),
        compactness=_COMPACTNESS,
        sigma=min(spacing),
        spacing=spacing,
        channel_axis=None,
        start_label=0,
    )
    return labels
