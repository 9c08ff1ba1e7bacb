"""Names, formulas, units and sources of the features beyond the IBSI's."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import yaml

from lucidray.quantify.ibsi import Definition

HigherFamily = Literal["local_binary_pattern", "gradient", "fractal", "minkowski", "power_spectrum"]


@dataclass(frozen=True)
class HigherDefinition(Definition):
    """One feature that the IBSI does not define."""

    formula: str
    meaning: str
    source: str

    def unit(self, intensity: str) -> str:
        """UCUM unit of the feature in an image whose voxels are in `intensity`."""
        if self.quantity == "intensity_per_length":
            return "/mm" if intensity == "1" else f"{intensity}/mm"
        return super().unit(intensity)


@cache
def definitions() -> Mapping[str, HigherDefinition]:
    """All of them, by abbreviation."""
    text = resources.files(__package__).joinpath("definitions.yaml").read_text("utf-8")
    return {
        abbreviation: HigherDefinition(
            abbreviation=abbreviation, code="", family=family, source=content["source"], **each
        )
        for family, content in yaml.safe_load(text).items()
        for abbreviation, each in content["features"].items()
    }
