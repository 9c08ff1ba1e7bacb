"""What a workflow may say to each step; pinned when a case opens.

They are here, and not beside their steps, so that dispatch can refuse a workflow that says something else.
"""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator


class Parameters(BaseModel):
    """Base of a step's parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DeidentifyParameters(Parameters):
    """What a workflow may say to deidentify."""

    profile: str = Field("clinical-ai", description="Name of the de-identification profile")
    primary: str = Field(
        "", description="Role whose patient and study modules the results carry; default: the first that is an image"
    )
    pixels: Literal["quarantine", "clean"] = Field(
        "quarantine", description="Objects whose pixels may show text: keep the case back, or blank the text"
    )


class HarmonizeParameters(Parameters):
    """What a workflow may say to harmonize."""

    roles: list[str] = Field(default_factory=list, description="Image roles to make volumes of; none: all")
    gaps: Literal["refuse", "longest-run"] = Field(
        "refuse", description="A series with missing slices: refuse it, or use its longest run without a gap"
    )


class SegmentParameters(Parameters):
    """What a workflow may say to segment."""

    source: Literal["rtstruct", "bundle", "rtstruct-or-bundle"] = Field(
        "rtstruct-or-bundle", description="Where regions come from"
    )
    structure_set_role: str = Field("RTSTRUCT", description="Role of the structure set")
    roi_name: str = Field("(?i)^gtv", description="Regular expression: regions of interest to use, by ROIName")
    roi_types: list[str] = Field(
        default_factory=lambda: ["GTV"], description="RTROIInterpretedType to use where no name matches"
    )
    source_role: str = Field(
        "", description="Image on whose grid contours are filled; empty: the finest in their frame of reference"
    )
    label: str = Field("GTV", description="Label of segments from the structure set", max_length=40)
    bundle: str = Field("", description="Bundle to run; empty: the one that is pinned for this step")
    maximum_lesions: int | None = Field(None, ge=1, le=255, description="Keep the largest; none: as the bundle says")
    minimum_volume_ml: float | None = Field(None, ge=0, description="Drop smaller ones; none: as the bundle says")

    @field_validator("roi_name")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error:
            raise ValueError("roi_name is not a regular expression") from None
        return pattern


class QuantifyParameters(Parameters):
    """What a workflow may say to quantify."""

    preset: str = Field("pet-ct-core", description="Name of the feature preset")
    preset_digest: str = Field("", description="Its digest, where the workflow wants no other; empty: any")


class PredictParameters(Parameters):
    """What a workflow may say to predict."""

    bundle: str = Field("", description="Bundle to run; empty: the one that is pinned for this step")
    segment: Literal["largest", "each"] | PositiveInt | None = Field(
        None, description="Target region: the largest, each, or one by number; none: as the bundle says"
    )


class ExplainParameters(Parameters):
    """A workflow has nothing to say to explain: the prediction names its bundle."""


class EncodeParameters(Parameters):
    """What a workflow may say to encode."""

    series_number: int = Field(9000, ge=1, description="SeriesNumber of the SEG; the SR has the next")
    research_use_only: bool = Field(
        True,
        description="Print 'RESEARCH USE ONLY' on the results. Where a bundle's own words say so, it is always printed",
    )


class ReidentifyParameters(Parameters):
    """A workflow has nothing to say to reidentify: the vault knows whose results they are."""


class DeliverParameters(Parameters):
    """What a workflow may say to deliver."""

    destinations: tuple[str, ...] = Field((), description="Names of destinations; default: all that are enabled")


PARAMETERS: dict[str, type[Parameters]] = {
    "deidentify": DeidentifyParameters,
    "harmonize": HarmonizeParameters,
    "segment": SegmentParameters,
    "quantify": QuantifyParameters,
    "predict": PredictParameters,
    "explain": ExplainParameters,
    "encode": EncodeParameters,
    "reidentify": ReidentifyParameters,
    "deliver": DeliverParameters,
}
