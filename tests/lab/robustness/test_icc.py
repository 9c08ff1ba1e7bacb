"""Intraclass correlation against the published example and against what it must mean."""

import numpy as np
import pytest

from lucidray.lab.robustness.icc import FORMS, Form, agreement

# Shrout and Fleiss 1979, table 2: six subjects, four judges.
JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], np.float64)


@pytest.mark.parametrize(
    ("form", "value", "interval"),
    # Values: their table 4. Intervals: those that R's psych::ICC and pingouin print for these data.
    [("1,1", 0.17, (-0.13, 0.72)), ("2,1", 0.29, (0.02, 0.76)), ("3,1", 0.71, (0.34, 0.95))],
)
def test_the_published_example(form: Form, value: float, interval: tuple[float, float]) -> None:
    found = agreement(JUDGES).icc[form]
    assert found.value == pytest.approx(value, abs=0.005)
    assert (found.low, found.high) == pytest.approx(interval, abs=0.005)


def test_it_estimates_the_share_of_variance() -> None:
    rng = np.random.default_rng(1)
    values = 3 * rng.normal(size=(4000, 1)) + rng.normal(size=(4000, 5))
    for form in FORMS:
        found = agreement(values).icc[form]
        assert found.value == pytest.approx(0.9, abs=0.01)
        assert found.low < found.value < found.high


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    held: dict[Form, int] = dict.fromkeys(FORMS, 0)
    repeats = 600
    for _ in range(repeats):
        values = rng.normal(size=(12, 1)) + rng.normal(size=(12, 4))
        for form, found in agreement(values).icc.items():
            held[form] += found.low <= 0.5 <= found.high
    assert all(abs(count / repeats - 0.95) < 0.03 for count in held.values()), held


def test_units_do_not_matter() -> None:
    plain, other = agreement(JUDGES), agreement(JUDGES * 1e-9 + 5e-9)
    for form in FORMS:
        assert other.icc[form].value == pytest.approx(plain.icc[form].value, rel=1e-6)


def test_an_offset_spoils_agreement_but_not_consistency() -> None:
    subjects = np.arange(8.0)[:, None]
    found = agreement(subjects + np.array([[0.0, 3.0]]))
    assert found.icc["3,1"].value == 1
    assert found.icc["2,1"].value < 0.6
    assert found.icc["1,1"].value < found.icc["2,1"].value + 1e-12


def test_perfect_agreement_is_one() -> None:
    assert agreement(np.repeat(np.array([[1.0], [2.0], [0.1]]), 3, axis=1)).icc["1,1"].value == 1


def test_subjects_with_holes_are_left_out() -> None:
    holed = np.vstack([JUDGES, [[1, np.nan, 2, 3]]])
    assert agreement(holed) == agreement(JUDGES)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (JUDGES[:1], "1 subjects"),
        (JUDGES[:, :1], "1 defined measurements"),
        (np.full((4, 3), 7.0), "do not differ"),
        (np.full((4, 3), np.nan), "0 subjects"),
    ],
)
def test_undefined_has_a_reason(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], reason: str) -> None:
    found = agreement(values)
    assert not found.icc
    assert reason in found.reason
