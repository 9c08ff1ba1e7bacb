"""Feature presets: which features are measured in which image, and after which image processing.

A preset is a YAML file; its digest is part of every result that was measured with it.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lucidray.contracts.grid import Vector
from lucidray.core.canonical import digest_json
from lucidray.core.errors import Permanent
from lucidray.quantify.ibsi import DISCRETISED, Aggregation, Family, definitions

PRESETS = Path(__file__).parent / "presets"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Discretisation(_Model):
    """From intensities to grey levels (IBSI manual, section 2.7)."""

    method: Literal["fixed_bin_size", "fixed_bin_number", "none"]
    value: float | None = Field(None, gt=0, description="Bin width in the unit of the image, or number of bins")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.method == "none") != (self.value is None):
            raise ValueError("fixed_bin_size and fixed_bin_number have a value, none has not")
        if self.method == "fixed_bin_number" and self.value is not None and self.value < 2:  # noqa: PLR2004
            raise ValueError("at least two bins")
        return self

    def describe(self, unit: str) -> str:
        """As printed with a feature, e.g. 'fixed_bin_size 25 [hnsf'U]'."""
        if self.method == "fixed_bin_number":
            return f"{self.method} {self.value:g}"
        return self.method if self.value is None else f"{self.method} {self.value:g} {unit}"


class Measurement(_Model):
    """Families that are measured in one image after the same processing."""

    role: str = Field(description="Role of the volume in the workflow, e.g. 'PET'")
    modality: Literal["CT", "PT", "MR", "OT"]
    unit: str = Field(description="UCUM unit that the voxels must have")
    spacing: Vector | None = Field(None, description="Grid of the measurement (z, y, x), mm; none: the native one")
    rounded: bool = Field(False, description="Round to whole numbers after resampling (HU)")
    intensity_range: tuple[float | None, float | None] = Field(
        (None, None), description="Voxels outside are left out of the intensity mask (re-segmentation)"
    )
    discretisation: Discretisation | None = None
    aggregation: Aggregation = "3D:mrg"
    families: list[Family] = Field(min_length=1)
    without: list[str] = Field(default_factory=list, description="Names of features that are left out")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if any(family in DISCRETISED for family in self.families) and self.discretisation is None:
            raise ValueError("histogram and texture families need a discretisation")
        if self.discretisation and self.discretisation.method == "fixed_bin_size" and self.intensity_range[0] is None:
            raise ValueError("fixed_bin_size starts at the lower end of intensity_range, which is not given")
        names = {each.name for each in definitions().values() if each.family in self.families}
        unknown = sorted(set(self.without) - names)
        if unknown:
            raise ValueError(f"no such features to leave out: {', '.join(unknown)}")
        return self


class Preset(_Model):
    """What is measured."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    measurements: list[Measurement] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> Self:
        pairs = Counter((each.role, family) for each in self.measurements for family in each.families)
        twice = [f"{family} in {role}" for (role, family), count in pairs.items() if count > 1]
        if twice:
            raise ValueError(f"measured twice: {', '.join(twice)}")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of the content as it was written: a release with more optional fields gives the same."""
        return digest_json(self.model_dump(mode="json", exclude_unset=True))


def load_preset(name: str, folders: Sequence[Path] = ()) -> Preset:
    """The preset of that name.

    Raises
    ------
    Permanent
        There is none, or the file does not fit the schema; names the first field.
    """
    places = [*folders, PRESETS]
    for folder in places:
        path = folder / f"{name}.yaml"
        if path.is_file():
            return read_preset(path)
    known = ", ".join(sorted(path.stem for folder in places for path in folder.glob("*.yaml")))
    raise Permanent(
        f"feature preset '{name}'", f"there is none of that name (there are: {known})", "correct the workflow"
    )


def read_preset(path: Path) -> Preset:
    """The preset in a file; as `load_preset`."""
    thing = f"feature preset '{path.stem}'"
    try:
        preset = Preset.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise Permanent(thing, f"cannot be read ({type(error).__name__})", "correct the file") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Permanent(thing, f"field '{field}': {first['msg']}", "correct the file") from None
    if preset.name != path.stem:
        raise Permanent(thing, f"it calls itself '{preset.name}'", "give file and preset the same name")
    return preset
