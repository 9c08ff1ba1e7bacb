"""The rows of PS3.15 Table E.1-1, from sources that the engine does not use."""

import csv
import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR

DATA = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[3] / "../shared/data"))
_TABLE = DATA / "deid" / "ps3.15_table_e.1-1_2026d.csv"  # newer than the package's; used where it is
_EDITION = "dicomfields_2026c"
_OVERLAYS, _CURVES = 0x60, 0x50
# The data set cannot hold them: they are of commands, of the file meta information, of a directory.
FIRST_GROUP = 0x0008
# VRs of attributes that are newer than the dictionary, told from their names.
_ENDINGS = {
    "DateTime": "DT",
    "Sequence": "SQ",
    "UID": "UI",
    "URI": "UR",
    "Comment": "UT",
    "Comments": "LT",
    "Data": "OW",
}


class Row(NamedTuple):
    """An attribute of the table."""

    tag: int
    name: str
    vr: str


@cache
def rows() -> tuple[Row, ...]:
    """Every attribute of the table that a data set can hold, in order."""
    named = {tag: "" for tag in _of_package()}
    if _TABLE.exists():
        with _TABLE.open(newline="") as file:
            named |= {_tag(row["tag"]): row["name"] for row in csv.DictReader(file) if row["tag"] != "PRIVATE"}
    return tuple(_row(tag, named[tag]) for tag in sorted(named) if tag >> 16 >= FIRST_GROUP)


def _of_package() -> list[int]:
    from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector

    every = dicom_anonymization_database_selector(_EDITION)["ALL_TAGS"]
    repeating = (_OVERLAYS, _CURVES)  # with masks: 60xx, 50xx
    return [one[0] << 16 | one[1] for one in every if (len(one) == 2 and one[0] % 2 == 0) or one[0] >> 8 in repeating]


def _tag(text: str) -> int:
    return int(text.replace("x", "0"), 16)


def _row(tag: int, name: str) -> Row:
    if tag == _CURVES << 24:
        tag |= 0x3000  # "50xx,xxxx": curve data stand for the group
    if dictionary_has_tag(tag):
        return Row(tag, dictionary_keyword(tag), str(dictionary_VR(tag)).split(" or ")[0])
    last = name.split()[-1] if name else ""
    return Row(tag, name or f"{tag:08X}", _ENDINGS.get(last, "LO"))
