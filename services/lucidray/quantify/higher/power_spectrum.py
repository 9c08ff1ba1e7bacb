"""Radial power spectrum of the intensities: how their variance is spread over spatial frequencies.

The mean of the region is taken away, what lies outside set to zero, a Hann window over the bounding box laid on, and
the squared Fourier transform averaged over all directions (Welch, 1967, for a single window). The shape of a region
leaves its trace at frequencies of the order of one over its extent; slope and bands start at twice that.
"""

import numpy as np
import numpy.typing as npt
from scipy import fft

from lucidray.quantify.higher.neighbourhood import Image
from lucidray.quantify.region import Region, bounding_box
from lucidray.quantify.values import Undefined, Values

_LEAST = 8  # voxels along an axis: below, there is no octave between twice the lowest frequency and the highest
_BANDS = ("low", "middle", "high")
_NAMES = ("spec_slope", "spec_centroid", *(f"spec_{band}" for band in _BANDS))


def measure(region: Region, wanted: frozenset[str]) -> Values:
    """Slope, centroid and bands of the power spectrum, by abbreviation."""
    mask = region.intensity_mask
    extents = [axis.stop - axis.start for axis in bounding_box(mask)] if mask.any() else [0]
    if min(extents) < _LEAST:
        return dict.fromkeys(wanted, Undefined(f"the region spans fewer than {_LEAST} voxels along an axis"))
    if not np.ptp(region.voxels[mask]):
        return dict.fromkeys(wanted, Undefined("all intensities are equal"))
    frequencies, power, count = radial_power(region)
    bins = power > 0
    if np.count_nonzero(bins) < 2:  # noqa: PLR2004
        return dict.fromkeys(wanted, Undefined("there is no power between the extent of the region and its voxels"))
    slope = np.polyfit(np.log(frequencies[bins]), np.log(power[bins]), 1)[0]
    energy = power * count
    octave = np.digitize(frequencies / _nyquist(region), [1 / 4, 1 / 2])
    shares = np.bincount(octave, energy, len(_BANDS)) / energy.sum()
    centroid = (energy * frequencies).sum() / energy.sum()
    return dict(zip(_NAMES, (float(slope), float(centroid), *shares.tolist()), strict=True))


def radial_power(region: Region) -> tuple[Image, Image, npt.NDArray[np.int64]]:
    """Frequencies (1/mm) of shells, their mean power, and how many samples each has.

    Shells are one over the longest extent wide; the first is around twice that, the last ends at the lowest of the
    axes' Nyquist frequencies.
    """
    mask = region.intensity_mask
    box = bounding_box(mask)
    values = np.where(mask[box], region.voxels[box] - region.voxels[mask].mean(), 0.0)
    for axis, size in enumerate(values.shape):
        window = np.hanning(size + 2)[1:-1]
        values = values * window.reshape([-1 if each == axis else 1 for each in range(3)])
    power = np.square(np.abs(fft.fftn(values)))
    axes = [fft.fftfreq(size, step) for size, step in zip(values.shape, region.spacing, strict=True)]
    frequency = np.sqrt(sum(np.square(each) for each in np.ix_(*axes)))
    width = 1 / max(size * step for size, step in zip(values.shape, region.spacing, strict=True))
    shell = np.rint(frequency / width).astype(np.int64)
    used = (shell >= 2) & (frequency <= _nyquist(region))  # noqa: PLR2004
    count = np.bincount(shell[used])
    total = np.bincount(shell[used], power[used])
    mean = np.divide(total, count, out=np.zeros(len(count)), where=count > 0)
    return np.arange(len(count)) * width, mean, count


def _nyquist(region: Region) -> float:
    return 1 / (2 * max(region.spacing))
