"""Separable wavelets, decimated and not (IBSI-2 manual, section 3.5).

The undecimated transform dilates its kernels with zeros from level to level ("a trous"). The kernels of all levels are
one kernel by convolution: the image is continued beyond its edge once, not at every level.
"""

import numpy as np
import pywt
from scipy import ndimage

from lucidray.quantify.filters import separable
from lucidray.quantify.filters.boundary import SCIPY_MODES, Image
from lucidray.quantify.filters.separable import Kernel, centred
from lucidray.quantify.filters.specs import Wavelet


def reach(spec: Wavelet) -> int:
    """Voxels from the middle of the kernel to its end."""
    return max(len(each) // 2 for each in _kernels(spec))


def response(image: Image, spec: Wavelet) -> Image:
    """Response map; that of a decimated transform is a map of blocks of 2^level voxels."""
    if spec.decimated:
        return _decimated(image, spec)
    rotated = {None: separable.convolve, "max": separable.maximum, "mean": separable.mean}[spec.pooling]
    return rotated(image, _kernels(spec), spec.boundary)


def _kernels(spec: Wavelet) -> tuple[Kernel, ...]:
    """One kernel for each axis, (z, y, x), from the image to the band."""
    low, high = _low_and_high(spec)
    before = np.ones(1)
    for level in range(spec.level - 1):
        before = np.convolve(before, _dilated(low, level))
    band = {
        letter: np.convolve(before, _dilated(kernel, spec.level - 1)) for letter, kernel in (("L", low), ("H", high))
    }
    return tuple(band[letter] for letter in reversed(spec.bands))


def _low_and_high(spec: Wavelet) -> tuple[Kernel, Kernel]:
    wavelet = pywt.Wavelet(spec.family)
    return centred(wavelet.dec_lo), centred(wavelet.dec_hi)


def _dilated(kernel: Kernel, level: int) -> Kernel:
    result = np.zeros((len(kernel) - 1) * 2**level + 1)
    result[:: 2**level] = kernel
    return result


def _decimated(image: Image, spec: Wavelet) -> Image:
    low, high = _low_and_high(spec)
    for axis, letter in zip(range(-spec.dimensions, 0), reversed(spec.bands), strict=True):
        size, part = image.shape[axis], image
        for kernel in [*[low] * (spec.level - 1), {"L": low, "H": high}[letter]]:
            every_second = (..., slice(None, None, 2), *[slice(None)] * (-axis - 1))
            part = ndimage.convolve1d(part, kernel, axis, mode=SCIPY_MODES[spec.boundary])[every_second]
        image = np.take(part, np.arange(size) >> spec.level, axis)
    return image
