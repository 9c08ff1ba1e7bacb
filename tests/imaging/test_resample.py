"""Resampling: the same place gives the same value."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidray.contracts.grid import Grid
from lucidray.core.errors import Permanent
from lucidray.imaging.geometry import to_patient
from lucidray.imaging.resample import Interpolation, ibsi_grid, resample, resample_mask

Points = npt.NDArray[np.float64]
IDENTITY = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
SOURCE = Grid(shape=(6, 7, 8), spacing=(3.0, 2.0, 1.0), origin=(-4.0, -6.0, 10.0), axes=IDENTITY)


def rotated(grid: Grid, degrees: float) -> Grid:
    """About z through the middle of the grid."""
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    middle = to_patient(grid, (np.array(grid.shape) - 1)[None] / 2)[0]
    axes = tuple(tuple(float(v) for v in turn @ axis) for axis in grid.axes)
    origin = tuple(float(v) for v in middle + turn @ (np.array(grid.origin) - middle))
    return grid.model_copy(update={"axes": axes, "origin": origin})


def sampled(
    grid: Grid, function: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
) -> npt.NDArray[np.float32]:
    """A function of (x, y, z) in mm, at the voxel centres."""
    index = np.indices(grid.shape).reshape(3, -1).T.astype(float)
    return function(to_patient(grid, index)).reshape(grid.shape).astype(np.float32)


def ramp(points: Points) -> Points:
    """Linear interpolation must reproduce it exactly."""
    return points[:, 0] - 2 * points[:, 1] + 0.5 * points[:, 2] + 3


@settings(max_examples=30)
@given(spacing=st.tuples(*[st.floats(0.4, 5.0)] * 3))
def test_linear_reproduces_a_ramp_inside(spacing: tuple[float, float, float]) -> None:
    target = ibsi_grid(SOURCE, spacing)
    result = resample(sampled(SOURCE, ramp), SOURCE, target)
    index = np.indices(target.shape).reshape(3, -1).T.astype(float)
    place = (to_patient(target, index) - np.array(SOURCE.origin)) @ np.array(SOURCE.axes).T / np.array(SOURCE.spacing)
    inside = ((place >= 0) & (place <= np.array(SOURCE.shape) - 1)).all(axis=1).reshape(target.shape)
    assert np.allclose(result[inside], sampled(target, ramp)[inside], atol=1e-4)


@pytest.mark.parametrize("degrees", [0.0, 20.0, -75.0])
@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_parallel_and_rotated_grids_agree_with_scipy_free_formula(degrees: float, interpolation: str) -> None:
    """Voxel by voxel, written the slow way."""
    values = np.random.default_rng(1).normal(size=SOURCE.shape).astype(np.float32)
    target = rotated(ibsi_grid(SOURCE, (2.5, 1.7, 1.3)), degrees)
    result = resample(values, SOURCE, target, interpolation=interpolation, outside=-9.0)  # type: ignore[arg-type]
    limits = np.array(SOURCE.shape) - 1
    for index in np.ndindex(*target.shape):
        point = to_patient(target, np.array([index], float))[0]
        place = (point - np.array(SOURCE.origin)) @ np.array(SOURCE.axes).T / np.array(SOURCE.spacing)
        if (place < -0.5).any() or (place > limits + 0.5).any():
            expected = -9.0
        elif interpolation == "nearest":
            expected = float(values[tuple(np.clip(np.floor(place + 0.5).astype(int), 0, limits))])
        else:
            place = np.clip(place, 0, limits)
            low = np.minimum(np.floor(place).astype(int), limits - 1)
            part = place - low
            expected = sum(
                float(values[tuple(low + corner)]) * float(np.prod(np.where(corner, part, 1 - part)))
                for corner in np.array(list(np.ndindex(2, 2, 2)))
            )
        assert result[index] == pytest.approx(expected, abs=1e-5)


def test_same_grid_returns_the_values_untouched() -> None:
    values = np.arange(np.prod(SOURCE.shape), dtype=np.int16).reshape(SOURCE.shape)
    assert resample(values, SOURCE, SOURCE, interpolation="nearest") is values
    assert np.array_equal(resample(values, SOURCE, SOURCE), values.astype(np.float32))


def test_labels_keep_their_type_and_values() -> None:
    labels = np.random.default_rng(2).integers(0, 4, SOURCE.shape).astype(np.uint8)
    result = resample(labels, SOURCE, ibsi_grid(SOURCE, (1.0, 1.0, 1.0)), interpolation="nearest")
    assert result.dtype == np.uint8
    assert set(np.unique(result)) <= set(np.unique(labels))


@pytest.mark.parametrize(
    ("shape", "spacing", "wanted", "count"),
    [
        ((57, 10, 10), (3.27, 1.0, 1.0), (3.27, 1.0, 1.0), (57, 10, 10)),  # equal spacing: rounding adds no voxel
        ((60, 201, 204), (3.0, 0.977, 0.977), (2.0, 2.0, 2.0), (90, 99, 100)),
        ((5, 5, 5), (1.0, 1.0, 1.0), (9.0, 9.0, 9.0), (1, 1, 1)),
    ],
)
def test_ibsi_grid_count(
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    wanted: tuple[float, float, float],
    count: tuple[int, int, int],
) -> None:
    assert ibsi_grid(Grid(shape=shape, spacing=spacing, origin=(0, 0, 0), axes=IDENTITY), wanted).shape == count


@settings(max_examples=30)
@given(spacing=st.tuples(*[st.floats(0.4, 5.0)] * 3), degrees=st.floats(-180, 180))
def test_ibsi_grid_keeps_the_middle(spacing: tuple[float, float, float], degrees: float) -> None:
    source = rotated(SOURCE, degrees)
    target = ibsi_grid(source, spacing)
    middles = [to_patient(grid, (np.array(grid.shape) - 1)[None] / 2)[0] for grid in (source, target)]
    assert np.allclose(middles[0], middles[1], atol=1e-6)
    # Section 2.4 of the IBSI reference manual, for the z axis of the unrotated grid.
    n0, s0, n1, s1 = SOURCE.shape[0], SOURCE.spacing[0], target.shape[0], spacing[0]
    origin = (s1 - s0) / 2 - (n1 * s1 - n0 * s0) / 2
    assert target.origin[2] - SOURCE.origin[2] == pytest.approx(origin, abs=1e-6)


def test_mask_returns_from_a_finer_grid_as_it_went() -> None:
    mask = np.zeros(SOURCE.shape, bool)
    mask[2:4, 2:5, 3:6] = True
    finer = ibsi_grid(SOURCE, (1.0, 1.0, 0.5))
    assert np.array_equal(resample_mask(resample_mask(mask, SOURCE, finer), finer, SOURCE), mask)


@pytest.mark.parametrize("spacing", [(3.0, 3.0, 6.0), (5.0, 3.0, 0.9), (2.5, 0.9, 6.0)])
def test_a_mask_seen_in_a_mirror_gives_the_mirrored_mask(spacing: tuple[float, float, float]) -> None:
    """Voxels of exactly one half are many between simple spacings, and rounding must not tell them apart."""
    mask = np.pad(np.random.default_rng(1).random((6, 14, 14)) > 0.4, 2)
    source = Grid(shape=(10, 18, 18), spacing=spacing, origin=(0, 0, 0), axes=IDENTITY)
    target = ibsi_grid(source, (1.0, 1.0, 1.0))
    mirrored = resample_mask(np.ascontiguousarray(mask[::-1, ::-1, ::-1]), source, target)
    assert np.array_equal(resample_mask(mask, source, target), mirrored[::-1, ::-1, ::-1])


def test_values_must_be_on_their_grid() -> None:
    with pytest.raises(ValueError, match="not on grid"):
        resample(np.zeros((1, 2, 3), np.float32), SOURCE, SOURCE)


CUBE = Grid(shape=(20, 20, 20), spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), axes=IDENTITY)
NUMBERS = np.random.default_rng(3).normal(100.0, 20.0, CUBE.shape)


@pytest.mark.parametrize("degrees", [0.0, 20.0])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_spoils_only_what_is_interpolated_from_it(degrees: float, value: float) -> None:
    target = rotated(ibsi_grid(CUBE, (0.8, 0.8, 0.8)), degrees)
    broken = NUMBERS.copy()
    broken[10, 10, 10] = value
    result = resample(broken, CUBE, target, interpolation="cubic")
    index = np.indices(target.shape).reshape(3, -1).T.astype(float)
    place = to_patient(target, index)[:, ::-1].reshape(*target.shape, 3)  # of CUBE: its axes are z, y, x, 1 mm apart
    spoilt = (np.abs(place - 10) < 2).all(axis=-1)  # the reach of a cubic spline
    assert spoilt.any()
    assert np.array_equal(np.isfinite(result), ~spoilt)
    far = np.abs(place - 10).max(axis=-1) > 6
    sound = resample(NUMBERS, CUBE, target, interpolation="cubic")
    assert np.allclose(result[far], sound[far], atol=0.05)  # 0.27**5 of what one voxel may be off


def test_an_axis_that_keeps_its_voxels_spreads_nothing() -> None:
    broken = NUMBERS.copy()
    broken[10, 10, 10] = np.nan
    result = resample(broken, CUBE, ibsi_grid(CUBE, (0.8, 1.0, 1.0)), interpolation="cubic")
    places = np.argwhere(np.isnan(result))
    assert set(places[:, 1]) == set(places[:, 2]) == {10}


def test_a_volume_without_any_number_stays_without() -> None:
    nothing = np.full(CUBE.shape, np.nan)
    assert np.isnan(resample(nothing, CUBE, ibsi_grid(CUBE, (0.8, 0.8, 0.8)), interpolation="cubic")).all()


@pytest.mark.parametrize(
    "values",
    [
        (2**24 + np.arange(8000) % 4).astype(np.int32).reshape(CUBE.shape),
        1e5 + NUMBERS * 1e-4,
        NUMBERS * 1e39,
    ],
    ids=["int32", "float64", "beyond float32"],
)
def test_what_float32_would_round_stays_as_it_is(values: npt.NDArray[np.float64]) -> None:
    assert np.array_equal(resample(values, CUBE, CUBE), values)
    finer = ibsi_grid(CUBE, (0.5, 1.0, 1.0))
    interpolations: list[Interpolation] = ["linear", "cubic"]
    for interpolation in interpolations:
        for target in (finer, rotated(finer, 90.0)):
            result = resample(values, CUBE, target, interpolation=interpolation)
            assert result.dtype == np.float64
            assert np.isfinite(result).all()
    places = (np.arange(finer.shape[0]) + 0.5) * 0.5 - 0.5  # of the finer planes, in voxels
    low = np.clip(np.floor(places), 0, 18).astype(int)
    part = np.clip(places - low, 0, 1)[:, None, None]
    exact = values[low] + part * (values[low + 1].astype(np.float64) - values[low])
    assert np.allclose(resample(values, CUBE, finer), exact, rtol=1e-15, atol=0)


def test_numbers_that_float32_holds_give_the_same_in_any_type() -> None:
    whole = np.rint(NUMBERS)
    target = ibsi_grid(CUBE, (0.8, 0.8, 0.8))
    expected = resample(whole.astype(np.float32), CUBE, target)
    kinds: list[type[np.generic]] = [np.int16, np.int32, np.int64, np.float64]
    for kind in kinds:
        result = resample(whole.astype(kind), CUBE, target)
        assert result.dtype == np.float32
        assert np.array_equal(result, expected)


@pytest.mark.parametrize("kind", ["complex128", "U8", "object"])
def test_values_that_are_not_real_numbers_are_refused(kind: str) -> None:
    with pytest.raises(Permanent, match="not real numbers"):
        resample(NUMBERS.astype(kind), CUBE, CUBE)


def test_beside_infinity_there_is_no_number_and_no_warning() -> None:
    values = np.array([[[1.0, np.inf, 3.0, 4.0, 5.0]]])
    source = Grid(shape=(1, 1, 5), spacing=(1, 1, 1), origin=(0, 0, 0), axes=((0, 0, 1), (0, 1, 0), (1, 0, 0)))
    target = source.model_copy(update={"shape": (1, 1, 4), "origin": (0.5, 0, 0)})
    found = resample(values, source, target)
    assert not np.isfinite(found[0, 0, :2]).any()
    np.testing.assert_array_equal(found[0, 0, 2:], [3.5, 4.5])
