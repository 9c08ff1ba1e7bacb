"""The one way from a grid to another.

Every consumer resamples from the native volume once, to the grid that its bundle or preset names.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lucidray.contracts.grid import Grid, Vector
from lucidray.core.errors import Permanent
from lucidray.imaging.geometry import to_index, to_patient

Interpolation = Literal["linear", "cubic", "nearest"]
_EDGE = 0.5 + 1e-6  # voxels: the centre of a border voxel stands for the half voxel beyond it
_ROUNDING = 1e-6  # of a mask's values: float32 carries 6e-8, and three axes are weighed
_ON_VOXEL = 1e-6  # voxels: nearer than this to a voxel's centre, a place is that voxel
_SPLINE_PAD = 12  # voxels: what a cubic spline's coefficients feel beyond is 0.27**12, below float32 (Unser 1999)


def ibsi_grid(source: Grid, spacing: Vector) -> Grid:
    """Grid of another spacing over the same volume, their centres aligned.

    Image Biomarker Standardisation Initiative, reference manual, section 2.4: n = ceil(n0 s0 / s1) voxels
    along each axis, the middle of both grids in the same place.
    """
    before, step = np.array(source.shape), np.array(source.spacing)
    wanted = np.array(spacing)
    # Rounded first: 57 * 3.27 / 3.27 must not become 58.
    count = np.maximum(np.ceil(np.round(before * step / wanted, 6)), 1)
    first = (before - 1) / 2 - (count - 1) / 2 * wanted / step
    x, y, z = (float(part) for part in to_patient(source, first[None, :])[0])
    shape = (int(count[0]), int(count[1]), int(count[2]))
    return source.model_copy(update={"shape": shape, "spacing": spacing, "origin": (x, y, z)})


def resample(
    values: npt.NDArray[Any],
    source: Grid,
    target: Grid,
    *,
    interpolation: Interpolation = "linear",
    outside: float = 0.0,
) -> npt.NDArray[Any]:
    """Values of a volume on another grid.

    Parameters
    ----------
    values
        Array (z, y, x) on `source`.
    interpolation
        "linear" and "cubic" (B-spline) give float32, or float64 where float32 does not hold every value exactly;
        "nearest" keeps the type, for labels.
    outside
        Value of voxels whose centre lies outside the source volume.

    Returns
    -------
    array (z, y, x) on `target`; NaN where a voxel that is interpolated between is no number.

    Raises
    ------
    Permanent
        The values are not real numbers.
    """
    if values.dtype.kind not in "biuf":
        raise Permanent("image", f"its values are {values.dtype}, not real numbers", "give it as integers or floats")
    if values.shape != source.shape:
        raise ValueError(f"array {values.shape} is not on grid {source.shape}")
    values = values if interpolation == "nearest" else floating(values)
    if source.same_space(target, 1e-6):
        return values
    if np.allclose(source.axes, target.axes, atol=1e-6):
        return _separable(values, source, target, interpolation, outside)
    return _general(values, source, target, interpolation, outside)


def resample_mask(mask: npt.NDArray[np.bool_], source: Grid, target: Grid) -> npt.NDArray[np.bool_]:
    """A mask on another grid: linear, then at least one half (IBSI reference manual, section 2.4).

    One half but for rounding: simple ratios of spacings meet it often, and float32 would fall on either side.
    """
    if source.same_space(target, 1e-6):
        return mask
    inside: npt.NDArray[np.bool_] = resample(mask.astype(np.float32), source, target) >= np.float32(0.5 - _ROUNDING)
    return inside


def floating(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same numbers as float32, or as float64 if float32 would round them."""
    if np.can_cast(values.dtype, np.float32):
        return values.astype(np.float32, copy=False)
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    exact = np.array_equal(narrow, values.astype(np.float64, copy=False), equal_nan=True)
    return narrow if exact else values.astype(np.float64, copy=False)


def _separable(
    values: npt.NDArray[Any], source: Grid, target: Grid, interpolation: Interpolation, outside: float
) -> npt.NDArray[Any]:
    """Along one axis after the other: the grids are parallel."""
    start = to_index(source, np.array([target.origin]))[0]
    ratio = np.array(target.spacing) / np.array(source.spacing)
    places = [start[axis] + ratio[axis] * np.arange(target.shape[axis]) for axis in range(3)]
    # The axis that shrinks most first: least work for the others.
    result = values
    for axis in sorted(range(3), key=lambda each: target.shape[each] / source.shape[each]):
        result = _along(result, axis, places[axis], interpolation)
    for axis, place in enumerate(places):
        beyond = (place < -_EDGE) | (place > source.shape[axis] - 1 + _EDGE)
        if beyond.any():
            result[(slice(None),) * axis + (beyond,)] = outside
    return result


def _along(
    values: npt.NDArray[Any], axis: int, place: npt.NDArray[np.float64], interpolation: Interpolation
) -> npt.NDArray[Any]:
    last = values.shape[axis] - 1
    place = np.clip(place, 0, last)
    if interpolation == "nearest":
        nearest: npt.NDArray[Any] = np.take(
            values, np.floor(place + 0.5 + _ON_VOXEL).astype(np.intp).clip(0, last), axis=axis
        )
        return nearest
    low = np.floor(place).astype(np.intp)
    if interpolation == "cubic":
        return _spline_along(values, axis, low, place - low)
    weight = (place - low).astype(values.dtype).reshape([-1 if each == axis else 1 for each in range(3)])
    result: npt.NDArray[Any] = np.take(values, low, axis=axis)
    if weight.any():
        high = np.take(values, np.minimum(low + 1, last), axis=axis)
        with np.errstate(invalid="ignore"):  # beside infinity there is no number
            high -= result
            high *= weight
            result += high
    return result


def _spline_along(
    values: npt.NDArray[Any], axis: int, low: npt.NDArray[np.intp], part: npt.NDArray[np.float64]
) -> npt.NDArray[Any]:
    """Cubic B-spline; beyond the border the volume is taken to go on as its outermost voxel."""
    padding = [(_SPLINE_PAD, _SPLINE_PAD) if each == axis else (0, 0) for each in range(3)]
    broken = ~np.isfinite(values)
    padded = np.pad(_filled(values, broken), padding, mode="edge")
    coefficients = ndimage.spline_filter1d(padded, 3, axis, mode="mirror")
    weights = (
        (1 - part) ** 3 / 6,
        2 / 3 - part**2 * (2 - part) / 2,
        2 / 3 - (1 - part) ** 2 * (1 + part) / 2,
        part**3 / 6,
    )
    shape = [-1 if each == axis else 1 for each in range(3)]
    taps = (
        np.take(coefficients, low + (_SPLINE_PAD - 1 + tap), axis=axis) * weight.reshape(shape)
        for tap, weight in enumerate(weights)
    )
    result: npt.NDArray[Any] = sum(taps, np.zeros(1)).astype(values.dtype)
    if broken.any():
        near = np.rint(part)
        on_voxel = np.abs(part - near) < _ON_VOXEL
        for tap, weight in enumerate(weights):
            used = np.where(on_voxel, near == tap - 1, weight > 0).reshape(shape)
            place = np.clip(low + (tap - 1), 0, values.shape[axis] - 1)
            result[np.take(broken, place, axis=axis) & used] = np.nan
    return result


def _filled(values: npt.NDArray[Any], broken: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Float64 with the nearest number in place of what is none: a spline's coefficients feel the whole volume."""
    whole = values.astype(np.float64)
    if broken.all():
        return np.zeros_like(whole)
    if not broken.any():
        return whole
    nearest = ndimage.distance_transform_edt(broken, return_distances=False, return_indices=True)
    filled: npt.NDArray[np.float64] = whole[tuple(nearest)]
    return filled


def _general(
    values: npt.NDArray[Any], source: Grid, target: Grid, interpolation: Interpolation, outside: float
) -> npt.NDArray[Any]:
    """Rotated grids, slice by slice of the target so that coordinates stay small."""
    order = {"nearest": 0, "linear": 1, "cubic": 3}[interpolation]
    result = np.empty(target.shape, values.dtype)
    broken = ~np.isfinite(values)
    spoilt = None
    if interpolation == "cubic" and broken.any():
        values, spoilt = _filled(values, broken), ndimage.maximum_filter(broken.astype(np.float32), 3)
    rows, columns = np.mgrid[: target.shape[1], : target.shape[2]].reshape(2, -1).astype(np.float64)
    limits = np.array(source.shape) - 1 + _EDGE
    for z in range(target.shape[0]):
        points = to_patient(target, np.stack([np.full_like(rows, z), rows, columns], axis=1))
        index = to_index(source, points)
        plane = ndimage.map_coordinates(values, index.T, output=result.dtype, order=order, mode="nearest")
        if spoilt is not None:  # two voxels and their neighbours: the four that a cubic spline weighs along an axis
            plane[ndimage.map_coordinates(spoilt, index.T, order=1, mode="nearest") > 0] = np.nan
        plane[((index < -_EDGE) | (index > limits)).any(axis=1)] = outside
        result[z] = plane.reshape(target.shape[1:])
    return result
