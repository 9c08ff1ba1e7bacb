"""What a run gives: a row for each lesion, with its features or why there are none."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lucidray.contracts.results import Feature


class LesionRow(BaseModel):
    """One lesion of one subject; a subject that failed has one row without features."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str
    roi: str = Field("", description="Name of the region; empty where the subject failed before it was read")
    status: Literal["measured", "undefined", "failed"] = Field("measured", description="Undefined: every feature is")
    reason: str = Field("", description="Why it failed, thing, cause and remedy; or why every feature is undefined")
    preset: str = Field("", description="Its label")
    software: str = ""
    remarks: list[str] = Field(default_factory=list, description="What the engine remarks on the region")
    features: list[Feature] = Field(default_factory=list)
