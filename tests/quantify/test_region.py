"""From volume and label map to the measured voxels."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from lucidray.contracts.grid import Grid
from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.imaging.resample import ibsi_grid, resample, resample_mask
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.region import prepare

MakeVolume = Callable[..., Volume]
MakeGrid = Callable[..., Grid]

NATIVE = Measurement(role="PET", modality="PT", unit="1", families=["morphology"])
FINER = NATIVE.model_copy(update={"spacing": (2.0, 2.0, 2.0)})


def test_native_voxels_are_untouched(make_volume: MakeVolume, make_grid: MakeGrid) -> None:
    values = np.random.default_rng(1).normal(5, 1, (12, 14, 16)).astype(np.float32)
    mask = np.zeros(values.shape, bool)
    mask[5:8, 4:9, 6:12] = True
    region = prepare(make_volume(values, (3, 2, 1)), mask, make_grid(values.shape, (3, 2, 1)), NATIVE)
    assert region is not None
    assert region.spacing == (3, 2, 1)
    np.testing.assert_array_equal(np.sort(region.voxels[region.mask]), np.sort(values[mask]))
    assert not region.cut


def test_cropping_changes_nothing(make_volume: MakeVolume) -> None:
    """The grid is that of the whole volume, so that a value does not depend on where the region lies."""
    values = np.random.default_rng(2).normal(5, 1, (20, 41, 43)).astype(np.float32)
    volume = make_volume(values, (3.27, 1.1, 1.3), (-20, 7, 30))
    mask = np.zeros(values.shape, bool)
    mask[8:13, 15:30, 18:31] = True
    region = prepare(volume, mask, volume.grid, FINER)
    whole = ibsi_grid(volume.grid, (2, 2, 2))
    expected_mask = resample_mask(mask, volume.grid, whole)
    assert region is not None
    assert region.voxels.size < np.prod(whole.shape)
    expected = resample(values, volume.grid, whole)[expected_mask]
    np.testing.assert_allclose(region.voxels[region.mask], expected, atol=1e-5)


def test_mask_may_lie_on_another_grid(make_volume: MakeVolume, make_grid: MakeGrid) -> None:
    """A ball drawn on fine voxels has the same volume where a coarse image is measured."""
    coarse = make_volume(np.ones((15, 15, 15), np.float32), (4, 4, 4))
    fine = make_grid((60, 60, 60), (1, 1, 1), (-1.5, -1.5, -1.5))
    centre = np.indices(fine.shape) - 29.5
    ball = (centre**2).sum(axis=0) <= 20**2
    region = prepare(coarse, ball, fine, FINER)
    assert region is not None
    assert region.mask.sum() * 8 == pytest.approx(ball.sum(), rel=0.02)


def test_intensity_range_leaves_the_shape_alone(make_volume: MakeVolume, make_grid: MakeGrid) -> None:
    values = np.zeros((6, 6, 6), np.float32)
    values[2:4, 2:4, 2:4] = np.arange(8).reshape(2, 2, 2)
    ranged = NATIVE.model_copy(update={"intensity_range": (2.0, 5.0)})
    region = prepare(make_volume(values), values > -1, make_grid(values.shape), ranged)
    assert region is not None
    assert region.mask.all()
    assert sorted(region.voxels[region.intensity_mask]) == [2, 3, 4, 5]


def test_hounsfield_units_are_whole_after_resampling(make_volume: MakeVolume, make_grid: MakeGrid) -> None:
    values = np.random.default_rng(3).integers(-200, 200, (8, 8, 8))
    ct = NATIVE.model_copy(update={"spacing": (1.5, 1.5, 1.5), "rounded": True})
    region = prepare(make_volume(values, modality="CT"), values > -300, make_grid(values.shape), ct)
    assert region is not None
    np.testing.assert_array_equal(region.voxels, np.rint(region.voxels))


def test_region_outside_the_image_is_none(make_volume: MakeVolume, make_grid: MakeGrid) -> None:
    mask = np.ones((3, 3, 3), bool)
    assert prepare(make_volume(np.ones((5, 5, 5))), mask, make_grid(mask.shape, origin=(100, 0, 0)), NATIVE) is None
    assert prepare(make_volume(np.ones((5, 5, 5))), ~mask, make_grid(mask.shape), NATIVE) is None


def test_region_that_reaches_out_is_said_to(make_volume: MakeVolume, make_grid: MakeGrid) -> None:
    volume = make_volume(np.ones((10, 10, 10), np.float32))
    beyond = prepare(volume, np.ones((4, 4, 4), bool), make_grid((4, 4, 4), origin=(8, 3, 3)), NATIVE)
    at_the_border = prepare(volume, np.ones((4, 4, 4), bool), make_grid((4, 4, 4), origin=(6, 3, 3)), NATIVE)
    assert beyond is not None
    assert at_the_border is not None
    assert (beyond.cut, at_the_border.cut) == (True, False)
    assert beyond.mask.sum() == 2 * 4 * 4


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_a_grid_that_no_memory_holds_is_refused_before_anything_is_allocated(
    make_volume: MakeVolume, interpolation: str
) -> None:
    values = np.zeros((40, 80, 80), np.float32)
    tiny = NATIVE.model_copy(update={"spacing": (0.01, 0.01, 0.01), "interpolation": interpolation})
    volume, mask = make_volume(values, (3, 2, 2)), values == 0
    tracemalloc.start()
    with pytest.raises(Permanent) as failure:
        prepare(volume, mask, volume.grid, tiny)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6
    assert failure.value.thing == "measurement of 'PET'"
    assert "12000 x 16000 x 16000 voxels of 0.01 x 0.01 x 0.01 mm" in failure.value.cause
    assert "40 x 80 x 80 voxels of 3 x 2 x 2 mm" in failure.value.cause
    assert failure.value.remedy == "name a wider spacing in the preset"
