"""Contours that other readers might have drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidray.lab.robustness.contour import Mask, randomised, resized

SPACING = (3.0, 1.0, 1.0)


def ball(radius: float, shape: tuple[int, int, int] = (17, 41, 41), spacing: tuple[float, ...] = SPACING) -> Mask:
    places = [(np.arange(count) - count // 2) * step for count, step in zip(shape, spacing, strict=True)]
    z, y, x = np.meshgrid(*places, indexing="ij")
    inside: Mask = z**2 + y**2 + x**2 <= radius**2
    return inside


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.6, 1.0), st.integers(0, 99))
def test_volume_changes_by_exactly_what_was_asked_and_the_shape_stays(change: float, seed: int) -> None:
    mask = ball(9)
    other = resized(mask, SPACING, change, np.random.default_rng(seed))
    assert other.sum() == round(mask.sum() * (1 + change))
    smaller, larger = (other, mask) if change < 0 else (mask, other)
    assert not (smaller & ~larger).any()
    # Of a ball it makes a ball, in mm, though voxels are three times as high as wide: within one voxel's diagonal.
    radius = 9 * (1 + change) ** (1 / 3)
    assert not (other & ~ball(radius + 3.4)).any()
    assert not (ball(max(radius - 3.4, 0)) & ~other).any()


def test_one_voxel_always_stays() -> None:
    assert resized(ball(3), SPACING, -1.0, np.random.default_rng(1)).sum() == 1


def test_lots_decide_between_equally_near_voxels() -> None:
    masks = [resized(ball(9), SPACING, 0.01, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], masks[2])


def test_supervoxels_keep_to_edges_that_the_image_shows() -> None:
    """A bright cube, outlined too generously on one side: the border that the image shows survives, the other moves."""
    spacing = (2.0, 2.0, 2.0)
    voxels = np.random.default_rng(3).normal(0, 1, (24, 24, 24)).astype(np.float32)
    voxels[6:18, 6:18, 6:18] += 100
    mask = np.zeros(voxels.shape, np.bool_)
    mask[6:18, 6:18, 6:20] = True
    masks = [randomised(mask, voxels, spacing, np.random.default_rng(seed)) for seed in range(12)]
    inside = np.mean(masks, axis=0)
    assert inside[8:16, 8:16, 8:16].mean() > 0.9
    assert 0.05 < inside[8:16, 8:16, 18:20].mean() < 0.9
    assert inside[:4].mean() < 0.02  # beyond the edge, where the outline was right
    assert len({each.sum() for each in masks}) > 3


def test_the_same_lots_draw_the_same_contour() -> None:
    voxels = np.random.default_rng(3).normal(0, 1, (17, 41, 41)).astype(np.float32)
    one, other = (randomised(ball(12), voxels, SPACING, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("radius", [0.5, 2.5])
def test_a_region_smaller_than_a_supervoxel_does_not_vanish(radius: float) -> None:
    voxels = np.zeros((17, 41, 41), np.float32)
    assert randomised(ball(radius), voxels, SPACING, np.random.default_rng(5)).any()
