"""Gabor kernels: waves under a Gaussian envelope (IBSI-2 manual, section 3.4)."""

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from math import ceil, cos, log, pi, radians, sin, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from lucidray.quantify.filters.boundary import Image, pad
from lucidray.quantify.filters.specs import Gabor

Complex = npt.NDArray[np.complex128]
_NEGLIGIBLE = 1e-8  # of the peak: where the envelope, which has no end, is cut
_PARTS: dict[str, Callable[[Complex], Any]] = {"modulus": np.abs, "real": np.real, "imaginary": np.imag}


def reach(spec: Gabor, spacing: float) -> int:
    """Voxels to where the envelope becomes negligible along its longer axis."""
    return ceil(spec.sigma / spacing * max(1.0, 1.0 / spec.gamma) * sqrt(-2 * log(_NEGLIGIBLE)))


def response(image: Image, spacing: float, spec: Gabor) -> Image:
    """Response map, pooled over directions and planes as the filter says; `spacing` in mm."""
    planes = (0, 1, 2) if spec.orthogonal else (0,)
    maps = (np.moveaxis(_in_planes(np.moveaxis(image, axis, 0), spacing, spec), 0, axis) for axis in planes)
    return _pooled(maps, len(planes), spec)


def _in_planes(image: Image, spacing: float, spec: Gabor) -> Image:
    """Response in the planes of the last two axes, pooled over directions."""
    width, part = reach(spec, spacing), _PARTS[spec.response]
    rows, columns = (fft.next_fast_len(size + 2 * width) for size in image.shape[1:])
    widths = [(width, length - size - width) for size, length in zip(image.shape[1:], (rows, columns), strict=True)]
    inside = (slice(width, width + image.shape[1]), slice(width, width + image.shape[2]))
    kernels = [_transform((rows, columns), spacing, spec, theta) for theta in _directions(spec)]
    result = np.empty(image.shape)
    for index, plane in enumerate(image):
        spectrum = fft.fft2(pad(plane, widths, spec.boundary))
        maps = (part(fft.ifft2(spectrum * kernel, overwrite_x=True)[inside]) for kernel in kernels)
        result[index] = _pooled(maps, len(kernels), spec)
    return result


def _pooled(maps: Iterable[Image], count: int, spec: Gabor) -> Image:
    """The mean or the maximum of `count` maps, of which no two are kept."""
    return reduce(np.add, maps) / count if spec.pooling == "mean" else reduce(np.maximum, maps)


def _directions(spec: Gabor) -> Iterator[float]:
    """Radians; opposite directions give the same modulus and real part, so that half a turn is enough for these."""
    turn = 360.0 if spec.response == "imaginary" else 180.0
    step = spec.step or turn
    count = max(1, round(turn / step))
    return (radians(spec.theta + number * step) for number in range(count))


def _transform(shape: tuple[int, int], spacing: float, spec: Gabor, theta: float) -> Complex:
    """Fourier transform of the kernel, whose middle lies at index 0."""
    width, sigma = reach(spec, spacing), spec.sigma / spacing
    y, x = np.ogrid[-width : width + 1, -width : width + 1]
    along, across = x * cos(theta) + y * sin(theta), y * cos(theta) - x * sin(theta)
    envelope = np.exp(-(np.square(along) + np.square(spec.gamma * across)) / (2 * sigma**2))
    kernel = np.zeros(shape, np.complex128)
    kernel[: 2 * width + 1, : 2 * width + 1] = envelope * np.exp(2j * pi * along * spacing / spec.wavelength)
    result: Complex = fft.fft2(np.roll(kernel, (-width, -width), (0, 1)))
    return result
