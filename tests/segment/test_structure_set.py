"""Structure sets: read without following references; names stay out of messages."""

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage
from tests.harmonize.studies import part10

from lucidray.core.errors import Permanent
from lucidray.segment.structure_set import choose, read_structure_set


def item(**elements: object) -> Dataset:
    one = Dataset()
    for keyword, value in elements.items():
        setattr(one, keyword, value)
    return one


def region(number: int, name: str, algorithm: str) -> Dataset:
    return item(ROINumber=number, ROIName=name, ROIGenerationAlgorithm=algorithm, ReferencedFrameOfReferenceUID="1.9")


SQUARE = ["0", "0", "5", "1", "0", "5", "1", "1", "5", "0", "1", "5"]


def structure_set(sop_class: str = RTStructureSetStorage, data: list[str] | None = None) -> bytes:
    """Two regions; the second was never drawn."""
    one = item(
        SOPClassUID=sop_class,
        SOPInstanceUID="1.2.3",
        StructureSetROISequence=[
            item(ROINumber=7, ROIName="Liver", ROIGenerationAlgorithm="", ReferencedFrameOfReferenceUID="1.9"),
            item(
                ROINumber=2, ROIName="gtv Doe", ROIGenerationAlgorithm="AUTOMATIC", ReferencedFrameOfReferenceUID="1.9"
            ),
        ],
        ROIContourSequence=[
            item(
                ReferencedROINumber=2,
                ContourSequence=[
                    item(ContourGeometricType="CLOSED_PLANAR", ContourData=data or SQUARE),
                    item(ContourGeometricType="POINT", ContourData=["0", "0", "5"]),
                ],
            )
        ],
        RTROIObservationsSequence=[
            item(ReferencedROINumber=2, RTROIInterpretedType="GTV"),
            item(ReferencedROINumber=7, RTROIInterpretedType="ORGAN"),
        ],
    )
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return part10(one)


def test_regions_by_number() -> None:
    gtv, liver = read_structure_set([structure_set()], 1000)
    assert (gtv.number, gtv.interpreted_type, gtv.algorithm_type) == (2, "GTV", "AUTOMATIC")
    assert (liver.number, liver.interpreted_type, liver.algorithm_type) == (7, "ORGAN", "MANUAL")
    assert [contour.shape for contour in gtv.contours] == [(4, 3)]
    assert (gtv.open_contours, liver.contours) == (1, [])
    assert gtv.frame_of_reference_uid == "1.9"


def test_choice_is_by_name_then_by_type() -> None:
    regions = read_structure_set([structure_set()], 1000)
    assert [each.number for each in choose(regions, "(?i)^liv", ["GTV"])] == [7]
    assert [each.number for each in choose(regions, "nobody", ["GTV"])] == [2]
    assert choose(regions, "nobody", ["CTV"]) == []


@pytest.mark.parametrize(
    ("objects", "named"),
    [
        ([structure_set(), structure_set()], "holds 2 objects"),
        ([structure_set(sop_class=CTImageStorage)], "another kind of object"),
        ([structure_set(data=SQUARE[:-1])], "ROI 2 has malformed ContourData"),
        ([b"nothing"], "does not read"),
    ],
)
def test_broken_sets_are_named(objects: list[bytes], named: str) -> None:
    with pytest.raises(Permanent, match=named) as failure:
        read_structure_set(objects, 1000)
    assert "Doe" not in str(failure.value)


def test_too_many_points_are_refused() -> None:
    with pytest.raises(Permanent, match="too many contour points"):
        read_structure_set([structure_set()], 3)
