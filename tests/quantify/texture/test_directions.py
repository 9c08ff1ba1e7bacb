"""Directions, distances and weights of the manual."""

import numpy as np
import pytest

from lucidray.quantify.processing import CooccurrenceParameters, Weighting
from lucidray.quantify.texture.directions import cooccurrence_directions, neighbours, unit_directions, weights


def test_there_are_thirteen_directions_and_four_in_a_slice() -> None:
    volume, plane = unit_directions(within_slice=False), unit_directions(within_slice=True)
    assert (len(volume), len(plane)) == (13, 4)
    assert len({tuple(each) for each in np.concatenate([volume, -volume])}) == 26
    assert not plane[:, 0].any()


@pytest.mark.parametrize(
    ("norm", "distance", "count"),
    [
        (None, 3, 13),
        ("chebyshev", 1, 13),
        ("chebyshev", 2, 49),  # half of 5**3 - 3**3
        ("manhattan", 1, 3),
        ("euclidean", 1, 3),
        ("euclidean", 2, 13),  # half of: 12 at sqrt(2), 8 at sqrt(3), 6 at 2
    ],
)
def test_pairs_at_a_distance(norm: str | None, distance: int, count: int) -> None:
    parameters = CooccurrenceParameters.model_validate({"norm": norm, "distance": distance})
    vectors = cooccurrence_directions(parameters, within_slice=False)
    assert len(vectors) == count
    assert len({tuple(each) for each in np.concatenate([vectors, -vectors])}) == 2 * count


def test_neighbours_lie_within_the_distance() -> None:
    assert len(neighbours(1, "chebyshev", False)) == 26
    assert len(neighbours(1, "manhattan", False)) == 6
    assert len(neighbours(2, "euclidean", False)) == 32
    assert len(neighbours(1, "chebyshev", True)) == 8


def test_weights_fall_with_the_length_of_the_direction() -> None:
    vectors = np.array([[0, 0, 1], [0, 1, 1]])
    assert weights(vectors, Weighting()) is None
    assert weights(vectors, Weighting(function="inverse")) == pytest.approx([1, 2**-0.5])
    assert weights(vectors, Weighting(function="gaussian", norm="manhattan")) == pytest.approx(np.exp([-1.0, -4.0]))
    assert weights(vectors, Weighting(function="inverse", norm="chebyshev")) == pytest.approx([1, 1])
