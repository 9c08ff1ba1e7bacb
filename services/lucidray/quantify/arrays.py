"""Arrays of a notebook as the engine takes them: images as volumes, masks as true and false."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid, Vector
from lucidray.contracts.images import Volume, VolumeFacts
from lucidray.core.errors import Permanent
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.region import Mask


def inside_of(mask: npt.ArrayLike) -> Mask:
    """Where the region is: not zero.

    Raises
    ------
    Permanent
        Voxels of it are masked or no numbers: they say neither inside nor outside.
    """
    if np.ma.isMA(mask):
        cause = "it is a masked array: what is masked is neither inside nor outside"
        raise Permanent("mask", cause, "give mask.filled(0)")
    given = _array(mask, "mask")
    if given.dtype.kind not in "biuf":
        raise Permanent("mask", f"its voxels are of type {given.dtype}", "give true and false, or whole numbers")
    strange = given.size - int(np.isfinite(given).sum())
    if strange:
        cause = f"{strange} of its voxels are no finite numbers, which say neither inside nor outside"
        raise Permanent("mask", cause, "put 0 where the region is not")
    inside: Mask = given != 0
    return inside


def array_volume(given: npt.ArrayLike, measurement: Measurement, spacing: Vector | None = None) -> Volume:
    """An array (z, y, x) as the volume that a measurement wants, on a grid along the patient's axes.

    What a masked array masks is no number.

    Raises
    ------
    Permanent
        It has no voxels, not three axes or no real numbers, or the spacing is not three lengths.
    """
    thing = f"image '{measurement.role}'"
    voxels = _array(given, thing)
    if voxels.dtype.kind not in "biuf":
        raise Permanent(thing, f"its voxels are of type {voxels.dtype}", "give an array (z, y, x) of real numbers")
    if voxels.ndim != 3 or not voxels.size:  # noqa: PLR2004
        raise Permanent(thing, f"its shape is {voxels.shape}", "give an array (z, y, x)")
    if np.ma.isMA(given):
        voxels = np.ma.filled(np.ma.asarray(given).astype(np.float64), np.nan)
    slices, rows, columns = voxels.shape
    facts = VolumeFacts(
        grid=Grid(
            shape=(slices, rows, columns),
            spacing=(1.0, 1.0, 1.0) if spacing is None else lengths(spacing),
            origin=(0.0, 0.0, 0.0),
            axes=((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
        ),
        modality=measurement.modality,
        unit=measurement.unit,
        study_instance_uid="",
        series_instance_uid="",
        sop_class_uid="",
        sop_instance_uids=[],
    )
    return Volume(voxels, facts)


def lengths(spacing: npt.ArrayLike) -> Vector:
    """Three lengths greater than 0, mm; or Permanent."""
    try:
        z, y, x = (float(each) for each in np.asarray(spacing, np.float64))
        sound = all(0 < each < math.inf for each in (z, y, x))
    except (TypeError, ValueError):
        sound = False
    if not sound:
        remedy = "give three lengths along (z, y, x) in mm, each greater than 0"
        raise Permanent("spacing", f"it is {spacing!r}", remedy)
    return z, y, x


def _array(given: npt.ArrayLike, thing: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(given)
    except ValueError:
        raise Permanent(thing, "its rows or slices differ in length", "give an array (z, y, x)") from None
