"""What a bundle does to the voxels of its images before the network sees them: operations, in order."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lucidray.serving.fields import Model

Over = Literal["image", "nonzero", "above_mean", "region"]

_OVER = (
    "Voxels of the native image that are measured: all; those that are not zero, where zero is no tissue and stays "
    "zero (as MONAI has it); those above the mean of all, for the body before air (as TorchIO has it); "
    "those of the region that is embedded"
)


class Preprocessing(Model):
    """An operation with numbers of its own."""

    operation: Literal["clip", "scale"] = Field(description="clip to [a, b]; scale to (value - a) / b")
    role: str = Field(description="Role of the image")
    a: float
    b: float
    zeros: Literal["change", "stay"] = Field(
        "change", description="What is zero before all operations: stays so or not"
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.operation == "clip" and self.a > self.b:
            raise ValueError("clip needs a <= b")
        if self.operation == "scale" and self.b == 0:
            raise ValueError("scale needs b other than 0")
        return self


class PercentileClip(Model):
    """Clip to percentiles of each image."""

    operation: Literal["clip_percentiles"]
    role: str = Field(description="Role of the image")
    low: float = Field(ge=0, le=100, description="Percentile, e.g. 0.5")
    high: float = Field(ge=0, le=100, description="Percentile, e.g. 99.5")
    over: Over = Field("image", description=_OVER)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.low >= self.high:
            raise ValueError("clip_percentiles needs low < high")
        return self


class Standardisation(Model):
    """Scale by what each image measures."""

    operation: Literal["zscore", "minmax"] = Field(
        description="zscore: to (value - mean) / standard deviation; minmax: least to 0, greatest to 1"
    )
    role: str = Field(description="Role of the image")
    over: Over = Field("image", description=_OVER)


Measured = PercentileClip | Standardisation
Operation = Annotated[Preprocessing | Measured, Field(discriminator="operation")]


def is_by_region(operation: Operation) -> bool:
    """Whether its numbers are those of the region that is embedded."""
    return not isinstance(operation, Preprocessing) and operation.over == "region"
