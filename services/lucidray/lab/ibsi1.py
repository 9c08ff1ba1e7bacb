"""Features of the IBSI's phantoms beside its consensus values (Zwanenburg et al., Radiology 2020; arXiv:1612.07003).

`python -m lucidray.lab.ibsi1 DATA` writes docs/conformance/ibsi-1.md; DATA holds `ibsi_1_digital_phantom` and
`ibsi_1_reference_values`. With the CT phantom, whose licence forbids to pass it on, in LUCIDRAY_IBSI_CT (its nifti
folder) it prints the configurations A to E too.
"""

import csv
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lucidray.contracts.results import Feature
from lucidray.lab.features.tables import AGGREGATIONS
from lucidray.lab.nifti import read_nifti
from lucidray.quantify import extract
from lucidray.quantify.ibsi import TEXTURE, definitions

DOCUMENT = Path("docs/conformance/ibsi-1.md")
CT = "LUCIDRAY_IBSI_CT"
# Presets of the configurations, and the tables that hold their consensus values.
TABLES: Mapping[str, str] = {
    "ibsi-1-phantom": "ibsi_1_dig_phantom.csv",
    **{f"ibsi-1-{letter}": f"ibsi_1_chest_config_{letter}.csv" for letter in "abcde"},
}
_DIGITS = 3  # significant ones, to which the consensus values are given
_ROUNDING = 1e-9  # relative: tolerances and values are decimals


@dataclass(frozen=True)
class Consensus:
    """One row of a reference table."""

    tag: str  # abbreviation of the feature, and of the aggregation
    value: float
    tolerance: float

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
        return abs(float(f"{found:.{_DIGITS}g}") - self.value) <= self.tolerance + slack


def consensus(data: Path, preset: str) -> list[Consensus]:
    """The features of a table that have a consensus value; what else it lists are statistics of the image."""
    with (data / "ibsi_1_reference_values" / TABLES[preset]).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row["reference value"]]
    found = [Consensus(row["tag"], float(row["reference value"]), float(row["tolerance"])) for row in rows]
    return [each for each in found if each.abbreviation in definitions()]


def measured(folder: Path, preset: str) -> dict[str, float | None]:
    """Our values of a phantom (its nifti folder), by tag."""
    voxels, grid = read_nifti(folder / "image" / "phantom.nii.gz")
    mask, _ = read_nifti(folder / "mask" / "mask.nii.gz")
    return by_tag(extract(voxels, mask, preset, spacing=grid.spacing))


def by_tag(features: Iterable[Feature]) -> dict[str, float | None]:
    """Values by the tags of the reference tables."""
    abbreviations = {each.code: each.abbreviation for each in definitions().values()}
    return {
        abbreviations[each.ibsi_code]
        + (f"_{AGGREGATIONS[each.aggregation]}" if each.family in TEXTURE else ""): each.value
        for each in features
        if each.ibsi_code in abbreviations
    }


def table(rows: list[Consensus], found: Mapping[str, float | None]) -> Iterator[str]:
    """The values beside the consensus, in Markdown, line by line."""
    held = Counter(each.family for each in rows if each.holds(found.get(each.tag)))
    yield f"**{sum(held.values())} of {len(rows)} conform.**"
    yield ""
    yield "| family | conform | of |"
    yield "|---|---|---|"
    for family, count in Counter(each.family for each in rows).items():
        yield f"| {family.replace('_', ' ')} | {held[family]} | {count} |"
    yield ""
    yield "| feature | consensus | tolerance | ours | conforms |"
    yield "|---|---|---|---|---|"
    for each in rows:
        value = found.get(each.tag)
        shown = "undefined" if value is None else f"{value:.6g}"
        yield (
            f"| {each.tag} | {each.value:g} | {each.tolerance:g} | {shown} | "
            f"{'yes' if each.holds(value) else '**no**'} |"
        )


def document(data: Path) -> Iterator[str]:
    """The table of the digital phantom, whose licence lets everybody repeat it."""
    preset = "ibsi-1-phantom"
    yield "# IBSI-1: features of the digital phantom"
    yield ""
    yield "Written by `python -m lucidray.lab.ibsi1 DATA`; a test holds it against a fresh run. A feature conforms if,"
    yield f"rounded to {_DIGITS} significant digits, it lies within the tolerance of the IBSI's consensus value. Every"
    yield "feature with a consensus value is here, by every aggregation. The configurations A to E need the IBSI's CT"
    yield f"phantom, whose licence forbids to pass it on: the same command prints them where {CT} names it."
    yield ""
    yield from table(consensus(data, preset), measured(data / "ibsi_1_digital_phantom" / "nifti", preset))


def main() -> None:
    """Write the document, and print the configurations of the CT phantom if it is there."""
    data = Path(sys.argv[1])
    DOCUMENT.write_text("\n".join(document(data)) + "\n", "utf-8")
    folder = os.environ.get(CT)
    for preset in TABLES if folder else ():
        if folder and preset != "ibsi-1-phantom":
            print(f"\n## {preset}\n", *table(consensus(data, preset), measured(Path(folder), preset)), sep="\n")


if __name__ == "__main__":
    main()
