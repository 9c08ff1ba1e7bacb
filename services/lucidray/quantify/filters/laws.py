"""Laws kernels and their energy maps (IBSI-2 manual, section 3.3; Laws, 1980)."""

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from lucidray.quantify.filters import separable
from lucidray.quantify.filters.boundary import SCIPY_MODES, Boundary, Image
from lucidray.quantify.filters.specs import Laws

# Level, edge, spot, wave, ripple.
_KERNELS: Mapping[str, tuple[int, ...]] = {
    "L3": (1, 2, 1),
    "E3": (-1, 0, 1),
    "S3": (-1, 2, -1),
    "L5": (1, 4, 6, 4, 1),
    "E5": (-1, -2, 0, 2, 1),
    "S5": (-1, 0, 2, 0, -1),
    "W5": (-1, 2, 0, -2, 1),
    "R5": (1, -4, 6, -4, 1),
}


def reach(spec: Laws) -> int:
    """Voxels to the end of the kernel and of the energy map's neighbourhood."""
    return max(len(_KERNELS[name]) // 2 for name in spec.each) + (spec.energy or 0)


def response(image: Image, spec: Laws) -> Image:
    """Response map, or its energy map."""
    kernels = tuple(_normalised(_KERNELS[name]) for name in reversed(spec.each))
    rotated = {None: separable.convolve, "max": separable.maximum, "mean": separable.mean}[spec.pooling]
    result = rotated(image, kernels, spec.boundary)
    return result if spec.energy is None else box(np.abs(result), 2 * spec.energy + 1, spec.dimensions, spec.boundary)


def box(image: Image, support: int, dimensions: int, boundary: Boundary) -> Image:
    """Mean over a cube or square of `support` voxels, over the last `dimensions` axes."""
    axes = tuple(range(-dimensions, 0))
    result: Image = ndimage.uniform_filter(image, support, mode=SCIPY_MODES[boundary], axes=axes)
    return result


def _normalised(kernel: tuple[int, ...]) -> separable.Kernel:
    return np.array(kernel, np.float64) / np.linalg.norm(kernel)
