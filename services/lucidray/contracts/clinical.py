"""What is known of a patient beside the images: coded variables, in one code and unit wherever they come from.

Age and sex have the codes of DICOM's subject context (PS3.16 TID 1007), the values of sex those of CID 7455;
weight and height have those of SNOMED CT.
"""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from lucidray.contracts.images import Concept


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClinicalVariable(_Model):
    """One clinical variable of a patient. De-identified: an age, never a date of birth."""

    concept: Concept
    value: float | Concept | None = Field(description="A number, or a code (of a sex, a stage); None: not known")
    unit: str = Field("1", description="UCUM")
    reason: str = Field("", description="Why there is no value and what helps; empty if there is one. Quotes no value")


class ClinicalVariables(_Model):
    """What is known of the patient beside the images."""

    variables: list[ClinicalVariable]


AGE = Concept(value="121033", scheme="DCM", meaning="Subject Age")  # a
SEX = Concept(value="121032", scheme="DCM", meaning="Subject Sex")
WEIGHT = Concept(value="27113001", scheme="SCT", meaning="Body weight")  # kg
HEIGHT = Concept(value="50373000", scheme="SCT", meaning="Body height")  # m
FEMALE = Concept(value="F", scheme="DCM", meaning="Female")
MALE = Concept(value="M", scheme="DCM", meaning="Male")
OTHER_SEX = Concept(value="121102", scheme="DCM", meaning="Other sex")

# What SNOMED CT and LOINC call it.
_SAME = {
    ("SCT", "397669002"): AGE,
    ("LN", "30525-0"): AGE,
    ("SCT", "263495000"): SEX,
    ("LN", "29463-7"): WEIGHT,
    ("LN", "8302-2"): HEIGHT,
    ("SCT", "248152002"): FEMALE,
    ("SCT", "248153007"): MALE,
}

# Above it an age is one of few people's (45 CFR 164.514(b)(2)(i)(C)): only "90 or more" may be known.
OLDEST = 89.0
_WEIGHTS = (0.2, 650.0)  # kg: of the lightest newborn and the heaviest adult on record
_HEIGHTS = (0.2, 2.75)  # m: likewise
_BODY_MASS_INDICES = (6.0, 250.0)  # kg/m2: beyond what was ever reported of a living person
# No child under two is as tall or as heavy: WHO child growth standards, 24 months, median + 3 SD: 0.97 m and 17 kg.
_INFANT_YEARS, _INFANT_HEIGHT, _INFANT_WEIGHT = 2.0, 1.1, 25.0


class Body(NamedTuple):
    """Age (a), weight (kg) and height (m) as far as they are known; or for each why it is not."""

    age: float | str
    weight: float | str
    height: float | str


def same_concept(one: Concept, other: Concept) -> bool:
    """Whether two codes mean the same. Meanings are for people."""
    first, second = (_SAME.get((each.scheme, each.value), each) for each in (one, other))
    return (first.scheme, first.value) == (second.scheme, second.value)


def plausible(body: Body) -> Body:
    """What can be believed: a value that nobody has, or that goes not with the others, gives way to the reason."""
    age, weight, height = body
    if isinstance(age, float) and not 0 <= age <= OLDEST:
        age = "above 89 years no exact age may be known" if age > OLDEST else "it is negative"
    weight = _within(weight, _WEIGHTS, "kg")
    height = _within(height, _HEIGHTS, "m")
    if isinstance(weight, float) and isinstance(height, float):
        low, high = _BODY_MASS_INDICES
        if not low <= weight / height**2 <= high:
            weight = height = "body weight and body height do not go together; correct the wrong one at its source"
    tall = isinstance(height, float) and height > _INFANT_HEIGHT
    heavy = isinstance(weight, float) and weight > _INFANT_WEIGHT
    if isinstance(age, float) and age < _INFANT_YEARS and (tall or heavy):
        age = "an age under two years does not go with such a body; correct the wrong one at its source"
    return Body(age, weight, height)


def _within(value: float | str, limits: tuple[float, float], unit: str) -> float | str:
    if isinstance(value, str) or limits[0] <= value <= limits[1]:
        return value
    return f"it is not between {limits[0]:g} and {limits[1]:g} {unit}; correct it at its source"
