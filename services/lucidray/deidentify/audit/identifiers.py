"""Whom to look for: identifiers from a list, or from the original objects."""

import csv
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from lucidray.core.errors import Permanent
from lucidray.deidentify.audit.elements import Element, elements
from lucidray.deidentify.audit.folding import folded

STANDARD_ROOT = "1.2.840.10008."  # PS3.6 Annex A: UIDs of the standard identify nobody
MIN_LETTERS = 2


class Kind(StrEnum):
    """What an identifier is: it decides in which forms it is looked for."""

    NAME = "name"
    ID = "id"
    DATE = "date"
    UID = "uid"
    TEXT = "text"


class Identifier(NamedTuple):
    """Something that must not be found; `source` says where it is known from, without saying what it is."""

    kind: Kind
    value: str
    source: str

    @property
    def masked(self) -> str:
        """First character and length: enough to find it in the list, too little to tell it."""
        return f"{self.value[:1]}*** ({len(self.value)} characters)"


# What names a person, an order or a place in an original object. Dates of examinations are left out: a shifted date
# of one patient is now and then the true date of another, and would be reported as a leak.
_ORIGINAL_KINDS = {
    "PatientID": Kind.ID,
    "AccessionNumber": Kind.ID,
    "AdmissionID": Kind.ID,
    "OtherPatientIDs": Kind.ID,
    "PatientBirthDate": Kind.DATE,
    "PatientAddress": Kind.TEXT,
    "PatientTelephoneNumbers": Kind.TEXT,
    "InstitutionName": Kind.TEXT,
    "InstitutionAddress": Kind.TEXT,
}
_KINDS_BY_VR = {"PN": Kind.NAME, "UI": Kind.UID}


def from_csv(path: Path) -> list[Identifier]:
    """Identifiers of a CSV file: the first column is the identifier, the second, if there is one, its kind.

    Raises
    ------
    Permanent
        It cannot be read, a kind is unknown, or nothing is in it. The message quotes no identifier.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), 1) if row and row[0].strip()]
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Permanent(str(path), f"it cannot be read: {cause}", "give a CSV file of identifiers") from None
    if rows and rows[0][1][0].strip().casefold() == "identifier":
        rows = rows[1:]
    found = [_from_row(path, number, row) for number, row in rows]
    return _checked(found, str(path))


def _from_row(path: Path, number: int, row: list[str]) -> Identifier:
    name = row[1].strip().casefold() if len(row) > 1 and row[1].strip() else Kind.TEXT
    try:
        kind = Kind(name)
    except ValueError:
        raise Permanent(
            f"{path}, line {number}", "its kind is unknown", f"write one of {', '.join(Kind)} in the second column"
        ) from None
    return Identifier(kind, row[0].strip(), f"line {number}")


def from_folder(folder: Path) -> list[Identifier]:
    """Identifiers of the original objects in a folder: names, numbers, UIDs, birth dates, institutions.

    Raises
    ------
    Permanent
        There is none.
    """
    found: dict[tuple[Kind, str], Identifier] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for identifier in _of_elements(elements(path.read_bytes())):
            found.setdefault(identifier[:2], identifier)
    return _checked(found.values(), str(folder))


def _of_elements(source: Iterable[Element]) -> Iterator[Identifier]:
    for element in source:
        kind = _ORIGINAL_KINDS.get(element.keyword) or _KINDS_BY_VR.get(element.vr)
        if kind is None:
            continue
        for text in element.texts[:1]:
            for value in filter(None, (part.strip(" \0") for part in text.split("\\"))):
                if not value.startswith(STANDARD_ROOT):
                    yield Identifier(kind, value, element.keyword or element.path)


def _checked(found: Iterable[Identifier], where: str) -> list[Identifier]:
    kept = [one for one in found if len(folded(one.value).replace(" ", "")) >= MIN_LETTERS]
    if not kept:
        raise Permanent(where, "it holds no identifier to look for", "name the file or folder that holds them")
    return kept
