"""What the series of a case say of the patient beside the images (PS3.3 C.7.2.2 and C.7.1.1), as de-identification
left it: nothing is guessed, and what is contradictory is not known."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pydicom import Dataset

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
    ClinicalVariables,
    plausible,
)
from lucidray.contracts.images import Concept
from lucidray.imaging.dicom import text

Said = Mapping[str, frozenset[str]]  # values of an attribute, by keyword: of one series

KEYWORDS = ("PatientAge", "PatientSex", "PatientWeight", "PatientSize")

_SEXES = {"F": FEMALE, "M": MALE, "O": OTHER_SEX}
_AGE = re.compile(r"(\d{3})([DWMY])")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_CORRECT = "correct it at the PACS and send the study again"


class _Known(NamedTuple):
    """A value, or why there is none."""

    value: float | Concept | None
    reason: str = ""


def said_of_patient(slices: Sequence[Dataset]) -> Said:
    """What the images of a series say; an attribute that one of them says nothing of counts by the others."""
    return {keyword: frozenset(filter(None, (text(one, keyword) for one in slices))) for keyword in KEYWORDS}


def clinical_variables(series: Mapping[str, Said]) -> ClinicalVariables:
    """Age, sex, weight and height; those that are not known with the reason.

    Parameters
    ----------
    series
        What each series says, by role.
    """
    age = _agreed(series, "PatientAge", _age)
    sex = _agreed(series, "PatientSex", _SEXES.get)
    weight, height = (_agreed(series, keyword, _number) for keyword in ("PatientWeight", "PatientSize"))
    body = plausible(Body(_plain(age), _plain(weight), _plain(height)))
    numbers = zip((AGE, WEIGHT, HEIGHT), ("a", "kg", "m"), body, strict=True)
    return ClinicalVariables(
        variables=[
            ClinicalVariable(concept=SEX, value=sex.value, reason=sex.reason),
            *(_variable(concept, unit, value) for concept, unit, value in numbers),
        ]
    )


def _agreed(series: Mapping[str, Said], keyword: str, parse: Callable[[str], float | Concept | None]) -> _Known:
    """The one value that all series give that give one."""
    values = {role: {parse(each) for each in said[keyword]} for role, said in series.items() if said[keyword]}
    if not values:
        remedy = "have the scanner send it, and de-identify with a profile that retains patient characteristics"
        return _Known(None, f"no series says {keyword}; {remedy}")
    if unread := sorted(role for role, found in values.items() if None in found):
        return _Known(None, f"{keyword} of {', '.join(unread)} is not a value that it can have; {_CORRECT}")
    first, *others = set().union(*values.values())
    if others:
        return _Known(None, f"{keyword} differs in the series of {', '.join(sorted(values))}; {_CORRECT}")
    return _Known(first)


def _age(written: str) -> float | None:
    """Years. 000Y is what stands where an age is not known: those of infants are written in days, weeks or months."""
    match = _AGE.fullmatch(written)
    if match is None or written == "000Y":
        return None
    return int(match[1]) * _YEARS[match[2]]


def _number(written: str) -> float | None:
    try:
        parsed = float(written)
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


def _plain(known: _Known) -> float | str:
    return known.value if isinstance(known.value, float) else known.reason


def _variable(concept: Concept, unit: str, value: float | str) -> ClinicalVariable:
    if isinstance(value, str):
        return ClinicalVariable(concept=concept, value=None, unit=unit, reason=value)
    return ClinicalVariable(concept=concept, value=value, unit=unit)
