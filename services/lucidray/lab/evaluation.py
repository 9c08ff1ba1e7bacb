"""How well a score tells events from non-events, with its uncertainty."""

import numpy as np

from lucidray.lab import logistic
from lucidray.lab.table import Bools, Floats

_LEVEL = 0.95


def auc(scores: Floats, outcome: Bools) -> float:
    """Area under the ROC curve: how often an event scores above a non-event (ties count one half)."""
    events, others = scores[outcome][:, None], scores[~outcome][None, :]
    return float(np.mean((events > others) + 0.5 * (events == others)))


def auc_interval(scores: Floats, outcome: Bools, seed: int, draws: int = 2000) -> tuple[float, float]:
    """95 % percentile bootstrap over patients, events and non-events drawn apart."""
    return _interval([auc(scores[rows], outcome[rows]) for rows in _resamples(outcome, seed, draws)])


def auc_difference_interval(
    first: Floats, second: Floats, outcome: Bools, seed: int, draws: int = 2000
) -> tuple[float, float]:
    """As `auc_interval`, of the difference first - second in the same patients."""
    return _interval(
        [
            auc(first[rows], outcome[rows]) - auc(second[rows], outcome[rows])
            for rows in _resamples(outcome, seed, draws)
        ]
    )


def leave_one_out(values: Floats, outcome: Bools) -> Floats:
    """Probability of each patient by a model of all others; scaling is fitted anew each time."""
    scores = np.empty(len(outcome))
    for left in range(len(outcome)):
        others = np.arange(len(outcome)) != left
        scores[left] = logistic.probability(logistic.fit(values[others], outcome[others]), values[[left]])[0]
    return scores


def repeated_folds(values: Floats, outcome: Bools, seed: int, repeats: int = 50, folds: int = 5) -> list[float]:
    """AUC of each repeat of a stratified cross-validation."""
    rng = np.random.default_rng(seed)
    areas = []
    for _ in range(repeats):
        fold = np.empty(len(outcome), int)
        for kind in (True, False):
            members = rng.permutation(np.flatnonzero(outcome == kind))
            fold[members] = np.arange(len(members)) % folds
        scores = np.empty(len(outcome))
        for number in range(folds):
            inside = fold == number
            scores[inside] = logistic.probability(logistic.fit(values[~inside], outcome[~inside]), values[inside])
        areas.append(auc(scores, outcome))
    return areas


def brier(probabilities: Floats, outcome: Bools) -> float:
    """Mean squared distance of probability and outcome."""
    return float(np.mean((probabilities - outcome) ** 2))


def _resamples(outcome: Bools, seed: int, draws: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.intp]]]:
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(outcome), np.flatnonzero(~outcome)]
    return [np.concatenate([rng.choice(group, len(group)) for group in groups]) for _ in range(draws)]


def _interval(values: list[float]) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)
