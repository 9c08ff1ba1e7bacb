import csv
import os
from pathlib import Path

import pytest

from lucidray.deidentify.profile import OPTION_CODES, load_profile, profile_names
from lucidray.deidentify.table import OPTIONS, content_rows, rows, rows_by_tag

DATA = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[2] / "../shared/data"))


def test_table_has_the_rows_of_the_standard() -> None:
    assert len(rows()) == 657
    assert len(rows_by_tag()) == 653  # without curves, two of overlays and private attributes
    assert rows_by_tag()[0x00100010].basic == "Z"
    assert rows_by_tag()[0x00181000].options == {"retain_device_identity": "K"}


def test_every_action_code_is_one_of_the_standard() -> None:
    assert {row.basic for row in rows()} == {"D", "U", "X", "X/D", "X/Z", "X/Z/D", "X/Z/U*", "Z", "Z/D"}
    assert {code for row in rows() for code in row.options.values()} == {"C", "K"}


def test_options_of_the_profiles_are_columns_of_the_table() -> None:
    assert set(OPTION_CODES) <= set(OPTIONS)
    assert profile_names() == ["basic", "clinical-ai", "research-export"]
    assert load_profile("basic").codes() == [("113100", "Basic Application Confidentiality Profile")]


OF_ANONYMIZER = {
    "D_TAGS": "D",
    "Z_TAGS": "Z",
    "X_TAGS": "X",
    "U_TAGS": "U",
    "Z_D_TAGS": "Z/D",
    "X_Z_TAGS": "X/Z",
    "X_D_TAGS": "X/D",
    "X_Z_D_TAGS": "X/Z/D",
    "X_Z_U_STAR_TAGS": "X/Z/U*",
}


def test_table_agrees_with_another_tool() -> None:
    """The package dicom-anonymizer carries edition 2026c in Python."""
    package = "dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c"
    dicomfields = pytest.importorskip(package, reason="needs dicom-anonymizer (extra test)")
    theirs = {
        f"{tag[0]:04X}{tag[1]:04X}": code
        for name, code in OF_ANONYMIZER.items()
        for tag in getattr(dicomfields, name)
        if len(tag) == 2
    }
    ours = {row.tag: row.basic for row in rows()}
    common = theirs.keys() & ours.keys()
    assert len(common) > 640
    assert {tag: theirs[tag] for tag in common} == {tag: ours[tag] for tag in common}
    assert sorted(theirs.keys() - ours.keys()) == []


@pytest.mark.data
def test_table_agrees_with_the_extract_of_the_standard() -> None:
    path = DATA / "deid" / "ps3.15_table_e.1-1_2026d.csv"
    if not path.exists():
        pytest.skip(f"needs {path.name} in LUCIDRAY_DATA")
    with path.open(newline="") as lines:
        given = {line["tag"]: line for line in csv.DictReader(lines)}
    assert given.keys() == {row.tag for row in rows()}
    for row in rows():
        assert given[row.tag]["basic_profile"] == row.basic
        assert {name: given[row.tag][name] for name in OPTIONS if given[row.tag][name]} == row.options


@pytest.mark.data
def test_content_items_agree_with_the_extract_of_the_standard() -> None:
    path = DATA / "deid" / "ps3.15_table_e.3.4-1_2026d.csv"
    if not path.exists():
        pytest.skip(f"needs {path.name} in LUCIDRAY_DATA")
    with path.open(newline="") as lines:
        given = {(line["scheme"], line["code"], line["value_type"]): line for line in csv.DictReader(lines)}
    assert given.keys() == content_rows().keys() and len(given) == 214
    for key, row in content_rows().items():
        assert given[key]["basic_profile"] == row.basic
        assert {name: given[key][name] for name in OPTIONS if given[key].get(name)} == row.options
