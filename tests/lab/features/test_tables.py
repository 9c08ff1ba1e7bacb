"""Tables of features: columns that name what they hold, three formats with the same numbers."""

import csv
import json
import sys
from pathlib import Path

import pyarrow.parquet
import pytest

from lucidray.contracts.results import Feature
from lucidray.core.errors import Permanent
from lucidray.lab.features.lesion import LesionRow
from lucidray.lab.features.research_files import read_research_file
from lucidray.lab.features.tables import AGGREGATIONS, check_writable, column, long, wide, write_table
from lucidray.quantify.ibsi import DIRECTIONAL, UNDIRECTED, aggregation_code

CONTRAST = Feature(
    name="contrast",
    ibsi_code="ACUI",
    family="glcm",
    aggregation="IAZD",
    discretisation="fixed_bin_size 25 [hnsf'U]",
    value=1 / 3,
    image_role="CT",
    segment=1,
)
SKEWNESS = Feature(
    name="intensity_skewness",
    ibsi_code="KE2A",
    family="intensity_statistics",
    filter="laplacian_of_gaussian 2.5 mm",
    value=None,
    reason="all voxels are equal",
    image_role="CT",
    segment=1,
)
ROWS = [
    LesionRow(subject="a", roi="GTV, left", preset="ct 0a1b", software="engine 1", features=[CONTRAST, SKEWNESS]),
    LesionRow(subject="b", status="failed", reason="mask: there is none; draw one"),
]


def test_a_column_says_image_filter_family_name_aggregation_and_code() -> None:
    assert column(CONTRAST) == "CT_glcm_contrast_3D_comb_ACUI"
    assert column(SKEWNESS) == "CT_laplacian-of-gaussian-2.5-mm_intensity_statistics_intensity_skewness_KE2A"


def test_the_guide_lists_the_columns() -> None:
    guide = " ".join((Path(__file__).parents[3] / "docs" / "guides" / "features.md").read_text("utf-8").split())
    plain = [LesionRow(subject="a", features=[CONTRAST])]
    assert f"first columns are `{', '.join(list(wide(plain)[0])[:-1])}`" in guide
    assert f"each feature: `{', '.join(long(plain)[0])}`" in guide


def test_every_aggregation_of_the_engine_has_its_common_name() -> None:
    ours = ["2D:avg", "2D:mrg", "2.5D:avg", "2.5D:mrg", "3D:avg", "3D:mrg"]
    names = {family: [AGGREGATIONS[aggregation_code(family, each)] for each in ours] for family in DIRECTIONAL}
    assert set(map(tuple, names.values())) == {("2D_avg", "2D_comb", "2_5D_avg", "2_5D_comb", "3D_avg", "3D_comb")}
    assert {AGGREGATIONS[aggregation_code(family, each)] for family in UNDIRECTED for each in ours} == {
        "2D",
        "2_5D",
        "3D",
    }


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_all_formats_hold_the_same_numbers(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "sub" / f"f.{suffix}"
    write_table(wide(ROWS), path)
    first, second = read(path)
    assert float(first["CT_glcm_contrast_3D_comb_ACUI"]) == 1 / 3
    assert not first[column(SKEWNESS)]
    assert (first["subject"], first["roi"], first["status"]) == ("a", "GTV, left", "measured")
    assert (second["status"], second["reason"]) == ("failed", "mask: there is none; draw one")


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_long_tables_say_why_a_value_is_missing(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"f.{suffix}"
    write_table(long(ROWS), path)
    contrast, skewness, failed = read(path)
    assert (contrast["preset"], contrast["software"]) == ("ct 0a1b", "engine 1")
    said = {key: contrast[key] for key in ("roi", "code", "name", "aggregation", "unit")}
    assert said == {"roi": "GTV, left", "code": "ACUI", "name": "contrast", "aggregation": "3D_comb", "unit": "1"}
    assert float(contrast["value"]) == 1 / 3
    assert not skewness["value"]
    assert skewness["reason"] == "all voxels are equal"
    assert failed["reason"] == "mask: there is none; draw one"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", "＝1"])
def test_a_name_is_no_formula_to_a_spreadsheet(tmp_path: Path, name: str) -> None:
    row = LesionRow(subject=name, roi=name, features=[CONTRAST.model_copy(update={"value": -1.5})])
    for shape in (wide, long):
        write_table(shape([row]), tmp_path / "f.csv")
        (first,) = read(tmp_path / "f.csv")
        assert first["subject"] == first["roi"] == f"'{name}"
    assert float(first["value"]) == -1.5  # a negative number is none
    write_table(wide([row]), tmp_path / "f.json")
    assert read(tmp_path / "f.json")[0]["subject"] == name


def test_a_heading_is_no_formula_either(tmp_path: Path) -> None:
    """It begins with a role, which a preset from elsewhere names."""
    row = LesionRow(subject="a", roi="b", features=[CONTRAST.model_copy(update={"image_role": '=HYPERLINK("x")'})])
    write_table(wide([row]), tmp_path / "f.csv")
    assert any(name.startswith("'=HYPERLINK") for name in read(tmp_path / "f.csv")[0])


def test_a_format_that_is_not_known_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="csv, .parquet or .json"):
        write_table(wide(ROWS), tmp_path / "f.xlsx")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    for place in (tmp_path / "file" / "f.csv", tmp_path / "folder.csv", Path("/proc/f.csv")):
        for write in (check_writable, lambda path: write_table(wide(ROWS), path)):
            with pytest.raises(Permanent, match=f"output {place.name}: it cannot be written"):
                write(place)
    table = tmp_path / "new" / "f.csv"
    check_writable(table)
    assert list(table.parent.iterdir()) == []
    table.write_text("an older one")
    check_writable(table)
    assert table.read_text() == "an older one"


def test_a_missing_library_is_named_with_the_extra_that_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Permanent, match=r"pyarrow.*lucidray\[lab\]"):
        check_writable(tmp_path / "f.parquet")
    check_writable(tmp_path / "f.csv")
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(Permanent, match=r"nibabel.*lucidray\[lab\]"):
        read_research_file(tmp_path / "f.nii")


def read(path: Path) -> list[dict[str, str]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".json":
        content: list[dict[str, str]] = json.loads(path.read_text())
        keys = dict.fromkeys(key for row in content for key in row)
        return [dict.fromkeys(keys, "") | row for row in content]
    rows: list[dict[str, str]] = pyarrow.parquet.read_table(path).to_pylist()
    return rows
