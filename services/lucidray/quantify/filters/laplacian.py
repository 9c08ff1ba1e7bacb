"""Laplacian of Gaussian (IBSI-2 manual, section 3.2): a sum of products of one-dimensional kernels."""

from functools import reduce
from math import factorial, floor, pi, sqrt

import numpy as np
import numpy.typing as npt

from lucidray.quantify.filters.boundary import Image
from lucidray.quantify.filters.fourier import Spectrum
from lucidray.quantify.filters.riesz import filtered
from lucidray.quantify.filters.separable import Kernel, permuted
from lucidray.quantify.filters.specs import LaplacianOfGaussian


def reach(spec: LaplacianOfGaussian, spacing: float) -> int:
    """Voxels from the middle of the kernel to its end."""
    return floor(spec.truncation * spec.sigma / spacing + 0.5)


def response(image: Image, spacing: float, spec: LaplacianOfGaussian) -> Image:
    """Response map; `spacing` in mm."""
    gaussian, curvature = _kernels(spec.sigma / spacing, reach(spec, spacing))
    if spec.riesz is None:
        kernels = (curvature, *[gaussian] * (spec.dimensions - 1))
        return permuted(image, kernels, spec.boundary) / factorial(spec.dimensions - 1)
    spectrum = Spectrum.of(image, spec.dimensions, reach(spec, spacing), spec.boundary)
    smooth = [_transform(gaussian, each) for each in spectrum.cycles]
    curved = [_transform(curvature, each) for each in spectrum.cycles]
    products = ([*smooth[:axis], curved[axis], *smooth[axis + 1 :]] for axis in range(spec.dimensions))
    base = np.sum([reduce(np.multiply, each) for each in products], axis=0)
    return filtered(spectrum, lambda _: base, spec.riesz, spacing)


def _kernels(sigma: float, count: int) -> tuple[Kernel, Kernel]:
    """A Gaussian and its second derivative, `sigma` in voxels."""
    place = np.arange(-count, count + 1, dtype=np.float64)
    gaussian = np.exp(-np.square(place / sigma) / 2) / sqrt(2 * pi * sigma**2)
    return gaussian, (np.square(place / sigma) - 1) / sigma**2 * gaussian


def _transform(kernel: Kernel, cycles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Fourier transform of a symmetric kernel around its middle; frequencies in cycles per voxel."""
    middle = len(kernel) // 2
    result = np.full(cycles.shape, kernel[middle])
    for step in range(1, middle + 1):
        result += 2 * kernel[middle + step] * np.cos(2 * pi * step * cycles)
    return result
