"""Gradients of the intensity: their magnitude, and their orientation in the axial plane."""

import numpy as np
import numpy.typing as npt

from lucidray.quantify.higher.neighbourhood import neighbourhoods
from lucidray.quantify.region import Region
from lucidray.quantify.values import Undefined, Value, Values

_BINS = 9  # of 20 degrees: Dalal and Triggs, CVPR 2005
_NOWHERE = Undefined("no voxel has its six neighbours in the region")
_FLAT = Undefined("the intensities have no gradient")
_PLANE = Undefined("the intensities have no gradient in the axial plane")


def measure(region: Region, wanted: frozenset[str]) -> Values:
    """Features of the gradient, by abbreviation."""
    gradients = central_differences(region)
    if not len(gradients):
        return dict.fromkeys(wanted, _NOWHERE)
    return _magnitude(gradients) | _orientation(gradients)


def central_differences(region: Region) -> npt.NDArray[np.float64]:
    """Gradients (n, 3) along (z, y, x), intensity per mm, of the voxels whose six neighbours lie in the region."""
    offsets = np.concatenate([np.eye(3, dtype=np.int64), -np.eye(3, dtype=np.int64)])
    found = [
        (around[:, :3] - around[:, 3:]) / (2 * np.array(region.spacing))
        for _, around in neighbourhoods(region.voxels, region.intensity_mask, offsets)
    ]
    return np.concatenate(found) if found else np.empty((0, 3))


def _magnitude(gradients: npt.NDArray[np.float64]) -> Values:
    size = np.linalg.norm(gradients, axis=1)
    return {
        "grad_mean": float(size.mean()),
        "grad_deviation": float(size.std()),
        "grad_median": float(np.median(size)),
        "grad_maximum": float(size.max()),
        "grad_anisotropy": _anisotropy(gradients),
    }


def _anisotropy(gradients: npt.NDArray[np.float64]) -> Value:
    """Fractional anisotropy of the mean of the gradients' outer products: 0 without, 1 with a single direction."""
    if not gradients.any():
        return _FLAT
    scaled = gradients / np.abs(gradients).max()
    variances = np.linalg.eigvalsh(np.einsum("vi,vj->ij", scaled, scaled))
    apart = np.square(variances - variances.mean()).sum() / np.square(variances).sum()
    return float(np.sqrt(1.5 * apart))


def _orientation(gradients: npt.NDArray[np.float64]) -> Values:
    """Histogram of the axis of the gradient in the plane, from x towards y, weighted by its length there."""
    y, x = gradients[:, 1], gradients[:, 2]
    length = np.hypot(y, x)
    if not length.any():
        return dict.fromkeys([*_bins(), "grad_hog_entropy"], _PLANE)
    turn = np.arctan2(y, x) % np.pi / np.pi
    number = (np.round(turn * _BINS, 9).astype(np.int64)) % _BINS  # rounded, so that an axis falls into its own bin
    shares = np.bincount(number, length, _BINS) / length.sum()
    present = shares[shares > 0]
    values: Values = dict(zip(_bins(), shares.tolist(), strict=True))
    return values | {"grad_hog_entropy": float(-(present * np.log2(present)).sum() + 0.0)}


def _bins() -> list[str]:
    return [f"grad_hog_{number * 180 // _BINS}" for number in range(_BINS)]
