"""Read the results again, as a receiver would, and compare them with what they were made from."""

import io
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmread

from lucidray.contracts.images import Regions
from lucidray.core.errors import Permanent
from lucidray.encode.segmentation import segment_frames
from lucidray.encode.source import SourceSeries

REMEDY = "report it with the case id; the results were not sent"


def check_segmentation(data: bytes, regions: Regions, source: SourceSeries) -> None:
    """Every frame is the mask of its segment in the source image that it refers to, and none is missing.

    Raises
    ------
    Permanent
        It is not so.
    """
    document = dcmread(io.BytesIO(data))
    slices = {str(header.SOPInstanceUID): z for z, header in enumerate(source.slices)}
    expected = {(s.number, z) for s in regions.facts.segments for z in segment_frames(regions, s.number)}
    shared = document.SharedFunctionalGroupsSequence[0]
    for index, group in enumerate(document.PerFrameFunctionalGroupsSequence):
        # What is equal for all frames may be shared, as the number of a single segment is.
        identification = group.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
        number = int(identification[0].ReferencedSegmentNumber)
        referred = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        z = slices.get(str(referred))
        _require(z is not None, "SEG", f"frame {index + 1} refers to an object outside the source series")
        _require((number, z) in expected, "SEG", f"frame {index + 1} is of no slice of segment {number}, or twice")
        expected.discard((number, z or 0))
        position = group.PlanePositionSequence[0].ImagePositionPatient
        _require(
            position == source.slices[z or 0].ImagePositionPatient, "SEG", f"frame {index + 1} lies beside its image"
        )
        same = np.array_equal(_frame(document, index), regions.labels[z] == number)
        _require(same, "SEG", f"frame {index + 1} differs from segment {number}")
    _require(not expected, "SEG", f"{len(expected)} frames are missing")


def check_report(data: bytes, values: Sequence[float], segmentation_uid: str, segments: Sequence[int]) -> None:
    """The report has these measurements in this order and refers to these segments.

    Raises
    ------
    Permanent
        It is not so.
    """
    document = dcmread(io.BytesIO(data))
    found = measured_values([document])
    _require(found == list(values), "SR", f"{len(found)} measurements instead of {len(values)}, or other values")
    references = [item.ReferencedSOPSequence[0] for item in _items([document]) if item.ValueType == "IMAGE"]
    numbers = [int(reference.ReferencedSegmentNumber) for reference in references]
    _require(numbers == list(segments), "SR", "the segments that it refers to are not the regions")
    named = {str(reference.ReferencedSOPInstanceUID) for reference in references}
    _require(named <= {segmentation_uid}, "SR", "it refers to another object than the segmentation")


def measured_values(containers: Iterable[Dataset]) -> list[float]:
    """Values of all measurements in content trees, in their order.

    Uncertainties are NUM items too, but properties of a measurement rather than measurements.
    """
    return [
        float(item.MeasuredValueSequence[0].get("FloatingPointValue", item.MeasuredValueSequence[0].NumericValue))
        for item in _items(containers)
        if item.ValueType == "NUM" and item.RelationshipType == "CONTAINS"
    ]


def _items(containers: Iterable[Dataset]) -> Iterator[Dataset]:
    for container in containers:
        for item in container.get("ContentSequence", ()):
            yield item
            yield from _items([item])


def _frame(document: Dataset, index: int) -> npt.NDArray[np.bool_]:
    """One frame (y, x) of bit-packed pixel data (PS3.5 8.2, least significant bit first)."""
    size = document.Rows * document.Columns
    first, last = index * size, (index + 1) * size
    packed = np.frombuffer(document.PixelData, np.uint8)[first // 8 : -(-last // 8)]
    bits = np.unpackbits(packed, bitorder="little")[first % 8 : first % 8 + size]
    return bits.astype(bool).reshape(document.Rows, document.Columns)


def _require(holds: bool, kind: str, fault: str) -> None:
    if not holds:
        raise Permanent(f"result {kind}", f"it does not read back: {fault}", REMEDY)
