"""Voxelwise association against closed forms and other libraries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mutual_info_score

from lucidray.quantify.hybrid.association import NAMES, association
from lucidray.quantify.values import Undefined, Value, Values

RNG = np.random.default_rng(7)


def number(value: Value) -> float:
    assert not isinstance(value, Undefined)
    return value


def numbers(values: Values) -> dict[str, float]:
    return {name: number(value) for name, value in values.items()}


def test_correlations_and_information_are_those_of_scipy_and_scikit_learn() -> None:
    first = RNG.random(500)
    second = np.rint(10 * np.clip(0.6 * first**2 + 0.3 * RNG.random(500), 0, 1)) / 10  # ties
    found = numbers(association(first, second, 16))
    assert found["pearson_correlation"] == pytest.approx(stats.pearsonr(first, second).statistic)
    assert found["spearman_rank_correlation"] == pytest.approx(stats.spearmanr(first, second).statistic)
    cells = [np.minimum((each * 16).astype(int), 15) for each in (first, second)]
    assert found["mutual_information"] == pytest.approx(mutual_info_score(*cells) / np.log(2))


def test_an_image_tells_everything_of_itself() -> None:
    image = RNG.random(4000)
    found = numbers(association(image, image, 8))
    entropy = found["joint_histogram_entropy"]
    assert entropy == pytest.approx(3, abs=0.01)  # eight bins, evenly filled
    assert found["mutual_information"] == pytest.approx(entropy)
    assert found["normalised_mutual_information"] == pytest.approx(2)
    assert found["conditional_entropy_of_first"] == found["conditional_entropy_of_second"] == pytest.approx(0)


def test_what_is_scaled_or_inverted_carries_the_same_information() -> None:
    image = RNG.random(1000)
    found = numbers(association(image, 1 - image, 8))
    assert found["pearson_correlation"] == pytest.approx(-1)
    assert found["spearman_rank_correlation"] == pytest.approx(-1)
    assert found["normalised_mutual_information"] == pytest.approx(2)


def test_independent_images_share_only_what_few_voxels_feign() -> None:
    """The bias of mutual information: about (bins - 1)^2 / (2 n ln 2) bits (Miller 1955), which the docs warn of."""
    found = numbers(association(RNG.random(20_000), RNG.random(20_000), 16))
    assert found["mutual_information"] == pytest.approx(15**2 / (2 * 20_000 * np.log(2)), rel=0.2)
    assert found["normalised_mutual_information"] == pytest.approx(1, abs=0.01)
    assert found["pearson_correlation"] == pytest.approx(0, abs=0.03)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=40), st.integers(2, 32))
def test_identities_of_information(pairs: list[tuple[float, float]], bins: int) -> None:
    first, second = np.array(pairs).T
    one, other = association(first, second, bins), association(second, first, bins)
    information, joint = number(one["mutual_information"]), number(one["joint_histogram_entropy"])
    assert information == pytest.approx(number(other["mutual_information"]), abs=1e-12)
    parts = number(one["conditional_entropy_of_first"]) + number(one["conditional_entropy_of_second"]) + information
    assert parts == pytest.approx(joint, abs=1e-9)
    assert one["conditional_entropy_of_first"] == pytest.approx(number(other["conditional_entropy_of_second"]))
    assert 0 <= information <= joint + 1e-9 <= np.log2(len(pairs)) + 2e-9


def test_flat_images_have_no_correlation() -> None:
    found = association(np.full(10, 0.5), RNG.random(10), 4)
    assert found["pearson_correlation"] == Undefined("an image is constant in the region")
    assert found["mutual_information"] == 0
    both = association(np.full(10, 0.5), np.full(10, 0.1), 4)
    assert both["normalised_mutual_information"] == Undefined("all voxels share one bin of the joint histogram")


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_voxels_have_a_reason(count: int) -> None:
    found = association(np.zeros(count), np.zeros(count), 4)
    assert list(found) == list(NAMES)
    assert all(isinstance(value, Undefined) for value in found.values())
