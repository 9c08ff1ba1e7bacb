"""The deletion check: true explanations pass, wrong ones fail."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.explain.deletion import check_deletion

Floats = npt.NDArray[np.float64]


def logistic(weights: list[float]) -> Callable[[Floats], Floats]:
    def output(values: Floats) -> Floats:
        probabilities: Floats = 1 / (1 + np.exp(-(values @ np.array(weights) - 0.3)))
        return probabilities

    return output


def check(
    weights: list[float], values: list[float], parts: list[float], orders: int = 200
) -> tuple[float, float, bool]:
    mean = np.zeros(len(values))
    found = check_deletion(logistic(weights), np.array(values), mean, np.array(parts), orders)
    return found.explained_area, found.random_area, found.passed


@pytest.mark.parametrize("weights", [[2.0, 0.5, -1.0], [-2.0, -0.5, 1.0], [0.1, -3.0, 0.2]])
def test_exact_contributions_pass_on_either_side(weights: list[float]) -> None:
    explained, random, passed = check(weights, [1, 1, 1], weights)
    assert explained < random
    assert passed


def test_reversed_contributions_fail() -> None:
    explained, random, passed = check([2.0, 0.5, 0.1], [1, 1, 1], [0.1, 0.5, 2.0])
    assert explained > random
    assert not passed


def test_areas_by_hand() -> None:
    """Two inputs: probabilities p(1, 1), p(0, 1), p(0, 0) in the explained order, by the trapezoid rule."""
    explained, random, _ = check([2.0, 1.0], [1, 1], [2.0, 1.0])
    both, second, first, none = (1 / (1 + np.exp(-(logit - 0.3))) for logit in (3.0, 1.0, 2.0, 0.0))
    falls, other = (both / 2 + second + none / 2) / 2, (both / 2 + first + none / 2) / 2
    assert explained == pytest.approx(falls)
    assert random == pytest.approx((falls + other) / 2)


def test_one_input_cannot_fail() -> None:
    explained, random, passed = check([1.0], [2.0], [2.0])
    assert explained == pytest.approx(random)
    assert passed


def test_many_inputs_are_sampled_the_same_way_twice() -> None:
    weights = list(np.linspace(-1, 1, 9))
    first = check(weights, [1.0] * 9, weights, orders=50)
    assert first == check(weights, [1.0] * 9, weights, orders=50)
    assert first[2]
