"""How an image is prepared for the features, as presets say it (IBSI manual, sections 2.4 to 2.7 and 3.6 to 3.11)."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

# Voxels: texture is measured at a few, and the number of neighbours grows with the cube of the distance.
GREATEST_DISTANCE = 20

Distance = Annotated[int, Field(ge=1, le=GREATEST_DISTANCE)]
Norm = Literal["chebyshev", "euclidean", "manhattan"]


class Model(BaseModel):
    """A part of a preset: unknown fields are faults, and so are numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Discretisation(Model):
    """From intensities to grey levels (IBSI manual, section 2.7)."""

    method: Literal["fixed_bin_size", "fixed_bin_number", "none"]
    value: float | None = Field(None, gt=0, description="Bin width in the unit of the image, or number of bins")
    start: Literal["range", "multiple"] = Field(
        "range",
        description="Of bins of a fixed size. range: at the lower end of the re-segmentation range; multiple: at the "
        "multiple of the bin width at or below the region's least intensity, as pyradiomics does",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.method == "none") != (self.value is None):
            raise ValueError("fixed_bin_size and fixed_bin_number have a value, none has not")
        if self.start == "multiple" and self.method != "fixed_bin_size":
            raise ValueError("only bins of a fixed size start at a multiple of it")
        if self.method == "fixed_bin_number" and self.value is not None:
            if self.value < 2:  # noqa: PLR2004
                raise ValueError("at least two bins")
            if self.value != int(self.value):
                raise ValueError("a whole number of bins")
        return self

    def describe(self, unit: str) -> str:
        """As printed with a feature, e.g. 'fixed_bin_size 25 [hnsf'U]'."""
        if self.method == "fixed_bin_number":
            return f"{self.method} {self.value:g}"
        start = " from a multiple" if self.start == "multiple" else ""
        return self.method if self.value is None else f"{self.method} {self.value:g} {unit}{start}"


class Weighting(Model):
    """Weight of a direction by its length in voxels, where directions are merged (IBSI manual, sections 3.6, 3.7)."""

    function: Literal["none", "inverse", "gaussian"] = Field(
        "none", description="inverse: 1/|m|; gaussian: exp(-|m|^2); m is the vector between the voxels"
    )
    norm: Norm = "euclidean"


class CooccurrenceParameters(Model):
    """Of the grey level co-occurrence matrix."""

    distance: Distance = Field(1, description="Between the two voxels, in voxels, at most 20")
    norm: Norm | None = Field(
        None,
        description="none: the directions to the nearest neighbours times the distance, as is usual; "
        "a norm: all voxels at that distance",
    )
    weighting: Weighting = Weighting()


class RunLengthParameters(Model):
    """Of the grey level run length matrix."""

    weighting: Weighting = Weighting()


class ToneDifferenceParameters(Model):
    """Of the neighbourhood grey tone difference matrix."""

    distance: Distance = Field(1, description="Greatest distance of a neighbour, in voxels, at most 20")
    norm: Norm = "chebyshev"


class DependenceParameters(Model):
    """Of the neighbouring grey level dependence matrix."""

    distance: Distance = Field(1, description="Greatest distance of a neighbour, in voxels, at most 20")
    norm: Norm = "chebyshev"
    coarseness: int = Field(0, ge=0, description="alpha: greatest difference of dependent grey levels")
