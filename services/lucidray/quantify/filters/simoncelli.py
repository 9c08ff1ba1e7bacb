"""The Simoncelli wavelet: isotropic band-pass filters of an octave around a centre (IBSI-2 manual, section 3.5.4;
Portilla and Simoncelli, IJCV 2000)."""

from functools import partial

import numpy as np

from lucidray.quantify.filters.boundary import Image
from lucidray.quantify.filters.fourier import Frequencies, Spectrum, Transfer, radius
from lucidray.quantify.filters.riesz import filtered
from lucidray.quantify.filters.specs import Simoncelli

_PADDING = 8  # voxels at level 0: beyond, the kernel of a band is below 2e-4 of its peak (tested)


def reach(spec: Simoncelli) -> int:
    """Voxels that are padded to an image that does not repeat itself."""
    return 0 if spec.boundary == "periodic" else _PADDING * 2**spec.level


def response(image: Image, spacing: float, spec: Simoncelli) -> Image:
    """Response map; `spacing` in mm matters to a steered Riesz transform alone."""
    spectrum = Spectrum.of(image, spec.dimensions, reach(spec), spec.boundary)
    return filtered(spectrum, partial(_band, spec.level), spec.riesz, spacing)


def _band(level: int, frequencies: Frequencies) -> Transfer:
    """cos(pi/2 log2(2 v / top)) between top / 4 and top, the top being the Nyquist frequency, halved at each level."""
    frequency = radius(frequencies) * 2 ** (level - 1)
    inside = (frequency >= 1 / 4) & (frequency <= 1)
    octaves = np.log2(2 * frequency, where=inside, out=np.zeros_like(frequency))
    return np.where(inside, np.cos(np.pi / 2 * octaves), 0.0)
