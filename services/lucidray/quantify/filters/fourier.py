"""Filters that are defined by their transfer function, between a forward and a backward Fourier transform."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from lucidray.quantify.filters.boundary import Boundary, Image, pad

Frequencies = list[npt.NDArray[np.float64]]
Transfer = npt.NDArray[np.inexact[Any]]


@dataclass(frozen=True)
class Spectrum:
    """The half spectrum of an image, over its last axes, with what was padded to it."""

    values: npt.NDArray[np.complex128]
    padded: tuple[int, ...]  # shape in space of the transformed axes
    inside: tuple[slice, ...]  # the image in the padded one

    @classmethod
    def of(cls, image: Image, dimensions: int, width: int, boundary: Boundary) -> "Spectrum":
        """Transform `image` (z, y, x) over its last `dimensions` axes, padded by `width` voxels on each side.

        Where there is something to pad, the far side grows further to a length that transforms fast.
        """
        sizes = image.shape[-dimensions:]
        lengths = [fft.next_fast_len(size + 2 * width, real=True) if width else size for size in sizes]
        widths = [(width, length - size - width) for size, length in zip(sizes, lengths, strict=True)]
        widths = [(0, 0)] * (image.ndim - dimensions) + widths
        values = fft.rfftn(pad(image, widths, boundary), axes=_axes(dimensions))
        inside = tuple(slice(before, before + size) for (before, _), size in zip(widths, image.shape, strict=True))
        return cls(values, tuple(lengths), inside)

    @property
    def cycles(self) -> Frequencies:
        """Frequencies of the discrete transform along each axis, in cycles per voxel, shaped to broadcast."""
        return list(np.ix_(*(bins / size for bins, size in self._bins())))

    def symmetric(self, transfer: Callable[[Frequencies], Transfer]) -> Transfer:
        """A transfer function on the IBSI's grid: n samples from -1 to 1 along an axis, both ends included.

        With the size of the image even, the frequency 0 falls between two samples and the grid is not symmetric, so
        that the response gets an imaginary part, which is dropped; what remains is the response to the mean of the
        transfer function and the conjugate of its reverse. This is how the reference response maps were made: a grid
        with a sample at 0 misses those of the Simoncelli wavelet at levels 2 and 3 by 2.5 and 8 tolerances.
        """
        forth, back = ([_grid(sign * bins, size) for bins, size in self._bins()] for sign in (1, -1))
        result: Transfer = (transfer(list(np.ix_(*forth))) + np.conj(transfer(list(np.ix_(*back))))) / 2
        return result

    def _bins(self) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
        """Number of each bin along an axis, and the size of the axis; the last axis has only half of them."""
        for size in self.padded[:-1]:
            yield np.arange(size), size
        yield np.arange(self.padded[-1] // 2 + 1), self.padded[-1]

    def filtered(self, transfer: Transfer, *, whole: bool = False) -> Image:
        """The image after a transfer function; `whole`: with what was padded to it."""
        axes = _axes(len(self.padded))
        image: Image = fft.irfftn(self.values * transfer, self.padded, axes=axes)
        return image if whole else image[self.inside]


def radius(frequencies: Frequencies) -> npt.NDArray[np.float64]:
    """Length of the frequency vector."""
    total: npt.NDArray[np.float64] = np.sqrt(sum(np.square(each) for each in frequencies))
    return total


def _grid(bins: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.float64]:
    """Where the bins lie between -1 and 1, the 0 of the discrete transform being the sample size // 2."""
    return ((bins + size // 2) % size) * 2.0 / (size - 1) - 1.0 if size > 1 else np.zeros(len(bins))


def _axes(dimensions: int) -> tuple[int, ...]:
    return tuple(range(-dimensions, 0))
