"""Figures of merit against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lucidray.lab import evaluation, logistic


def test_auc_is_that_of_scikit_learn_also_with_ties() -> None:
    rng = np.random.default_rng(1)
    scores, outcome = rng.integers(0, 8, 60).astype(np.float64), rng.random(60) < 0.4
    assert evaluation.auc(scores, outcome) == pytest.approx(roc_auc_score(outcome, scores))


def test_intervals_hold_their_figure_and_shrink_with_patients() -> None:
    rng = np.random.default_rng(2)
    outcome = np.arange(400) % 3 == 0
    scores = rng.normal(outcome * 1.0)
    few = evaluation.auc_interval(scores[:40], outcome[:40], 3, 500)
    many = evaluation.auc_interval(scores, outcome, 3, 500)
    assert many[0] < evaluation.auc(scores, outcome) < many[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert evaluation.auc_interval(scores, outcome, 3, 500) == many


def test_a_score_does_not_differ_from_itself() -> None:
    outcome = np.arange(30) % 2 == 0
    scores = np.random.default_rng(4).normal(size=30)
    assert evaluation.auc_difference_interval(scores, scores, outcome, 5, 100) == (0, 0)


def test_left_out_patients_do_not_vote_for_themselves() -> None:
    """Pure noise in many inputs: within the sample it looks predictive, left out it does not."""
    rng = np.random.default_rng(6)
    values, outcome = rng.normal(size=(40, 12)), np.arange(40) % 2 == 0
    inside = logistic.probability(logistic.fit(values, outcome), values)
    assert evaluation.auc(inside, outcome) > 0.8
    assert evaluation.auc(evaluation.leave_one_out(values, outcome), outcome) < 0.65
    assert np.mean(evaluation.repeated_folds(values, outcome, 7, repeats=5)) < 0.65


def test_brier_score() -> None:
    assert evaluation.brier(np.array([0.5, 1.0]), np.array([True, True])) == pytest.approx(0.125)
