"""Smooth random fields that are functions of position, so that every scanner samples the same one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]

_WAVES = 32
_SEPARABLE_WAVES = 6


@dataclass(frozen=True)
class RandomField:
    """A sum of plane waves: zero mean, unit variance, Gaussian correlation of a known length.

    The wave vectors follow the spectral density of the Gaussian covariance
    exp(-r^2 / (2 L^2)), i.e. a normal distribution of width 1/L (Rahimi and Recht, 2007).
    """

    vectors: npt.NDArray[np.float64]
    phases: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator, correlation_length: float) -> "RandomField":
        """Draw a field with the given correlation length, mm."""
        return cls(rng.normal(0.0, 1.0 / correlation_length, (_WAVES, 3)), rng.uniform(0.0, 2 * np.pi, _WAVES))

    def __call__(self, points: Array) -> npt.NDArray[np.float64]:
        """Values at points of shape (n, 3), (x, y, z) in mm; returns shape (n,)."""
        value = np.zeros(len(points))
        for vector, phase in zip(self.vectors, self.phases, strict=True):
            value += np.cos(points @ vector + phase)
        return np.asarray(value * np.sqrt(2.0 / len(self.phases)))


@dataclass(frozen=True)
class Mottle:
    """A cheaper, separable field for whole volumes: the uneven background of living tissue."""

    frequencies: npt.NDArray[np.float64]
    phases: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator, correlation_length: float) -> "Mottle":
        """Draw a field with about the given correlation length, mm."""
        return cls(
            rng.normal(0.0, 1.0 / correlation_length, (_SEPARABLE_WAVES, 3)),
            rng.uniform(0.0, 2 * np.pi, (_SEPARABLE_WAVES, 3)),
        )

    def on_axes(self, z: Array, y: Array, x: Array) -> npt.NDArray[np.float32]:
        """Values on the grid spanned by three axes (mm), shape (len(z), len(y), len(x)), about unit variance."""
        total = np.zeros((len(z), len(y), len(x)), dtype=np.float32)
        for frequency, phase in zip(self.frequencies, self.phases, strict=True):
            waves = [
                np.cos(axis * k + shift).astype(np.float32)
                for axis, k, shift in zip((z, y, x), frequency, phase, strict=True)
            ]
            total += (waves[0][:, None, None] * waves[1][None, :, None]) * waves[2][None, None, :]
        return total * np.float32(np.sqrt(8.0 / _SEPARABLE_WAVES))
