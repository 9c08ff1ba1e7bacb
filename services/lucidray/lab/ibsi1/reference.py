"""The consensus values, and how many teams stand behind each."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from lucidray.lab.features.tables import AGGREGATIONS
from lucidray.quantify.ibsi import definitions

# Presets of the configurations, and the tables that hold their consensus values.
TABLES: Mapping[str, str] = {
    "ibsi-1-phantom": "ibsi_1_dig_phantom.csv",
    **{f"ibsi-1-{letter}": f"ibsi_1_chest_config_{letter}.csv" for letter in "abcde"},
}
DIGITS = 3  # significant ones, to which the consensus values are given
# Strengths of a consensus, and the teams that gave the value (manual, chapter 3).
STRENGTHS: Mapping[str, str] = {
    "very strong": "10 teams or more",
    "strong": "6 to 9 teams",
    "moderate": "3 to 5 teams",
    "not stated": "the manual gives no value here",
}
_ROUNDING = 1e-9  # relative: tolerances and values are decimals


@dataclass(frozen=True)
class Consensus:
    """One row of a reference table."""

    tag: str  # abbreviation of the feature, and of the aggregation
    value: float
    tolerance: float
    strength: str = "not stated"

    @property
    def family(self) -> str:
        return definitions()[self.abbreviation].family

    @property
    def abbreviation(self) -> str:
        """Of the feature alone."""
        ending = next((f"_{name}" for name in AGGREGATIONS.values() if self.tag.endswith(f"_{name}")), "")
        return self.tag.removesuffix(ending)

    def holds(self, found: float | None) -> bool:
        """Whether a value, rounded as the consensus is, lies within the tolerance."""
        if found is None:
            return False
        slack = _ROUNDING * max(abs(self.value), self.tolerance)
        return abs(float(f"{found:.{DIGITS}g}") - self.value) <= self.tolerance + slack


@cache
def strengths(preset: str) -> Mapping[str, str]:
    """The strength of each consensus by tag, as the tables of the manual state it (chapter 3, "Image features").

    The manual: ibsi.readthedocs.io, the edition with reference values (2020). A strength stands here where value and
    tolerance in the manual are those of the reference table.
    """
    text = resources.files(__package__).joinpath("strengths.csv").read_text("utf-8")
    column = preset.removeprefix("ibsi-1-")
    return {row["tag"]: row[column] for row in csv.DictReader(text.splitlines()) if row[column]}


def consensus(data: Path, preset: str) -> list[Consensus]:
    """The features of a table that have a consensus value, the strongest first, in the order of the manual.

    What else a table lists are statistics of the image.
    """
    with (data / "ibsi_1_reference_values" / TABLES[preset]).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row["reference value"]]
    stated = strengths(preset)
    found = [
        Consensus(
            row["tag"], float(row["reference value"]), float(row["tolerance"]), stated.get(row["tag"], "not stated")
        )
        for row in rows
    ]
    of_features = [each for each in found if each.abbreviation in definitions()]
    return sorted(of_features, key=lambda each: list(STRENGTHS).index(each.strength))
