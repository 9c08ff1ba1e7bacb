"""The features that we report: names, codes, families and units of the IBSI reference manual.

`ibsi.csv` lists the features for which the manual gives consensus values (Zwanenburg et al., Radiology 2020;
arXiv:1612.07003), keyed by the abbreviations of its reference tables.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

Family = Literal[
    "morphology",
    "local_intensity",
    "intensity_statistics",
    "intensity_histogram",
    "intensity_volume_histogram",
    "glcm",
    "glrlm",
    "glszm",
    "gldzm",
    "ngtdm",
    "ngldm",
]
Aggregation = Literal["2D:avg", "2D:mrg", "2.5D:avg", "2.5D:mrg", "3D:avg", "3D:mrg"]

FAMILY_CODES: Mapping[str, str] = {
    "morphology": "HCUG",
    "local_intensity": "9ST6",
    "intensity_statistics": "UHIW",
    "intensity_histogram": "ZVCW",
    "intensity_volume_histogram": "P88C",
    "glcm": "LFYI",
    "glrlm": "TP0I",
    "glszm": "9SAK",
    "gldzm": "VMDZ",
    "ngtdm": "IPET",
    "ngldm": "REK0",
}
# Matrices that have directions, and those that have none (sections 3.6 and 3.8 of the manual).
DIRECTIONAL: tuple[Family, ...] = ("glcm", "glrlm")
UNDIRECTED: tuple[Family, ...] = ("glszm", "gldzm", "ngtdm", "ngldm")
TEXTURE = DIRECTIONAL + UNDIRECTED
DISCRETISED = ("intensity_histogram", *TEXTURE)
# All but those that measure where voxels are in space.
INTENSITY_AND_TEXTURE: tuple[Family, ...] = (
    "intensity_statistics",
    "intensity_histogram",
    "intensity_volume_histogram",
    *TEXTURE,
)

_DIRECTIONAL_CODES: Mapping[str, str] = {
    "2D:avg": "BTW3",
    "2D:mrg": "SUJT",
    "2.5D:avg": "JJUI",
    "2.5D:mrg": "ZW7Z",
    "3D:avg": "ITBB",
    "3D:mrg": "IAZD",
}
_UNDIRECTED_CODES: Mapping[str, str] = {"2D": "8QNN", "2.5D": "62GR", "3D": "KOBO"}

# UCUM has no exponent on a unit with a solidus or an annotation, hence these by hand.
_SQUARED: Mapping[str, str] = {"[hnsf'U]": "[hnsf'U]2", "{SUVbw}g/ml": "{SUVbw}g2/ml2"}
_TIMES_VOLUME: Mapping[str, str] = {"[hnsf'U]": "[hnsf'U].mm3", "{SUVbw}g/ml": "{SUVbw}g.mm3/ml", "1": "mm3"}
_GEOMETRIC: Mapping[str, str] = {"none": "1", "length": "mm", "area": "mm2", "volume": "mm3", "per_length": "/mm"}


@dataclass(frozen=True)
class Definition:
    """One feature of the manual."""

    abbreviation: str
    code: str
    family: str
    quantity: str
    name: str

    def unit(self, intensity: str) -> str:
        """UCUM unit of the feature in an image whose voxels are in `intensity`."""
        if self.quantity == "intensity":
            return intensity
        if self.quantity == "intensity_squared":
            return _SQUARED.get(intensity, "1")
        if self.quantity == "intensity_volume":
            return _TIMES_VOLUME.get(intensity, "mm3")
        return _GEOMETRIC[self.quantity]


@cache
def definitions() -> Mapping[str, Definition]:
    """All features, by abbreviation, in the order of the manual."""
    text = resources.files(__package__).joinpath("ibsi.csv").read_text("utf-8")
    return {row["abbreviation"]: Definition(**row) for row in csv.DictReader(text.splitlines())}


def aggregation_code(family: str, aggregation: str) -> str:
    """IBSI code of how the texture matrices of a family are brought together; empty if it has none."""
    if family in DIRECTIONAL:
        return _DIRECTIONAL_CODES[aggregation]
    return _UNDIRECTED_CODES[aggregation.split(":")[0]] if family in UNDIRECTED else ""
