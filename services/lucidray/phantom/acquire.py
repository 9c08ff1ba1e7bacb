"""What a virtual scanner measures: the ideal body, blurred, sampled and with noise."""

from math import ceil

import numpy as np
from scipy import ndimage

from lucidray.phantom.patient import VirtualPatient
from lucidray.phantom.sampling import Image, average, ideal
from lucidray.phantom.scanners import Scanner, Size
from lucidray.phantom.uids import stream

# Full width at half maximum of a Gaussian in units of its standard deviation.
_FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
_CT_PARTS = (1, 2, 2)
# PET voxels are split until no part is longer than this, mm.
_PET_PART = 3.0
_LEAST_NOISE_SUV = 0.15


def acquire_ct(patient: VirtualPatient, scanner: Scanner, size: Size, *, noise: bool, blur: bool) -> Image:
    """CT numbers on the scanner's CT grid, shape (z, y, x), HU."""
    system, sampling = scanner.ct, scanner.ct.sampling[size]
    image = ideal(patient, "HU", sampling.axes(_CT_PARTS))
    if blur:
        width = system.blur_fwhm / _FWHM / sampling.pixel * _CT_PARTS[1]
        image = ndimage.gaussian_filter(image, (0, width, width), mode="nearest", truncate=3.0)
    image = average(image, _CT_PARTS)
    if noise:
        grain = system.grain_fwhm / _FWHM / sampling.pixel
        image += system.noise_hu * _noise(image.shape, (0.0, grain, grain), patient.seed, scanner.key, "CT")
    return image


def acquire_pet(patient: VirtualPatient, scanner: Scanner, size: Size, *, noise: bool, blur: bool) -> Image:
    """Body-weight SUV on the scanner's PET grid, shape (z, y, x), g/ml."""
    system, sampling = scanner.pet, scanner.pet.sampling[size]
    in_plane = ceil(sampling.pixel / _PET_PART)
    parts = (ceil(sampling.thickness / _PET_PART), in_plane, in_plane)
    image = ideal(patient, "SUV", sampling.axes(parts))
    steps = np.array((sampling.thickness, sampling.pixel, sampling.pixel))
    width = system.blur_fwhm / _FWHM / steps
    if blur:
        image = ndimage.gaussian_filter(image, width * parts, mode="nearest", truncate=3.0)
    image = average(image, parts)
    if noise:
        spread = system.noise * np.sqrt(np.maximum(image, _LEAST_NOISE_SUV))
        image += spread * _noise(image.shape, tuple(width), patient.seed, scanner.key, "PT")
    return np.maximum(image, 0.0)


def _noise(shape: tuple[int, ...], width: tuple[float, ...], *parts: object) -> Image:
    """Correlated noise of unit variance."""
    white = stream(*parts, "noise").standard_normal(shape, dtype=np.float32)
    grains = ndimage.gaussian_filter(white, width, mode="wrap", truncate=3.0)
    return np.asarray(grains / grains.std(), dtype=np.float32)
