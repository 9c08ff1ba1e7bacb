"""The scale of intensities where each image gives its own: MR has no unit, so that networks for it are trained on
z-scores or between percentiles.

What is measured is measured on the native voxels of the whole image, before anything is cropped or resampled (nnU-Net
from version 2 on normalises before it resamples, too): a region embeds alike in the service, in the lab and in any
window.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.imaging.crop import crop
from lucidray.imaging.resample import resample_mask
from lucidray.serving.preprocessing import Measured, Operation, Over, Preprocessing

Floats = npt.NDArray[np.float32]

_WHERE: Mapping[Over, str] = {
    "image": "",
    "nonzero": " where it is not zero",
    "above_mean": " where it is above its mean",
    "region": " in the region",
}


class UnfitImage(Permanent):
    """An image is missing, or is not what a bundle was made for."""


class Place(NamedTuple):
    """A region: boolean mask (z, y, x) on its grid."""

    mask: npt.NDArray[np.bool_]
    grid: Grid


def settled(
    operations: Sequence[Operation], volumes: Mapping[str, Volume], region: Place | None = None
) -> list[Preprocessing]:
    """The operations with the numbers that these native volumes (by role) give.

    Raises
    ------
    UnfitImage
        An image does not vary where it is measured.
    """
    found: list[Preprocessing] = []
    for operation in operations:
        if isinstance(operation, Preprocessing):
            found.append(operation)
            continue
        values = _measured_voxels(volumes[operation.role], operation.over, region)
        for earlier in found:
            if earlier.role == operation.role:
                apply(earlier, values)
        found.append(_with_numbers(operation, values))
    return found


def apply(operation: Preprocessing, values: Floats) -> None:
    """One operation on voxels of its image, in place; whatever it says of zeros."""
    if operation.operation == "clip":
        np.clip(values, operation.a, operation.b, out=values)
    else:
        values -= np.float32(operation.a)
        values /= np.float32(operation.b)


def _measured_voxels(volume: Volume, over: Over, region: Place | None) -> Floats:
    voxels = volume.voxels
    chosen = np.isfinite(voxels)
    if over == "nonzero":
        chosen &= voxels != 0
    elif over == "above_mean":
        chosen &= voxels > voxels[chosen].mean(dtype=np.float64)
    elif over == "region":
        assert region is not None  # noqa: S101  # the manifest refuses it where there is none
        chosen &= resample_mask(*crop(region.mask, region.grid, volume.grid), volume.grid)
    return voxels[chosen].astype(np.float32)


def _with_numbers(operation: Measured, values: Floats) -> Preprocessing:
    if not values.size or values.min() == values.max():
        raise UnfitImage(
            f"image of role '{operation.role}'",
            f"it does not vary{_WHERE[operation.over]}, so that it gives no scale",
            "leave it out, or use a bundle that does not scale images by themselves",
        )
    if operation.operation == "clip_percentiles":
        kind: Literal["clip", "scale"] = "clip"
        a, b = np.percentile(values, [operation.low, operation.high])
    elif operation.operation == "zscore":
        kind, a, b = "scale", values.mean(dtype=np.float64), values.std(dtype=np.float64)
    else:
        kind, a, b = "scale", values.min(), values.max() - values.min()
    zeros: Literal["change", "stay"] = "stay" if operation.over == "nonzero" else "change"
    return Preprocessing(operation=kind, role=operation.role, a=float(a), b=float(b), zeros=zeros)
