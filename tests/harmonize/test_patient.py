"""What the series say of the patient becomes clinical variables, or a reason why not."""

from collections.abc import Sequence
from typing import Any

import pytest
from pydicom import DataElement, Dataset, config
from pydicom.datadict import dictionary_VR
from tests.harmonize.studies import harmonized, series_of

from lucidray.contracts.catalogue import VARIABLES
from lucidray.contracts.clinical import AGE, FEMALE, HEIGHT, MALE, OTHER_SEX, SEX, WEIGHT, ClinicalVariable
from lucidray.contracts.images import Concept
from lucidray.harmonize.patient import clinical_variables, said_of_patient
from lucidray.phantom import make_study

ADULT = {"PatientAge": "063Y", "PatientSex": "F", "PatientWeight": "78.4", "PatientSize": "1.71"}


def images(*each: dict[str, Any]) -> list[Dataset]:
    """A slice for each of these changes to an adult."""
    made = []
    for changes in each:
        dataset = Dataset()
        for keyword, value in (ADULT | changes).items():
            dataset.add(DataElement(keyword, dictionary_VR(keyword), value, validation_mode=config.IGNORE))
        made.append(dataset)
    return made


def found(**series: Sequence[Dataset]) -> dict[Concept, ClinicalVariable]:
    made = clinical_variables({role: said_of_patient(slices) for role, slices in series.items()})
    return {each.concept: each for each in made.variables}


def test_the_step_writes_what_the_phantom_is() -> None:
    study = make_study(3)
    result = harmonized(series_of(study))
    (artifact,) = [one for one in result.artifacts if one.contract is VARIABLES]
    first = study.of("PT")[0]
    values = {each.concept: (each.value, each.unit, each.reason) for each in artifact.value.variables}
    assert values == {
        AGE: (float(first.PatientAge[:3]), "a", ""),
        SEX: ({"F": FEMALE, "M": MALE}[first.PatientSex], "1", ""),
        WEIGHT: (float(first.PatientWeight), "kg", ""),
        HEIGHT: (float(first.PatientSize), "m", ""),
    }
    assert artifact.role == ""
    told = " ".join([*result.summary.values(), *(flag.message for flag in result.quality)])
    assert first.PatientAge not in told and str(first.PatientWeight) not in told


@pytest.mark.parametrize(
    ("written", "years"),
    [("063Y", 63), ("089Y", 89), ("030M", 2.5), ("800D", 800 / 365.25), ("150W", 1050 / 365.25)],
)
def test_ages_in_every_unit_are_years(written: str, years: float) -> None:
    assert found(CT=images({"PatientAge": written}))[AGE].value == pytest.approx(years)


@pytest.mark.parametrize("written", ["000Y", "63", "63Y", "063y", "AAAY", "-63Y"])
def test_what_is_no_age_is_not_known(written: str) -> None:
    age = found(CT=images({"PatientAge": written}))[AGE]
    assert age.value is None
    assert age.reason.startswith("PatientAge of CT is not a value that it can have")


def test_an_age_that_few_people_reach_is_not_told() -> None:
    for written in ("090Y", "101Y"):  # the first is what de-identification leaves of the second
        age = found(CT=images({"PatientAge": written}))[AGE]
        assert (age.value, age.reason) == (None, "above 89 years no exact age may be known")


def test_an_infant_of_adult_size_is_not_believed() -> None:
    variables = found(CT=images({"PatientAge": "006M"}))
    assert variables[AGE].value is None
    assert "does not go with such a body" in variables[AGE].reason
    assert variables[WEIGHT].value == 78.4
    baby = {"PatientAge": "006M", "PatientWeight": "7.8", "PatientSize": "0.67"}
    assert found(CT=images(baby))[AGE].value == 0.5


@pytest.mark.parametrize(
    ("keyword", "other", "concept"),
    [("PatientAge", "064Y", AGE), ("PatientSex", "M", SEX), ("PatientWeight", "79", WEIGHT)],
)
def test_series_that_contradict_each_other_are_named(keyword: str, other: str, concept: Concept) -> None:
    variable = found(PET=images({keyword: other}), CT=images({}))[concept]
    assert variable.value is None
    assert variable.reason.startswith(f"{keyword} differs in the series of CT, PET;")
    assert other not in variable.reason
    within = found(CT=images({}, {keyword: other}))[concept]
    assert within.reason.startswith(f"{keyword} differs in the series of CT;")


def test_one_series_that_says_it_is_enough() -> None:
    silent = dict.fromkeys(ADULT, "")
    variables = found(CT=images(silent, silent), PET=images(silent, {"PatientWeight": "78.40"}, {}))
    assert [variables[concept].value for concept in (AGE, SEX, WEIGHT, HEIGHT)] == [63, FEMALE, 78.4, 1.71]


def test_what_nobody_says_is_not_known_and_how_to_change_that() -> None:
    for variable in found(CT=[Dataset()]).values():
        assert variable.value is None
        assert "no series says Patient" in variable.reason
        assert "retains patient characteristics" in variable.reason


def test_another_sex_is_another_sex() -> None:
    assert found(CT=images({"PatientSex": "O"}))[SEX].value == OTHER_SEX
    assert "PatientSex of CT is not a value" in found(CT=images({"PatientSex": "W"}))[SEX].reason


@pytest.mark.parametrize("written", ["nan", "inf", "heavy", "78\\79"])
def test_a_weight_that_is_no_number_is_not_known(written: str) -> None:
    dataset = Dataset()
    dataset.add_new("PatientWeight", "LO", written)  # text where a number belongs
    assert "PatientWeight of CT is not a value" in found(CT=[dataset])[WEIGHT].reason
