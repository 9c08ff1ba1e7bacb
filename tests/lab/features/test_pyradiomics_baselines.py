"""pyradiomics' own baselines, met once the named differences of definition are applied."""

import os
from functools import cache
from pathlib import Path

import pytest

from lucidray.lab.features.pyradiomics.parameters import FAMILIES
from lucidray.lab.oracles.pyradiomics_baselines import EXACT, IMAGES, Value, values

DATA = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[4] / "shared" / "data")) / "pyradiomics_baselines"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs pyradiomics' baselines in LUCIDRAY_DATA/pyradiomics_baselines"),
]


@cache
def all_values() -> list[Value]:
    return list(values(DATA))


@pytest.mark.parametrize(
    ("family", "settings", "features"),
    [
        ("firstorder", 4, 17),
        ("shape", 2, 11),
        ("glcm", 8, 23),
        ("glrlm", 8, 16),
        ("glszm", 7, 16),
        ("gldm", 7, 14),
        ("ngtdm", 7, 5),
    ],
)
def test_every_value_is_met(family: str, settings: int, features: int) -> None:
    found = [each for each in all_values() if each.family == family]
    assert [each for each in found if not each.met] == []
    assert len(found) == len(IMAGES) * settings * features


def test_every_class_is_compared() -> None:
    assert set(FAMILIES) == {each.family for each in all_values()}


def test_most_need_no_difference_and_some_do() -> None:
    """The differences are not applied for nothing: without them these values are not met."""
    unequal = {each.name for each in all_values() if not each.equal and each.tolerance == EXACT}
    assert unequal == {
        "Kurtosis",
        "Energy",
        "RootMeanSquared",
        "MajorAxisLength",
        "MinorAxisLength",
        "LeastAxisLength",
        "Correlation",
        "Imc1",
    }


def test_what_is_undefined_is_met_in_flat_regions_alone() -> None:
    undefined = [each for each in all_values() if each.applied is None]
    assert {(each.baseline.case, each.name) for each in undefined} == {
        ("flatRegion", "Correlation"),
        ("flatRegion", "Imc1"),
    }
