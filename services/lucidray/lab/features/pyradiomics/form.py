"""The form of a parameter file: what kind of value stands where (pyradiomics, schemas/paramSchema.yaml)."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """The settings that an import reads; others may be anything, for they are only named."""

    model_config = ConfigDict(extra="allow")

    binWidth: float | None = None
    binCount: float | None = None
    resampledPixelSpacing: list[float] | None = None
    interpolator: str | int | None = None
    resegmentRange: list[float] | None = None
    resegmentMode: str = "absolute"
    distances: list[float] | None = None
    gldm_a: float = 0
    weightingNorm: str | None = None
    force2D: bool | None = None
    sigma: list[float] = []
    wavelet: str = ""
    start_level: int = 0
    level: int = 1


class Form(BaseModel):
    """The sections; one that is empty asks for nothing."""

    model_config = ConfigDict(extra="allow")

    setting: Settings | None = None
    imageType: dict[str, Settings | None] | None = None
    featureClass: dict[str, list[str] | None] | None = None
