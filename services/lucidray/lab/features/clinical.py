"""The clinical columns of a feature table: the variables that `predict` takes, by the same codes and rules."""

import csv
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lucidray.contracts.clinical import (
    AGE,
    FEMALE,
    HEIGHT,
    MALE,
    OTHER_SEX,
    SEX,
    WEIGHT,
    Body,
    ClinicalVariable,
    plausible,
    same_concept,
)
from lucidray.contracts.images import Concept
from lucidray.core.errors import Permanent
from lucidray.lab.features.lesion import LesionRow
from lucidray.lab.features.tables import Cell, Rows
from lucidray.predict.clinical import clinical_number
from lucidray.serving.manifest import ClinicalInput

Shape = Callable[[list[LesionRow]], Rows]  # of the rows of a subject

FAMILY = "clinical"

# Columns that need no code in their heading, and what a bundle's `clinical` says of them.
INPUTS = {
    "age": ClinicalInput(name="age", concept=AGE, unit="a"),
    "sex": ClinicalInput(name="female", concept=SEX, category=FEMALE, others=[MALE]),
    "weight": ClinicalInput(name="weight", concept=WEIGHT, unit="kg"),
    "height": ClinicalInput(name="height", concept=HEIGHT, unit="m"),
}
_SUBJECT = ("subject", "patient_id")
_CODED = re.compile(r"(?P<name>[^\[\]]*\w)\s*\[(?P<scheme>\S+)\s+(?P<value>\S+?)(?:\s+(?P<unit>\S+))?\]")
_SEXES = {"f": FEMALE, "female": FEMALE, "m": MALE, "male": MALE, "o": OTHER_SEX, "other": OTHER_SEX}
_NOT_GIVEN = frozenset({"", "na", "n/a", "nan", "none", "null"})


@dataclass(frozen=True)
class Clinical:
    """What a table says of its subjects, as inputs of a model."""

    path: Path
    inputs: list[ClinicalInput]  # as the bundle's `clinical` has to list them, in the order of the columns
    left_out: list[str]  # headings without a code
    subjects: Mapping[str, list[ClinicalVariable]]

    def check(self, subjects: Iterable[str]) -> None:
        """Raise Permanent, with their names, if subjects are not in the table."""
        missing = [each for each in dict.fromkeys(subjects) if each not in self.subjects]
        if missing:
            shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")  # noqa: PLR2004
            raise Permanent(f"clinical table {self.path.name}", f"it has no line for {shown}", "add the line")

    def joined(self, shape: Shape, *, as_long: bool) -> Shape:
        """What shapes the rows of a subject, with these columns behind the others: or rows, in a long table."""

        def with_clinical(rows: list[LesionRow]) -> Rows:
            if not as_long:
                return [row | self._cells(str(row["subject"])) for row in shape(rows)]
            return [one for row in rows for one in (*shape([row]), *self._rows(row))]

        return with_clinical

    def _cells(self, subject: str) -> dict[str, Cell]:
        known = self.subjects[subject]
        return {column_of(each): clinical_number(each, known).value for each in self.inputs}

    def _rows(self, row: LesionRow) -> list[dict[str, Cell]]:
        if row.status == "failed":
            return []
        of_lesion: dict[str, Cell] = {"subject": row.subject, "roi": row.roi, "preset": row.preset}
        numbers = [(each, clinical_number(each, self.subjects[row.subject])) for each in self.inputs]
        return [
            {
                **of_lesion,
                "family": FAMILY,
                "code": f"{each.concept.scheme} {each.concept.value}",
                "name": each.name,
                "value": number.value,
                "unit": each.unit,
                "reason": number.lack,
            }
            for each, number in numbers
        ]


def column_of(wanted: ClinicalInput) -> str:
    """Name of a variable's column: family, name and code, e.g. `clinical_age_121033`."""
    return f"{FAMILY}_{re.sub(r'[^A-Za-z0-9.+-]+', '-', wanted.name)}_{wanted.concept.value}"


def read_clinical(path: Path) -> Clinical:
    """A CSV file with a line for each subject.

    Columns: `subject` (or `patient_id`); `age` (years), `sex` (F, M, O), `weight` (kg), `height` (m); and numbers of
    your own, headed by name, code and UCUM unit: `LDH [LN 14804-9 U/L]`. Others are left out. An empty cell: not known.

    Raises
    ------
    Permanent
        It does not read, names no subject, names one twice, or a cell is not what its heading says; quotes no cell.
    """
    remedy = "give a column subject, columns age, sex, weight, height or NAME [SCHEME CODE UNIT], and a line a subject"
    thing = f"clinical table {path.name}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            headings = [each.strip() for each in lines.fieldnames or ()]
            rows = [{key.strip(): (cell or "").strip() for key, cell in line.items() if key} for line in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Permanent(thing, f"it does not read ({type(error).__name__})", remedy) from None
    key = next((each for each in headings if each.lower() in _SUBJECT), "")
    inputs = {each: found for each in headings if (found := _input(each)) is not None}
    if not key or not inputs:
        raise Permanent(thing, f"it has no column for {'a variable' if key else 'the subject'}", remedy)
    if len({each.concept for each in inputs.values()}) < len(inputs) or len(set(headings)) < len(headings):
        raise Permanent(thing, "two of its columns are of the same variable", "keep one of them")
    subjects: dict[str, list[ClinicalVariable]] = {}
    lines_of: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        subject, place = row[key], f"{thing}, line {number}"
        if not subject or subject in subjects:
            cause = f"{subject} is in line {lines_of[subject]} already" if subject else "it names no subject"
            raise Permanent(place, cause, "keep one line a subject")
        subjects[subject], lines_of[subject] = _variables(row, inputs, place), number
    left_out = [each for each in headings if each != key and each not in inputs]
    return Clinical(path, list(inputs.values()), left_out, subjects)


def _input(heading: str) -> ClinicalInput | None:
    if heading.lower() in INPUTS:
        return INPUTS[heading.lower()]
    match = _CODED.fullmatch(heading)
    if match is None:
        return None
    concept, unit = Concept(value=match["value"], scheme=match["scheme"], meaning=match["name"]), match["unit"] or "1"
    known = (each for each in INPUTS.values() if same_concept(each.concept, concept) and each.unit == unit)
    return next(known, ClinicalInput(name=match["name"], concept=concept, unit=unit))


def _variables(row: Mapping[str, str], inputs: Mapping[str, ClinicalInput], place: str) -> list[ClinicalVariable]:
    """As the service would know them: what is not plausible is not known."""
    given = {each.concept: (each, heading, row[heading]) for heading, each in inputs.items()}
    found = {concept: _value(*each, place) for concept, each in given.items()}
    body = plausible(Body(*(_number(found.get(concept)) for concept in (AGE, WEIGHT, HEIGHT))))
    found |= {concept: value for concept, value in zip((AGE, WEIGHT, HEIGHT), body, strict=True) if concept in found}
    return [
        ClinicalVariable(concept=concept, value=None, unit=given[concept][0].unit, reason=value)
        if isinstance(value, str)
        else ClinicalVariable(concept=concept, value=value, unit=given[concept][0].unit)
        for concept, value in found.items()
    ]


def _value(wanted: ClinicalInput, heading: str, cell: str, place: str) -> float | Concept | str:
    """A number, a code, or why there is neither."""
    if cell.lower() in _NOT_GIVEN:
        return "the table does not say it"
    if wanted.category is not None:
        if cell.lower() not in _SEXES:
            raise Permanent(place, f"column '{heading}' holds something else than F, M or O", "correct it")
        return _SEXES[cell.lower()]
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Permanent(place, f"column '{heading}' holds no number", "correct it, or leave the cell empty")
    return number


def _number(value: float | Concept | str | None) -> float | str:
    return value if isinstance(value, float | str) else ""
