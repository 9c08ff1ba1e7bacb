"""What a preset says of two modalities together."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from lucidray.quantify.hybrid.fusion import Fusion
from lucidray.quantify.ibsi import DISCRETISED, Aggregation, Family
from lucidray.quantify.measurement import Measurement, Step
from lucidray.quantify.processing import Discretisation, Model


class Scale(Model):
    """Which intensities become 0 and 1; those beyond are clipped."""

    low: float
    high: float
    of: Literal["intensity", "percentile"] = Field(
        "intensity",
        description="intensity: in the unit of the image, the same for every patient; percentile: of the voxels of the "
        "region, for images of arbitrary units (MR)",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        if self.of == "percentile" and not 0 <= self.low < self.high <= 100:  # noqa: PLR2004
            raise ValueError("percentiles lie between 0 and 100")
        return self


class Hybrid(Model):
    """Two images of one region on a common grid, each resampled once from its native voxels."""

    roles: tuple[str, str] = Field(description="First and second image; the grid is laid over the first")
    spacing: tuple[Step, Step, Step] = Field(description="Of the common grid (z, y, x), mm")
    scales: tuple[Scale, Scale] = Field(description="Of the first and the second image")
    bins: int = Field(32, ge=2, le=256, description="Of the joint histogram, along each image")
    fusions: list[Fusion] = Field(default_factory=list, description="Fused images; features are measured in each")
    families: list[Family] = Field(["intensity_statistics"], min_length=1, description="In fused images")
    discretisation: Discretisation | None = Field(None, description="Of fused images, which go from 0 to 1")
    aggregation: Aggregation | list[Aggregation] = "3D:mrg"

    @property
    def role(self) -> str:
        """How results name the pair, e.g. 'PET+CT'."""
        return "+".join(self.roles)

    @property
    def meaning(self) -> dict[str, Any]:
        """As that of a measurement."""
        several = {"aggregation": list(self.measurement.aggregations), "families": sorted(self.families)}
        return self.model_dump(mode="json") | several

    @property
    def measurement(self) -> Measurement:
        """How a fused image is measured."""
        return Measurement(
            role=self.role,
            modality="OT",
            unit="1",
            spacing=self.spacing,
            intensity_range=(0.0, 1.0),
            families=self.families,
            discretisation=self.discretisation,
            aggregation=self.aggregation,
        )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.roles[0] == self.roles[1]:
            raise ValueError("two different images, not one twice")
        unfit = [family for family in self.families if family not in ("intensity_statistics", *DISCRETISED)]
        if unfit:  # a fused image has no shape of its own, and no unit in which a peak or a volume fraction would count
            raise ValueError(f"not measured in fused images: {', '.join(unfit)}")
        labels = [each.label for each in self.fusions]
        if len(set(labels)) < len(labels):
            raise ValueError("a fusion is named twice")
        _ = self.measurement  # families without a discretisation, ...
        return self
