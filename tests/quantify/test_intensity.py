"""Statistics and histograms by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucidray.quantify.distribution import Distribution
from lucidray.quantify.grey import Histogram
from lucidray.quantify.intensity import histogram, statistics, volume_histogram
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.values import Undefined

WHOLE = Discretisation(method="none", value=None)
QUARTERS = Discretisation(method="fixed_bin_size", value=0.25)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.sampled_from([0, 10, 25, 50, 75, 90, 100]))
def test_counted_values_are_listed_values(numbers: list[int], percent: int) -> None:
    listed = Distribution(np.sort(np.array(numbers, np.float64)))
    levels, counts = np.unique(numbers, return_counts=True)
    counted = Distribution(levels.astype(np.float64), counts)
    assert counted.percentile(percent) == listed.percentile(percent) == pytest.approx(np.percentile(numbers, percent))
    for name in ("size", "mean", "variance", "skewness", "excess_kurtosis"):
        assert getattr(counted, name) == pytest.approx(getattr(listed, name), abs=1e-12), name


def test_statistics_of_four_voxels() -> None:
    found = statistics(np.array([1.0, 2.0, 3.0, 10.0]))
    assert found["stat_mean"] == 4
    assert found["stat_var"] == 12.5
    assert found["stat_median"] == 2.5
    assert found["stat_energy"] == 114
    assert found["stat_rms"] == pytest.approx(28.5**0.5)
    assert found["stat_mad"] == 3
    assert found["stat_medad"] == 2.5
    assert found["stat_rmad"] == 0.5  # of 2 and 3, which lie between P10 = 1.3 and P90 = 7.9
    assert found["stat_qcod"] == pytest.approx((4.75 - 1.75) / (4.75 + 1.75))


def test_histogram_counts_empty_bins_in_gradients() -> None:
    found = histogram(Histogram(np.array([1, 2, 5]), np.array([4, 2, 2]), 6))
    assert found["ih_mode"] == 1
    assert found["ih_entropy"] == 1.5
    assert found["ih_uniformity"] == 0.375
    # counts 4 2 0 0 2 0 have the gradient -2 -2 -1 1 0 -2
    assert (found["ih_max_grad"], found["ih_max_grad_g"]) == (1, 4)
    assert (found["ih_min_grad"], found["ih_min_grad_g"]) == (-2, 1)


def test_the_mode_is_the_one_closest_to_the_mean() -> None:
    found = histogram(Histogram(np.array([1, 5, 6]), np.array([2, 1, 2]), 6))
    assert found["ih_mode"] == 6  # the mean is 3.8


def test_volume_histogram_of_whole_intensities_spans_the_range() -> None:
    intensities = np.array([0.0] * 5 + [5.0] * 4 + [10.0])
    found = volume_histogram(intensities, WHOLE, (None, None))
    assert (found["ivh_v10"], found["ivh_v90"]) == (0.5, 0.1)
    assert (found["ivh_i10"], found["ivh_i90"]) == (6, 1)
    assert found["ivh_diff_v10_v90"] == pytest.approx(0.4)
    # volumes: 1 at the first level, 0.5 at the next five, 0.1 at the last five
    assert found["ivh_auc"] == pytest.approx((0.75 + 4 * 0.5 + 0.3 + 4 * 0.1) / 10)
    wider = volume_histogram(intensities, WHOLE, (-80.0, 10.0))
    assert (wider["ivh_v10"], wider["ivh_v90"]) == (1, 0.5)


def test_volume_histogram_of_bins_has_their_centres() -> None:
    """Centres 0.125 to 0.875; the greatest intensity belongs to the last; the range is 0.75 long."""
    found = volume_histogram(np.array([0.0, 1.0]), QUARTERS, (None, None))
    assert (found["ivh_v10"], found["ivh_v90"]) == (0.5, 0.5)
    assert found["ivh_i90"] == 0.375
    assert found["ivh_i10"] == 1.125  # half of the volume has the last level, none the one after it


def test_volume_histogram_of_one_level_has_no_fractions() -> None:
    found = volume_histogram(np.array([3.0, 3.0]), QUARTERS, (None, None))
    assert isinstance(found["ivh_v10"], Undefined)
    assert isinstance(found["ivh_diff_v10_v90"], Undefined)
    assert found["ivh_auc"] == 0
    assert volume_histogram(np.array([3.0]), QUARTERS, (0.0, 10.0))["ivh_v10"] == 1


def test_a_bin_width_that_is_a_mistake_is_no_memory_fault() -> None:
    tiny = Discretisation(method="fixed_bin_size", value=1e-9)
    found = volume_histogram(np.array([0.0, 1000.0]), tiny, (None, None))
    assert all(isinstance(value, Undefined) and "too many" in value.reason for value in found.values())
