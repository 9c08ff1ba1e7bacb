"""Regions of interest of an RT Structure Set (DICOM PS3.3 C.8.8.5, C.8.8.6).

Image references are not followed: those of real structure sets often resolve to nothing. Contours
are matched by frame of reference and position.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from lucidray.core.errors import Permanent
from lucidray.imaging.dicom import STRUCTURE_CLASS, number, read_object, text, tolerant, value

AlgorithmType = Literal["MANUAL", "SEMIAUTOMATIC", "AUTOMATIC"]
CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
THING = "structure set"
_COORDINATES = 3


@dataclass(frozen=True)
class RegionOfInterest:
    """One ROI. Its name may say who drew it or of whom, so it stays out of messages."""

    number: int
    name: str
    interpreted_type: str  # RTROIInterpretedType: GTV, CTV, ORGAN, ...
    algorithm_type: AlgorithmType
    frame_of_reference_uid: str
    contours: list[npt.NDArray[np.float64]] = field(default_factory=list)  # (n, 3): (x, y, z) in LPS, mm
    open_contours: int = 0  # points and open lines, which enclose nothing


def read_structure_set(objects: Sequence[bytes], most_points: int) -> list[RegionOfInterest]:
    """Regions of the one structure set in `objects`, by number.

    Raises
    ------
    Permanent
        There are several objects, it is no structure set, does not read, or has too many points.
    """
    if len(objects) != 1:
        raise Permanent(THING, f"its role holds {len(objects)} objects, not one", "narrow `select` in the workflow")
    with tolerant():
        dataset = read_object(objects[0], THING)
        if text(dataset, "SOPClassUID") != STRUCTURE_CLASS:
            raise Permanent(THING, "its role holds another kind of object", "correct `select` in the workflow")
        return _regions(dataset, most_points)


def choose(regions: Iterable[RegionOfInterest], pattern: str, types: Sequence[str]) -> list[RegionOfInterest]:
    """Regions whose name matches `pattern`; if none does, those of an interpreted type in `types`:
    de-identification may have emptied the names."""
    regions = list(regions)
    named = [each for each in regions if re.search(pattern, each.name)]
    return named or [each for each in regions if each.interpreted_type in types]


def _regions(dataset: Dataset, most_points: int) -> list[RegionOfInterest]:
    types = {
        number(item, "ReferencedROINumber"): text(item, "RTROIInterpretedType").upper()
        for item in value(dataset, "RTROIObservationsSequence", [])
    }
    drawn = {number(item, "ReferencedROINumber"): item for item in value(dataset, "ROIContourSequence", [])}
    regions = []
    for item in value(dataset, "StructureSetROISequence", []):
        key = number(item, "ROINumber")
        if key is None:
            raise Permanent(THING, "a region has no ROINumber", "export the structure set again")
        contours, others = _contours(drawn.get(key), int(key), most_points)
        most_points -= sum(len(each) for each in contours)
        regions.append(
            RegionOfInterest(
                number=int(key),
                name=text(item, "ROIName"),
                interpreted_type=types.get(key, ""),
                algorithm_type=_algorithm_type(text(item, "ROIGenerationAlgorithm")),
                frame_of_reference_uid=text(item, "ReferencedFrameOfReferenceUID"),
                contours=contours,
                open_contours=others,
            )
        )
    return sorted(regions, key=lambda region: region.number)


def _contours(item: Dataset | None, roi: int, most_points: int) -> tuple[list[npt.NDArray[np.float64]], int]:
    """Closed contours, and the number of others."""
    contours, others = [], 0
    for contour in value(item, "ContourSequence", []) if item is not None else []:
        if text(contour, "ContourGeometricType").upper() not in CLOSED:
            others += 1
            continue
        points = _points(contour, roi)
        most_points -= len(points)
        if most_points < 0:
            raise Permanent(THING, "it has too many contour points", "raise setting segment.contour_points")
        contours.append(points)
    return contours, others


def _points(contour: Dataset, roi: int) -> npt.NDArray[np.float64]:
    try:
        flat = np.array([float(part) for part in value(contour, "ContourData", ())])
    except (TypeError, ValueError):
        flat = np.empty(1)
    if len(flat) % _COORDINATES or not np.all(np.isfinite(flat)):
        raise Permanent(THING, f"a contour of ROI {roi} has malformed ContourData", "export the structure set again")
    return flat.reshape(-1, _COORDINATES)


def _algorithm_type(algorithm: str) -> AlgorithmType:
    """ROIGenerationAlgorithm; where it is empty, a person who exported the set stands for it."""
    if algorithm in ("AUTOMATIC", "SEMIAUTOMATIC"):
        return algorithm  # type: ignore[return-value]
    return "MANUAL"
