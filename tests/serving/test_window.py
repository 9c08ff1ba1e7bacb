"""Sliding window: equal to the naive one, whatever the sizes."""

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidray.serving.window import Blend, blend_profile, sliding_window, window_starts

Floats = npt.NDArray[np.float32]
SIZE = st.tuples(*[st.integers(1, 9)] * 3)
PATCH = st.tuples(*[st.integers(1, 5)] * 3)


def network(window: Floats) -> Floats:
    """Two channels that depend on the place in the window, so that blending shows."""
    place = np.arange(np.prod(window.shape[2:])).reshape(window.shape[2:])
    return np.concatenate([window[:, :1] * 2 + 1, window.sum(axis=1, keepdims=True) + place], axis=1).astype(np.float32)


def naive(
    image: Floats, patch: tuple[int, int, int], overlap: float, blend: Blend, sigma: float
) -> npt.NDArray[np.float64]:
    """Voxel by voxel: the weighted mean over every window that covers it."""
    extra = [max(0, size - length) for size, length in zip(patch, image.shape[1:], strict=True)]
    before = [each // 2 for each in extra]
    padded = np.full((image.shape[0], *(n + e for n, e in zip(image.shape[1:], extra, strict=True))), -3.0, np.float32)
    where = tuple(slice(b, b + n) for b, n in zip(before, image.shape[1:], strict=True))
    padded[(slice(None), *where)] = image
    total, norm = np.zeros((2, *padded.shape[1:])), np.zeros(padded.shape[1:])
    starts = []
    for length, size in zip(padded.shape[1:], patch, strict=True):
        along, step = [0], max(1, int(size * (1 - overlap)))
        while along[-1] + size < length:
            along.append(min(along[-1] + step, length - size))
        starts.append(along)
    for corner in product(*starts):
        box = tuple(slice(c, c + p) for c, p in zip(corner, patch, strict=True))
        out = network(padded[(slice(None), *box)][None])[0]
        for offset in np.ndindex(*patch):
            weight = 1.0
            if blend == "gaussian":
                for o, p in zip(offset, patch, strict=True):
                    weight *= float(np.exp(-0.5 * ((o - (p - 1) / 2) / (sigma * p)) ** 2))
            at = tuple(c + o for c, o in zip(corner, offset, strict=True))
            total[(slice(None), *at)] += weight * out[(slice(None), *offset)]
            norm[at] += weight
    return (total / norm)[(slice(None), *where)]


@settings(max_examples=40, deadline=None)
@given(
    size=SIZE,
    patch=PATCH,
    overlap=st.sampled_from([0.0, 0.25, 0.5, 0.75]),
    blend=st.sampled_from(["gaussian", "constant"]),
    sigma=st.sampled_from([0.125, 0.3]),
)
def test_equal_to_the_naive_one(
    size: tuple[int, int, int], patch: tuple[int, int, int], overlap: float, blend: Blend, sigma: float
) -> None:
    image = np.random.default_rng(0).normal(size=(2, *size)).astype(np.float32)
    result = sliding_window(image, network, patch, overlap=overlap, blend=blend, sigma=sigma, padding=-3.0, channels=2)
    assert result.dtype == np.float32
    assert np.allclose(result, naive(image, patch, overlap, blend, sigma), rtol=1e-4, atol=1e-4)


@given(length=st.integers(1, 200), patch=st.integers(1, 64), overlap=st.floats(0, 0.95))
def test_windows_cover_the_axis_and_stay_inside(length: int, patch: int, overlap: float) -> None:
    starts = window_starts(length, patch, overlap)
    assert starts[0] == 0
    assert starts[-1] == max(0, length - patch)
    assert all(0 < after - before <= patch for before, after in zip(starts, starts[1:], strict=False))


def test_windows_outside_the_prior_are_not_run() -> None:
    image = np.ones((1, 8, 8, 8), np.float32)
    where = np.zeros((8, 8, 8), bool)
    where[1, 1, 1] = True
    seen: list[tuple[int, int]] = []
    result = sliding_window(
        image,
        lambda window: window + 1,
        (4, 4, 4),
        overlap=0.0,
        where=where,
        outside=-1.0,
        progress=lambda done, count: seen.append((done, count)),
    )
    assert seen == [(1, 1)]
    assert np.allclose(result[0, :4, :4, :4], 2)
    assert (result[0, 4:] == -1).all()


def test_an_empty_prior_runs_nothing() -> None:
    def fails(window: Floats) -> Floats:
        raise AssertionError

    result = sliding_window(
        np.ones((1, 5, 5, 5), np.float32), fails, (4, 4, 4), where=np.zeros((5, 5, 5), bool), channels=3
    )
    assert result.shape == (3, 5, 5, 5)
    assert not result.any()


def test_progress_counts_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    image = np.zeros((1, 6, 6, 6), np.float32)
    sliding_window(image, lambda window: window, (4, 4, 4), progress=lambda done, count: seen.append((done, count)))
    assert seen == [(done, 8) for done in range(1, 9)]


def test_gaussian_profile_is_the_pinned_definition() -> None:
    profile = blend_profile(4, "gaussian", 0.125)
    # distances 1.5 and 0.5 voxels from the middle, sigma 0.5 voxels
    assert profile == pytest.approx([np.exp(-4.5), np.exp(-0.5), np.exp(-0.5), np.exp(-4.5)], rel=1e-6)


def test_weights_of_the_largest_usual_window_do_not_underflow() -> None:
    profile = blend_profile(256, "gaussian", 0.1)  # the narrowest that a manifest may ask for
    assert profile[0] ** 3 > np.finfo(np.float32).tiny
