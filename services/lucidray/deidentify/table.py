"""DICOM PS3.15 Tables E.1-1 and E.3.4-1, as data. Their origin is described in tables/README.md."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

OPTIONS = (
    "retain_safe_private",
    "retain_uids",
    "retain_device_identity",
    "retain_institution_identity",
    "retain_patient_characteristics",
    "retain_longitudinal_full_dates",
    "retain_longitudinal_modified_dates",
    "clean_descriptors",
    "clean_structured_content",
    "clean_graphics",
)


@dataclass(frozen=True)
class Row:
    """One attribute or content item: the action codes of the Basic Profile and of the options that say something."""

    tag: str
    name: str
    basic: str
    options: Mapping[str, str]


@cache
def rows() -> tuple[Row, ...]:
    """All rows, with repeating groups and the row of the private attributes."""
    source = files(__package__) / "tables" / "ps3.15_table_e.1-1.csv"
    with source.open(encoding="utf-8") as lines:
        return tuple(
            Row(line["tag"], line["name"], line["basic"], {name: line[name] for name in OPTIONS if line[name]})
            for line in csv.DictReader(lines)
        )


@cache
def rows_by_tag() -> Mapping[int, Row]:
    """The rows of single attributes. Repeating groups and private attributes are not among them."""
    return {int(row.tag, 16): row for row in rows() if "x" not in row.tag and row.tag != "PRIVATE"}


@cache
def content_rows() -> Mapping[tuple[str, str, str], Row]:
    """The rows of content items, by coding scheme, code value and value type of the item."""
    source = files(__package__) / "tables" / "ps3.15_table_e.3.4-1.csv"
    with source.open(encoding="utf-8") as lines:
        return {
            (line["scheme"], line["code"], line["value_type"]): Row(
                line["code"], line["meaning"], line["basic"], {name: line[name] for name in OPTIONS if line.get(name)}
            )
            for line in csv.DictReader(lines)
        }
