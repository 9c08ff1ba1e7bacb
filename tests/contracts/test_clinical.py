"""Clinical variables: what can be believed of a patient, and which codes mean the same."""

import pytest

from lucidray.contracts.catalogue import VARIABLES
from lucidray.contracts.clinical import (
    AGE,
    FEMALE,
    SEX,
    WEIGHT,
    Body,
    ClinicalVariable,
    ClinicalVariables,
    plausible,
    same_concept,
)
from lucidray.contracts.images import Concept


@pytest.mark.parametrize(
    "body",
    [
        Body(63.0, 78.4, 1.71),
        Body(89.0, 45.0, 1.5),
        Body(0.02, 3.4, 0.51),  # a newborn
        Body(1.9, 24.0, 1.0),  # a heavy infant
        Body(2.5, 13.0, 1.15),
        Body(30.0, 600.0, 1.85),
        Body("not said", 78.4, "not said"),
    ],
)
def test_what_can_be_is_believed(body: Body) -> None:
    assert plausible(body) == body


@pytest.mark.parametrize(
    ("body", "doubted"),
    [
        (Body(89.1, 78.0, 1.7), {"age"}),
        (Body(-1.0, 78.0, 1.7), {"age"}),
        (Body(0.5, 78.0, 1.7), {"age"}),
        (Body(0.5, 78.0, "not said"), {"age"}),
        (Body(63.0, 0.0, 1.7), {"weight"}),
        (Body(63.0, 172000.0, 1.7), {"weight"}),  # grams
        (Body(63.0, 78.0, 171.0), {"height"}),  # centimetres
        (Body(63.0, 78.0, 0.0), {"height"}),
        (Body(63.0, 7.8, 1.71), {"weight", "height"}),  # one of them is wrong, and nobody knows which
    ],
)
def test_what_cannot_be_gives_way_to_a_reason(body: Body, doubted: set[str]) -> None:
    found = plausible(body)._asdict()
    assert {name for name, value in found.items() if value != getattr(body, name)} == doubted
    for name in doubted:
        assert isinstance(found[name], str)


def test_reasons_quote_no_value() -> None:
    for value in plausible(Body(97.0, 931.5, 9.31)):
        assert isinstance(value, str)
        assert not any(quoted in value for quoted in ("97", "931", "9.31"))


def test_codes_of_other_schemes_mean_what_ours_mean() -> None:
    assert same_concept(AGE, Concept(value="397669002", scheme="SCT", meaning="Age"))
    assert same_concept(Concept(value="30525-0", scheme="LN", meaning="Age"), AGE)
    assert same_concept(Concept(value="248152002", scheme="SCT", meaning="Female"), FEMALE)
    assert same_concept(WEIGHT, WEIGHT.model_copy(update={"meaning": "Weight"}))
    assert not same_concept(AGE, SEX)
    assert not same_concept(AGE, AGE.model_copy(update={"scheme": "99LOCAL"}))


def test_numbers_codes_and_reasons_survive_the_store() -> None:
    variables = ClinicalVariables(
        variables=[
            ClinicalVariable(concept=AGE, value=63.0, unit="a"),
            ClinicalVariable(concept=SEX, value=FEMALE),
            ClinicalVariable(concept=WEIGHT, value=None, unit="kg", reason="not said"),
        ]
    )
    assert VARIABLES.read(VARIABLES.write(variables)) == variables
