"""Clinical variables as numbers for a model."""

from typing import Any

import pytest
from pydantic import ValidationError

from lucidray.contracts.clinical import AGE, FEMALE, MALE, OTHER_SEX, SEX, WEIGHT, ClinicalVariable
from lucidray.contracts.images import Concept
from lucidray.predict.clinical import clinical_number
from lucidray.serving.manifest import ClinicalInput

WANTED_AGE = ClinicalInput(name="age", concept=AGE, unit="a")
WOMAN = ClinicalInput(name="female", concept=SEX, category=FEMALE, others=[MALE])


def sex(value: Concept) -> ClinicalVariable:
    return ClinicalVariable(concept=SEX, value=value)


def age(value: float | None = 47.0, **more: Any) -> ClinicalVariable:
    return ClinicalVariable(concept=AGE, value=value, **{"unit": "a"} | more)


def test_a_category_is_one_and_those_beside_it_are_nothing() -> None:
    assert [clinical_number(WOMAN, [age(), sex(each)]).value for each in (FEMALE, MALE)] == [1.0, 0.0]


def test_a_category_that_the_model_does_not_know_is_not_taken_for_another() -> None:
    found = clinical_number(WOMAN, [sex(OTHER_SEX)])
    assert found.value is None and not found.unknown
    assert found.lack.startswith("female (Subject Sex, DCM 121032) is a category that the bundle does not know")


def test_what_is_not_known_tells_the_reason_of_the_step_that_looked() -> None:
    found = clinical_number(WANTED_AGE, [age(None, reason="no series says PatientAge; have the scanner send it")])
    assert found.unknown
    assert found.lack == (
        "age (Subject Age, DCM 121033) is not known: no series says PatientAge; have the scanner send it"
    )
    nobody = clinical_number(WANTED_AGE, [sex(MALE)])
    assert nobody.unknown and "no step of this case says it; put one that does on the slip" in nobody.lack


def test_a_step_that_knows_helps_one_that_does_not() -> None:
    assert clinical_number(WANTED_AGE, [age(None, reason="no"), age(47.5), age(47.5)]).value == 47.5


@pytest.mark.parametrize("other", [age(48.0), age(564.0, unit="mo")])
def test_steps_that_contradict_each_other_are_not_believed(other: ClinicalVariable) -> None:
    found = clinical_number(WANTED_AGE, [age(), other])
    assert found.value is None and not found.unknown
    assert "is said differently by two steps" in found.lack
    assert "47" not in found.lack and "48" not in found.lack


def test_numbers_and_categories_are_not_mistaken_for_each_other() -> None:
    numbered = ClinicalInput(name="sex", concept=SEX)
    assert "is a category, where the bundle wants a number" in clinical_number(numbered, [sex(MALE)]).lack
    coded = ClinicalInput(name="old", concept=AGE, category=FEMALE, others=[MALE])
    assert "is a number, where the bundle wants a category" in clinical_number(coded, [age()]).lack


def test_codes_of_snomed_are_understood() -> None:
    years = Concept(value="397669002", scheme="SCT", meaning="Age")
    assert clinical_number(ClinicalInput(name="age", concept=years, unit="a"), [age()]).value == 47
    assert clinical_number(ClinicalInput(name="weight", concept=WEIGHT, unit="kg"), [age()]).unknown


@pytest.mark.parametrize("changes", [{"category": FEMALE}, {"others": [MALE]}])
def test_half_a_category_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a category needs others"):
        ClinicalInput(name="female", concept=SEX, **changes)
