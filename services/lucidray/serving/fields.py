"""What the sections of `model.yaml` are made of."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Range = tuple[float, float]


class Model(BaseModel):
    """A section: unknown fields are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.name:
        raise ValueError("file names must be relative and stay inside the bundle")
    return name


FileName = Annotated[str, AfterValidator(_inside)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
