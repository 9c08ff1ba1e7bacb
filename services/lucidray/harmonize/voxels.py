"""Stored pixel values to values with a unit."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from lucidray.contracts.images import Voxels
from lucidray.core.errors import Permanent
from lucidray.imaging import suv
from lucidray.imaging.dicom import number, stored_values, text

HOUNSFIELD = "[hnsf'U]"  # UCUM
ARBITRARY = "1"
Line = tuple[float, float]  # slope, intercept
Remark = tuple[str, str, bool]  # code, message, whether it is a warning
_INT16 = np.iinfo(np.int16)


@dataclass(frozen=True)
class Rescaled:
    """Voxels (z, y, x), their UCUM unit, what was done, and remarks."""

    voxels: Voxels
    unit: str
    processing: list[str]
    remarks: list[Remark] = field(default_factory=list)


def rescale(slices: Sequence[Dataset], modality: str, thing: str) -> Rescaled:
    """Voxels of slices in z order: CT in HU, PT in SUVbw, MR in the scanner's arbitrary units.

    int16 where that loses nothing, else float32.

    Raises
    ------
    Permanent
        Pixels do not decode, a rescale is missing, or SUV cannot be computed; names what.
    """
    lines = [_line(one, modality, thing) for one in slices]
    done = ["rescaled by RescaleSlope and RescaleIntercept"]
    if modality == "PT":
        scale = suv.suv_scale(slices, thing)
        lines = [(scale.factor * slope, scale.factor * intercept) for slope, intercept in lines]
        return Rescaled(_float(slices, lines, thing), suv.UNIT, [*done, *scale.processing], _suv_remarks(scale, thing))
    if modality == "MR":
        return Rescaled(_smallest(slices, lines, thing), ARBITRARY, done)
    if {text(one, "RescaleType") for one in slices} - {"", "HU"}:
        raise Permanent(thing, "RescaleType is not HU", "select a series in Hounsfield units")
    voxels = _smallest(slices, lines, thing)
    return Rescaled(voxels, HOUNSFIELD, done, _ct_remarks(slices[0], voxels, lines[0], thing))


def _line(dataset: Dataset, modality: str, thing: str) -> Line:
    """Slope and intercept of a slice."""
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    if modality == "MR":  # optional there
        return 1.0 if slope is None else slope, intercept or 0.0
    if slope is None or intercept is None:
        missing = "RescaleSlope" if slope is None else "RescaleIntercept"
        raise Permanent(thing, f"a slice has no {missing}", "send the series again from its source")
    return slope, intercept


def _smallest(slices: Sequence[Dataset], lines: Sequence[Line], thing: str) -> Voxels:
    """Rescaled values as int16 if all are whole numbers within its range, else as float32."""
    if not all(slope.is_integer() and intercept.is_integer() for slope, intercept in lines):
        return _float(slices, lines, thing)
    exact = np.empty((len(slices), int(slices[0].Rows), int(slices[0].Columns)), np.int16)
    for z, (one, (slope, intercept)) in enumerate(zip(slices, lines, strict=True)):
        plane = stored_values(one, thing).astype(np.int64) * int(slope) + int(intercept)
        if plane.min() < _INT16.min or plane.max() > _INT16.max:
            return _float(slices, lines, thing)
        exact[z] = plane
    return exact


def _float(slices: Sequence[Dataset], lines: Sequence[Line], thing: str) -> npt.NDArray[np.float32]:
    values = np.empty((len(slices), int(slices[0].Rows), int(slices[0].Columns)), np.float32)
    for z, (one, (slope, intercept)) in enumerate(zip(slices, lines, strict=True)):
        values[z] = stored_values(one, thing).astype(np.float64) * slope + intercept
    return values


def _suv_remarks(scale: suv.SuvScale, thing: str) -> list[Remark]:
    if not scale.trusted:
        return []
    message = f"{thing}: SUV as the sender computed it (Units GML); dose, weight and times were not checked"
    return [("suv-trusted", message, False)]


def _ct_remarks(first: Dataset, voxels: Voxels, line: Line, thing: str) -> list[Remark]:
    bits, signed = number(first, "BitsStored"), number(first, "PixelRepresentation")
    if bits is None or bits >= 16:  # noqa: PLR2004 - with 16 bits nothing of a body reaches the end of the range
        return []
    ceiling = (2 ** (int(bits) - (1 if signed else 0)) - 1) * line[0] + line[1]
    count = int(np.count_nonzero(voxels >= ceiling))
    if not count:
        return []
    message = f"{thing}: {count} voxels are at the largest value that can be stored ({ceiling:.0f} HU)"
    return [("truncated-values", message, True)]
