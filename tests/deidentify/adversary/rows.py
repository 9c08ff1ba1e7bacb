"""Every row of Table E.1-1, at the top and in four kinds of places two sequences deep."""

from collections.abc import Iterator

from pydicom import DataElement, Dataset
from pydicom._dicom_dict import DicomDictionary
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from tests.deidentify.adversary.drafts import Draft, draft, item, sequence
from tests.deidentify.adversary.planter import Planter
from tests.deidentify.adversary.table import Row, rows

ROWS_AN_OBJECT = 16  # so many dates an object has
PLACEMENTS = ("top level", "scanner sequences", "sequences outside the table", "unknown sequences", "private sequences")
_UNKNOWN, _PRIVATE = (0x00189FF0, 0x00189FF1), (0x00291001, 0x00291002)
_CREATOR = "ADVERSARY 1.0"
# Outer and inner sequence: what holds the description of a scanner is what a tool for radiomics keeps.
_SCANNER = (
    ("RadiopharmaceuticalInformationSequence", "RadionuclideCodeSequence"),
    ("EnergyWindowInformationSequence", "EnergyWindowRangeSequence"),
    ("SharedFunctionalGroupsSequence", "PixelMeasuresSequence"),
    ("PerFrameFunctionalGroupsSequence", "FrameContentSequence"),
    ("CTExposureSequence", "CTAdditionalXRaySourceSequence"),
    ("ContrastBolusAgentSequence", "ContrastBolusAdministrationRouteSequence"),
    ("MultienergyCTAcquisitionSequence", "MultienergyCTXRayDetectorSequence"),
    ("SegmentSequence", "SegmentedPropertyTypeCodeSequence"),
    ("ROIContourSequence", "ContourSequence"),
)


def row_drafts(seed: str) -> Iterator[Draft]:
    """Objects with all rows planted."""
    table = rows()
    for placement in PLACEMENTS:
        for number, first in enumerate(range(0, len(table), ROWS_AN_OBJECT)):
            planter = Planter(f"{seed}/{number}", f"Table E.1-1, {placement}")
            made = draft(planter, ("CT", "PT", "MR")[number % 3])
            made.syntax = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)[number // 3 % 2]
            target = Dataset() if placement != "top level" else made.dataset
            for row in table[first : first + ROWS_AN_OBJECT]:
                value = _value(planter, row)
                if value is not None:  # a value of its VR can name somebody
                    target.add(DataElement(row.tag, row.vr, value))
            _nest(made.dataset, target, placement, planter)
            yield made


def _value(planter: Planter, row: Row) -> object:
    texts = {"AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT"}
    if row.vr in texts:
        return planter.text(row.name)
    simple = {
        "PN": planter.name,
        "UI": planter.uid,
        "DA": planter.date,
        "TM": planter.time,
        "DS": planter.decimal,
        "IS": planter.number,
    }
    if row.vr in simple:
        return simple[row.vr](row.name)
    if row.vr == "DT":
        return planter.date(row.name) + "101112.5"
    if row.vr == "UR":
        return f"http://{planter.text(row.name)}.example/"
    if row.vr in ("OB", "OW", "UN"):
        return planter.text(row.name, 12).encode()
    if row.vr == "SQ":
        return sequence(item(PatientName=planter.name(f"{row.name}[0].PatientName"), TextValue=planter.text(row.name)))
    return None


def _nest(dataset: Dataset, target: Dataset, placement: str, planter: Planter) -> None:
    if placement == "top level":
        return
    outer, inner = (Tag(each) for each in _pair(placement, planter))
    middle = Dataset()
    middle.add(DataElement(inner, "SQ", sequence(target)))
    dataset.add(DataElement(outer, "SQ", sequence(middle)))
    if placement == "private sequences":
        for each in (dataset, middle):
            each.add_new(0x00290010, "LO", _CREATOR)


def _pair(placement: str, planter: Planter) -> tuple[int | str, ...]:
    """Outer and inner sequence."""
    if placement == "scanner sequences":
        return planter.random.choice(_SCANNER)
    if placement == "sequences outside the table":
        return tuple(planter.random.sample(_outside_the_table(), 2))
    return _UNKNOWN if placement == "unknown sequences" else _PRIVATE


def _outside_the_table() -> list[int]:
    listed = {row.tag for row in rows()}
    return [
        tag for tag, (vr, *_) in DicomDictionary.items() if vr == "SQ" and tag not in listed and tag >> 16 >= 0x0008
    ]
