"""The clinical variables of a patient as numbers for a model."""

from collections.abc import Sequence
from typing import NamedTuple

from lucidray.contracts.clinical import ClinicalVariable, same_concept
from lucidray.contracts.images import Concept
from lucidray.serving.manifest import ClinicalInput


class ClinicalNumber(NamedTuple):
    """What a model gets for a variable, or why there is nothing to give."""

    value: float | None
    lack: str = ""  # names the variable and what helps; quotes no value
    unknown: bool = False  # nobody knows a value: the bundle may take its mean for it


def clinical_number(wanted: ClinicalInput, variables: Sequence[ClinicalVariable]) -> ClinicalNumber:
    """The number for one input; `variables` are those of all steps that know some."""
    about = [each for each in variables if same_concept(each.concept, wanted.concept)]
    known = [each for each in about if each.value is not None]
    if not known:
        nobody = "no step of this case says it; put one that does on the slip, or use a model that does without it"
        return _lack(wanted, f"is not known: {about[0].reason if about else nobody}", unknown=True)
    if any((each.value, each.unit) != (known[0].value, known[0].unit) for each in known):
        return _lack(wanted, "is said differently by two steps of this case; correct it at one of their sources")
    return _number(wanted, known[0])


def _number(wanted: ClinicalInput, known: ClinicalVariable) -> ClinicalNumber:
    if isinstance(known.value, Concept):
        return _indicator(wanted, known.value)
    if wanted.category is not None:
        return _lack(wanted, "is a number, where the bundle wants a category; correct its manifest")
    if known.unit != wanted.unit:
        return _lack(wanted, f"is in {known.unit}, not {wanted.unit}")
    return ClinicalNumber(known.value)


def _indicator(wanted: ClinicalInput, value: Concept) -> ClinicalNumber:
    """1 for the bundle's category, 0 for those that it knows beside it."""
    if wanted.category is None:
        return _lack(wanted, "is a category, where the bundle wants a number; correct its manifest")
    if same_concept(value, wanted.category):
        return ClinicalNumber(1.0)
    if any(same_concept(value, each) for each in wanted.others):
        return ClinicalNumber(0.0)
    return _lack(wanted, "is a category that the bundle does not know; use a model made for such patients")


def _lack(wanted: ClinicalInput, what: str, *, unknown: bool = False) -> ClinicalNumber:
    concept = wanted.concept
    named = f"{wanted.name} ({concept.meaning}, {concept.scheme} {concept.value})"
    return ClinicalNumber(None, f"{named} {what}", unknown)
