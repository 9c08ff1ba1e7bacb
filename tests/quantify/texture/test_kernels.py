"""The compiled loops against the definitions of the matrices, voxel by voxel."""

from collections import Counter
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.quantify.discretise import bin_numbers
from lucidray.quantify.grey import GreyLevels, grey_levels, histogram_of
from lucidray.quantify.processing import (
    CooccurrenceParameters,
    Discretisation,
    Norm,
    RunLengthParameters,
)
from lucidray.quantify.region import Region
from lucidray.quantify.texture import cooccurrence, run_length
from lucidray.quantify.texture.directions import cooccurrence_directions, neighbours, unit_directions
from lucidray.quantify.texture.likeness import likeness
from lucidray.quantify.texture.neighbourhood import find_neighbourhoods
from lucidray.quantify.texture.zone import find_zones
from lucidray.quantify.values import Undefined

Levels = npt.NDArray[np.int64]
AS_THEY_ARE = Discretisation(method="none", value=None)


@pytest.fixture(params=range(5))
def levels(request: pytest.FixtureRequest) -> Levels:
    """Grey levels (z, y, x) of a region with holes that touches the border; 0 outside. Level 3 is absent.

    The last is larger than the blocks in which the loops go, and has long runs and winding zones.
    """
    rng = np.random.default_rng(request.param)
    found: Levels = rng.choice([0, 1, 2, 4, 9], p=[0.3, 0.3, 0.2, 0.1, 0.1], size=rng.integers(2, 7, 3))
    if request.param == 4:  # noqa: PLR2004
        found = rng.choice([0, 1, 2], p=[0.1, 0.8, 0.1], size=(17, 19, 23)).astype(np.int64)
    found[0, 0, 0] = 1
    return found


def grey_of(levels: Levels, pad: int = 2) -> GreyLevels:
    mask = levels > 0
    numbers = bin_numbers(levels[mask].astype(np.float64), AS_THEY_ARE, (None, None))
    assert not isinstance(numbers, Undefined)
    region = Region(levels.astype(np.float64), mask, mask, (1, 1, 1))
    found = grey_levels(region, numbers, histogram_of(numbers, AS_THEY_ARE), pad)
    assert not isinstance(found, Undefined)
    return found


def at(levels: Levels, place: tuple[int, ...]) -> int:
    inside = all(0 <= index < size for index, size in zip(place, levels.shape, strict=True))
    return int(levels[place]) if inside else 0


def moved(place: tuple[int, ...], vector: npt.NDArray[np.int64], times: int = 1) -> tuple[int, ...]:
    return tuple(int(index + times * step) for index, step in zip(place, vector, strict=True))


def places(levels: Levels) -> list[tuple[int, ...]]:
    return [place for place in product(*map(range, levels.shape)) if levels[place]]


@pytest.mark.parametrize("distance", [1, 2])
def test_cooccurrences_are_all_pairs(levels: Levels, distance: int) -> None:
    grey = grey_of(levels)
    parameters = CooccurrenceParameters(distance=distance)
    directional = cooccurrence.directional(grey, parameters, within_slice=False)
    matrices = directional.count(grey.whole, range(directional.directions))
    vectors = cooccurrence_directions(parameters, within_slice=False)
    for matrix, vector in zip(matrices, vectors, strict=True):
        pairs = Counter((at(levels, place), at(levels, moved(place, vector))) for place in places(levels))
        expected = [[pairs[int(i), int(j)] for j in grey.levels] for i in grey.levels]
        np.testing.assert_array_equal(matrix, expected)


def test_runs_are_as_long_as_they_can_be(levels: Levels) -> None:
    grey = grey_of(levels)
    alike = likeness(grey, within_slice=False)
    directional = run_length.directional(grey, alike, RunLengthParameters(), within_slice=False)
    matrices = directional.count(grey.whole, range(directional.directions))
    for matrix, vector in zip(matrices, unit_directions(within_slice=False), strict=True):
        expected = np.zeros_like(matrix)
        for place in places(levels):
            level, length = at(levels, place), 1
            if at(levels, moved(place, vector, -1)) == level:
                continue
            while at(levels, moved(place, vector, length)) == level:
                length += 1
            expected[np.searchsorted(grey.levels, level), length - 1] += 1
        np.testing.assert_array_equal(matrix, expected)
        assert (matrix * np.arange(1, matrix.shape[1] + 1)).sum() == grey.size


@pytest.mark.parametrize("within_slice", [False, True])
def test_zones_and_their_distances(levels: Levels, within_slice: bool) -> None:
    grey = grey_of(levels)
    found = [
        (int(grey.levels[rank - 1]), int(size), int(distance))
        for zones in find_zones(grey, likeness(grey, within_slice=within_slice), within_slice=within_slice)
        for rank, size, distance in zip(zones.ranks, zones.sizes, zones.distances, strict=True)
    ]
    distances = border(levels > 0, within_slice)
    vectors, left, expected = neighbours(1, "chebyshev", within_slice), set(places(levels)), []
    while left:
        zone = [left.pop()]
        for place in zone:  # grows while it is walked
            near = {moved(place, vector) for vector in vectors} & left
            same = {each for each in near if levels[each] == levels[place]}
            zone += sorted(same)
            left -= same
        expected.append((int(levels[zone[0]]), len(zone), min(int(distances[each]) for each in zone)))
    assert sorted(found) == sorted(expected)


def border(mask: npt.NDArray[np.bool_], within_slice: bool) -> npt.NDArray[np.int64]:
    """City-block distance to what is outside, by peeling layers."""
    axes = [1, 2] if within_slice else [0, 1, 2]
    padded = np.pad(mask, 1)
    layers = np.zeros(padded.shape, np.int64)
    while padded.any():
        layers += padded
        inner = padded.copy()
        for axis in axes:
            inner &= np.roll(padded, 1, axis) & np.roll(padded, -1, axis)
        padded = inner
    return layers[1:-1, 1:-1, 1:-1]


@pytest.mark.parametrize(("distance", "norm", "coarseness"), [(1, "chebyshev", 0), (2, "euclidean", 1)])
def test_neighbourhoods(levels: Levels, distance: int, norm: Norm, coarseness: int) -> None:
    grey, vectors = grey_of(levels), neighbours(distance, norm, False)
    (found,) = find_neighbourhoods(grey, vectors, coarseness, within_slice=False)
    differences, dependences = np.zeros_like(found.differences), np.zeros_like(found.dependences)
    for place in places(levels):
        level, near = at(levels, place), [at(levels, moved(place, vector)) for vector in vectors]
        near = [other for other in near if other]
        row = np.searchsorted(grey.levels, level)
        differences[row, len(near)] += abs(level * len(near) - sum(near))
        dependences[row, sum(abs(other - level) <= coarseness for other in near)] += 1
    np.testing.assert_array_equal(found.differences, differences)
    np.testing.assert_array_equal(found.dependences, dependences)
