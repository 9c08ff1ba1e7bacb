"""Whatever an object looks like, no identifier in it comes out."""

from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom._dicom_dict import DicomDictionary
from pydicom.tag import Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from tests.deidentify.adversary.drafts import draft, raw, sequence
from tests.deidentify.adversary.planter import Planter
from tests.deidentify.adversary.tools import engine

from lucidray.deidentify.audit.search import Searcher

# They are the image, or say how it is to be read: a file in which they are wrong is refused, and proves nothing.
_STRUCTURE = {
    *("SpecificCharacterSet", "SOPClassUID", "PixelData", "FloatPixelData", "DoubleFloatPixelData", "NumberOfFrames"),
    *("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PhotometricInterpretation", "ImageType", "BurnedInAnnotation", "ConversionType"),
}


def _takes_any_bytes(vr: str, vm: str) -> bool:
    """Whether it holds several numbers: in implicit VR nothing tells them from letters."""
    return vr in ("FD", "FL", "SL", "SS", "UL", "US", "US or SS", "SV", "UV", "AT") and vm != "1"


_TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "UI", "DA", "TM", "DS", "IS", "AS", "OB", "UN")
_KNOWN = [
    (tag, vr)
    for tag, (vr, vm, *_, keyword) in DicomDictionary.items()
    if tag >> 16 >= 8 and keyword not in _STRUCTURE and vr != "SQ" and not _takes_any_bytes(vr, vm)
]
_SEQUENCES = [tag for tag, (vr, *_, keyword) in DicomDictionary.items() if vr == "SQ" and tag >> 16 >= 8]
_UNKNOWN = [0x00291010, 0x00131001, 0x00189FF0, 0x77760010, 0x60003000, 0x50003000, 0xFFFCFFFC, 0x00090010]
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # an example is small, and shrinking it takes minutes
SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)


class Place(NamedTuple):
    """Where an identifier is planted: sequences from the top, attribute and VR, and the words around it."""

    above: tuple[int, ...]
    attribute: tuple[int, str]
    before: str
    behind: str


def _attributes() -> st.SearchStrategy[tuple[int, str]]:
    own_vr = st.sampled_from([(tag, vr) for tag, vr in _KNOWN if vr in _TEXTS])
    any_vr = st.tuples(st.sampled_from([*(tag for tag, _ in _KNOWN), *_UNKNOWN]), st.sampled_from(_TEXTS))
    return own_vr | any_vr


def _words() -> st.SearchStrategy[str]:
    return st.sampled_from(
        ["", "CT ", "B30f", "1.2.840.10008.", "20200229", "\\", "syngo ", "^", "1\\", "Thorax-", "\0", "ü"]
    )


def places() -> st.SearchStrategy[list[Place]]:
    """Some places."""
    above = st.lists(st.sampled_from(_SEQUENCES), max_size=3).map(tuple)
    place = st.builds(Place, above, _attributes(), _words(), _words())
    return st.lists(place, min_size=1, max_size=12)


@given(
    places(), st.sampled_from(SYNTAXES), st.sampled_from(["clinical-ai", "research-export", "basic"]), st.integers(0)
)
@settings(max_examples=120, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
def test_no_identifier_comes_out(where: list[Place], syntax: UID, profile: str, seed: int) -> None:
    planter = Planter(str(seed), "anywhere")
    made = draft(planter)
    made.syntax = syntax
    planter.plants.clear()
    for number, place in enumerate(where):
        tag, vr = place.attribute
        text = planter.text(f"{number}: {'/'.join(map(hex, (*place.above, tag)))} {vr}")
        _item(made.dataset, place.above)[Tag(tag)] = raw(tag, vr, place.before + text + place.behind)
    searcher = Searcher([plant.identifier for plant in planter.plants])
    data = made.written()
    assert searcher.search(data)
    output = engine(profile).clean(data)
    assert [hit.identifier.source for hit in searcher.search(output)] == []


def _item(dataset: Dataset, above: tuple[int, ...]) -> Dataset:
    """The item of a sequence in a sequence, made where it is not there."""
    for tag in above:
        if tag not in dataset or not dataset[tag].value:
            dataset.add_new(tag, "SQ", sequence(Dataset()))
        dataset = dataset[tag].value[0]
    return dataset
