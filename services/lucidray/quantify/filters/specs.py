"""Filters as presets name them: each with its kind, its parameters and what happens at the edge of the image.

The letters of Laws kernels and wavelet bands, and the orders of a Riesz transform, stand in the order of the IBSI
manual: along x (columns), y (rows), z (slices). Lengths are in mm, angles in degrees.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lucidray.quantify.filters.boundary import Boundary
from lucidray.quantify.processing import Model

Pooling = Literal["max", "mean"]
_LAWS = re.compile(r"([LES]3|[LESWR]5){2,3}")
_ROTATED = "pooled over the right-angle rotations of the kernel, which makes the map invariant to them; none: not"


class Riesz(Model):
    """A Riesz transform of the filter it stands in (IBSI code AYRS)."""

    order: tuple[int, ...] = Field(min_length=2, max_length=3, description="Along x, y and z; x and y if slice-wise")
    steering: float | None = Field(
        None, gt=0, description="mm; smoothing of the structure tensor along whose eigenvectors the axes are turned"
    )

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if min(self.order) < 0 or not any(self.order):
            raise ValueError("the orders of a Riesz transform are whole numbers >= 0, and not all 0")
        return self

    @property
    def label(self) -> str:
        steered = "" if self.steering is None else f" steered {self.steering:g} mm"
        return f" riesz {'-'.join(map(str, self.order))}{steered}"


class _Filter(Model):
    volumetric: bool = Field(True, description="In three dimensions; else slice by slice")
    boundary: Boundary = "mirror"

    @property
    def dimensions(self) -> int:
        return 3 if self.volumetric else 2

    @property
    def label(self) -> str:
        """Name of the response map in results."""
        return f"{self._named()} {self.dimensions}D {self.boundary}"

    def _named(self) -> str:
        raise NotImplementedError


class Mean(_Filter):
    """Mean over a cube or square (IBSI code S60F)."""

    kind: Literal["mean"] = "mean"
    support: int = Field(gt=0, description="Voxels along an axis, odd")

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.support % 2 == 0:
            raise ValueError("the support of a mean filter is odd, so that it has a middle")
        return self

    def _named(self) -> str:
        return f"mean {self.support}"


class _Transformed(_Filter):
    riesz: Riesz | None = None

    @model_validator(mode="after")
    def _dimensions(self) -> Self:
        if self.riesz and len(self.riesz.order) != self.dimensions:
            raise ValueError(f"a filter in {self.dimensions}D has {self.dimensions} Riesz orders")
        return self

    @property
    def _suffix(self) -> str:
        return self.riesz.label if self.riesz else ""


class LaplacianOfGaussian(_Transformed):
    """Laplacian of Gaussian (IBSI code L6PA)."""

    kind: Literal["laplacian_of_gaussian"] = "laplacian_of_gaussian"
    sigma: float = Field(gt=0, description="mm")
    truncation: float = Field(4.0, gt=0, description="Where the kernel ends, in sigma")

    def _named(self) -> str:
        return f"log {self.sigma:g} mm{self._suffix}"


class Laws(_Filter):
    """Laws kernels, normalised (IBSI code JTXT), and their energy map (PQSD)."""

    kind: Literal["laws"] = "laws"
    kernels: str = Field(description="One along each axis, e.g. L5E5E5")
    pooling: Pooling | None = Field(None, description=_ROTATED)
    energy: int | None = Field(
        None, gt=0, description="delta: Chebyshev distance of the energy map, voxels; none: none"
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if not _LAWS.fullmatch(self.kernels) or len(self.each) != self.dimensions:
            raise ValueError(f"{self.dimensions} of L3 E3 S3 L5 E5 S5 W5 R5 make a Laws kernel, not {self.kernels!r}")
        return self

    @property
    def each(self) -> list[str]:
        """The kernels along x, y and z."""
        return [self.kernels[start : start + 2] for start in range(0, len(self.kernels), 2)]

    def _named(self) -> str:
        energy = "" if self.energy is None else f" energy {self.energy}"
        return f"laws {self.kernels}{_pooled(self.pooling)}{energy}"


class Gabor(_Filter):
    """Two-dimensional Gabor kernels, in axial planes or in all three (IBSI code Q88H)."""

    kind: Literal["gabor"] = "gabor"
    volumetric: Literal[False] = False
    sigma: float = Field(gt=0, description="Width of the envelope across the waves, mm")
    wavelength: float = Field(gt=0, description="lambda, mm")
    gamma: float = Field(1.0, gt=0, description="Width of the envelope along the wave's front is sigma / gamma")
    theta: float = Field(0.0, description="Direction of the wave, degrees, clockwise from x towards y")
    step: float | None = Field(None, gt=0, le=180, description="Degrees between pooled directions; none: theta alone")
    orthogonal: bool = Field(False, description="Also pooled over the coronal and sagittal planes")
    pooling: Pooling = "mean"
    response: Literal["modulus", "real", "imaginary"] = "modulus"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.step is not None and 360.0 % self.step:
            raise ValueError(f"a full turn is no multiple of the step {self.step:g}")
        return self

    def _named(self) -> str:
        turn = f"{self.theta:g}" if self.step is None else f"{self.theta:g}+{self.step:g}"
        planes = " orthogonal" if self.orthogonal else ""
        pooled = _pooled(self.pooling) if self.step is not None or self.orthogonal else ""
        shape = f"{self.sigma:g} mm {self.wavelength:g} mm {self.gamma:g} {turn} degrees"
        return f"gabor {shape}{planes}{pooled} {self.response}"


class Wavelet(_Filter):
    """A band of a separable wavelet transform (IBSI code 25BO)."""

    kind: Literal["wavelet"] = "wavelet"
    family: str = Field(
        pattern=r"^(haar|db([1-9]|[12]\d|3[0-8])|coif([1-9]|1[0-7]))$", description="As PyWavelets names it"
    )
    bands: str = Field(pattern=r"^[LH]{2,3}$", description="Low or high pass along each axis, e.g. LLH")
    level: int = Field(1, ge=1, le=8)
    pooling: Pooling | None = Field(None, description=_ROTATED)
    decimated: bool = Field(False, description="Every second sample of each level alone, each standing for its block")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.bands) != self.dimensions:
            raise ValueError(f"a wavelet band in {self.dimensions}D has {self.dimensions} letters")
        if self.decimated and self.pooling:
            raise ValueError(
                "a decimated transform changes with a shift of one voxel, so pooling rotations of it is vain"
            )
        return self

    def _named(self) -> str:
        decimated = " decimated" if self.decimated else ""
        return f"wavelet {self.family} {self.bands} level {self.level}{decimated}{_pooled(self.pooling)}"


class Simoncelli(_Transformed):
    """A band of the non-separable, isotropic Simoncelli wavelet (IBSI code PRT7)."""

    kind: Literal["simoncelli"] = "simoncelli"
    boundary: Boundary = "periodic"
    level: int = Field(1, ge=1, le=8)

    def _named(self) -> str:
        return f"simoncelli level {self.level}{self._suffix}"


FilterSpec = Annotated[
    Mean | LaplacianOfGaussian | Laws | Gabor | Wavelet | Simoncelli,
    Field(discriminator="kind"),
]


def _pooled(pooling: Pooling | None) -> str:
    return f" {pooling}" if pooling else ""
