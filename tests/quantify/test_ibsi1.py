"""The IBSI's phantoms against its consensus values, and the document that says so."""

import os
from collections import Counter
from pathlib import Path

import pytest

from lucidray.lab.ibsi1.document import DOCUMENT, document, table
from lucidray.lab.ibsi1.phantom import CT, measured
from lucidray.lab.ibsi1.reference import STRENGTHS, TABLES, Consensus, consensus, strengths
from lucidray.quantify.ibsi import FAMILY_CODES

ROOT = Path(__file__).parents[2]
_UNSTATED = "Not stated: the manual gives no value here"


@pytest.fixture(scope="module")
def folders(ibsi_data: Path) -> dict[str, Path | None]:
    """Where the phantom of each preset is."""
    ct = os.environ.get(CT)
    found: dict[str, Path | None] = dict.fromkeys(TABLES, Path(ct) if ct else None)
    return found | {"ibsi-1-phantom": ibsi_data / "ibsi_1_digital_phantom" / "nifti"}


@pytest.mark.data
@pytest.mark.parametrize("preset", TABLES)
def test_every_consensus_value_is_met(ibsi_data: Path, folders: dict[str, Path | None], preset: str) -> None:
    folder = folders[preset]
    if folder is None:
        pytest.skip(f"needs the IBSI's CT phantom (its nifti folder) in {CT}")
    found = measured(folder, preset)
    assert {
        each.tag: (found.get(each.tag), each.value)
        for each in consensus(ibsi_data, preset)
        if not each.holds(found.get(each.tag))
    } == {}


@pytest.mark.data
def test_the_conformance_table_is_current(ibsi_data: Path) -> None:
    assert (ROOT / DOCUMENT).read_text("utf-8").splitlines() == list(document(ibsi_data))


@pytest.mark.data
def test_every_value_of_the_digital_phantom_has_a_stated_strength(ibsi_data: Path) -> None:
    counts = Counter(each.strength for each in consensus(ibsi_data, "ibsi-1-phantom"))
    assert counts == {"very strong": 229, "strong": 233, "moderate": 20}


@pytest.mark.data
@pytest.mark.parametrize("preset", TABLES)
def test_a_strength_belongs_to_a_consensus_value(ibsi_data: Path, preset: str) -> None:
    """The manual has no value of compactness 1 in configuration C, the reference table has."""
    rows = consensus(ibsi_data, preset)
    assert strengths(preset).keys() <= {each.tag for each in rows}
    without = [each.tag for each in rows if each.strength == "not stated"]
    assert without == (["morph_comp_1"] if preset == "ibsi-1-c" else [])


@pytest.mark.data
def test_the_strongest_come_first_and_within_a_strength_families_stay_together(ibsi_data: Path) -> None:
    order = [(each.strength, each.family) for each in consensus(ibsi_data, "ibsi-1-phantom")]
    place = [(list(STRENGTHS).index(strength), list(FAMILY_CODES).index(family)) for strength, family in order]
    assert place == sorted(place)


@pytest.mark.data
@pytest.mark.parametrize(("preset", "expected"), [("ibsi-1-phantom", 482), ("ibsi-1-a", 346), ("ibsi-1-e", 210)])
def test_tables_are_read_whole(ibsi_data: Path, preset: str, expected: int) -> None:
    """Of 487, 411 and 275 rows; the others describe images and masks or have no consensus value."""
    assert len(consensus(ibsi_data, preset)) == expected


def test_a_value_holds_to_three_digits_and_the_tolerance() -> None:
    reference = Consensus("stat_mean", 2.15, 0.01)
    assert reference.holds(2.1649)
    assert not reference.holds(2.1651)
    assert not reference.holds(None)


def test_a_table_counts_and_lists_by_strength() -> None:
    rows = [Consensus("stat_mean", 2.15, 0, "moderate"), Consensus("stat_var", 3.05, 0)]
    lines = list(table(rows, {"stat_mean": 2.15, "stat_var": None}))
    assert "| intensity statistics | 1 of 1 | 0 of 1 | 1 of 2 |" in lines
    moderate, unstated = (lines.index(f"### {title}") for title in ("Moderate: 3 to 5 teams", _UNSTATED))
    assert moderate < lines.index("| stat_mean | 2.15 | 0 | 2.15 | yes |") < unstated
    assert unstated < lines.index("| stat_var | 3.05 | 0 | undefined | **no** |")
