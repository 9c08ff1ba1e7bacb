"""One image from two.

Weighted sum and wavelet-band fusion: Vallieres et al. 2015, Phys Med Biol 60:5471 (PET and MR); Lv et al. 2020,
IEEE J Biomed Health Inform 24:2268 (PET and CT). The largest detail: Li, Manjunath and Mitra 1995,
Graph Models Image Process 57:235.
"""

from typing import Annotated, Literal, assert_never

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lucidray.quantify.processing import Model

Floats = npt.NDArray[np.float64]
Weight = Annotated[float, Field(ge=0, le=1)]


class WeightedFusion(Model):
    """weight x first + (1 - weight) x second."""

    kind: Literal["weighted"]
    weight: Weight = Field(0.5, description="Of the first image")

    @property
    def label(self) -> str:
        """As it stands with a feature."""
        return f"weighted {self.weight:g}"


class WaveletFusion(Model):
    """Each band of one level of a stationary wavelet transform fused by its own weight, then transformed back."""

    kind: Literal["wavelet"]
    wavelet: Literal["haar", "db2", "db3", "coif1"] = "coif1"
    low: Weight = Field(0.5, description="Weight of the first image in the band that is low-pass along all axes")
    high: Weight | Literal["largest"] = Field(
        "largest", description="In the seven others; largest: the coefficient of greater magnitude"
    )

    @property
    def label(self) -> str:
        """As it stands with a feature."""
        high = self.high if isinstance(self.high, str) else f"{self.high:g}"
        return f"wavelet {self.wavelet} low {self.low:g} high {high}"


Fusion = Annotated[WeightedFusion | WaveletFusion, Field(discriminator="kind")]


def fuse(first: Floats, second: Floats, spec: WeightedFusion | WaveletFusion) -> Floats:
    """The fused image (z, y, x) of two on one grid, both scaled to 0 to 1; the wavelet's may overshoot a little."""
    match spec:
        case WeightedFusion():
            return _mixed(first, second, spec.weight)
        case WaveletFusion():
            return _fused_bands(first, second, spec)
        case _:
            assert_never(spec)


def _mixed(first: Floats, second: Floats, weight: float) -> Floats:
    return weight * first + (1 - weight) * second


def _fused_bands(first: Floats, second: Floats, spec: WaveletFusion) -> Floats:
    """The undecimated transform, so that moving both images by a voxel moves the fused one by a voxel."""
    import pywt

    reach = pywt.Wavelet(spec.wavelet).dec_len
    # Even lengths for the transform, and room so that its periodic border does not reach the images.
    padding = [(reach, reach + length % 2) for length in first.shape]
    one, other = (pywt.swtn(np.pad(each, padding, mode="symmetric"), spec.wavelet, 1)[0] for each in (first, second))
    bands = {
        name: _mixed(one[name], other[name], spec.low) if name == "aaa" else _detail(one[name], other[name], spec.high)
        for name in one
    }
    inner = tuple(slice(before, before + length) for (before, _), length in zip(padding, first.shape, strict=True))
    fused: Floats = np.ascontiguousarray(pywt.iswtn([bands], spec.wavelet)[inner])
    return fused


def _detail(first: Floats, second: Floats, weight: float | Literal["largest"]) -> Floats:
    if weight == "largest":
        return np.where(np.abs(first) >= np.abs(second), first, second)
    return _mixed(first, second, weight)
