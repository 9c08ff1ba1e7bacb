"""No planted string comes out, wherever it is put in: every attribute of the dictionary, at three depths."""

import struct
from collections.abc import Iterator

import pytest
from pydicom import DataElement, Dataset
from pydicom._dicom_dict import DicomDictionary
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from tests.deidentify.objects import ct_slice, item, items, part10, through_engine

from lucidray.deidentify import dicomfile
from lucidray.deidentify.rules import IMAGE_BYTES
from lucidray.deidentify.table import rows_by_tag

# They are the image, or say how the file is to be read. In an unknown code the whole item goes: tested elsewhere.
STRUCTURE = {"SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "TransferSyntaxUID"}
CODE_VALUES = {"CodeValue", "LongCodeValue", "URNCodeValue"}
TEXTS = {"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
BYTES = {"OB", "OB or OW", "OD", "OF", "OL", "OV", "OW", "UN"}
DATE = "19380217"
# Longest sequences that the engine keeps at any depth, by rule: here the planted datasets nest.
OUTER, INNER = "RadiopharmaceuticalInformationSequence", "SharedFunctionalGroupsSequence"


@pytest.fixture(autouse=True)
def _as_found_in_the_wild() -> Iterator[None]:
    with dicomfile.quietly():
        yield


class Planter:
    """Plants a string that occurs nowhere else into every attribute."""

    def __init__(self) -> None:
        self.tokens: dict[bytes, str] = {}

    def token(self, place: str) -> str:
        number, letters = len(self.tokens), ""
        for _ in range(5):
            number, digit = divmod(number, 23)
            letters += "BCDFGHJKLMNPQRSTVWXZAEU"[digit]
        text = f"QX{letters}ZV"
        self.tokens[text.encode()] = place
        return text

    def uid(self, place: str) -> str:
        text = f"1.2.276.0.{len(self.tokens) + 700000000}"
        self.tokens[text.encode()] = place
        return text

    def number(self, place: str) -> str:
        text = f"{len(self.tokens) + 710000000}"
        self.tokens[text.encode()] = place
        return text

    def dataset(self, where: str) -> Dataset:
        dataset = Dataset()
        for number, (vr, _, name, _, keyword) in DicomDictionary.items():
            tag = Tag(number)
            if (
                tag.group < 8
                or not keyword
                or keyword in (STRUCTURE | (IMAGE_BYTES if where == "top" else CODE_VALUES))
            ):
                continue
            element = self.element(tag, vr, f"{where} {tag} {name}")
            if element is not None:
                dataset.add(element)
        return dataset

    def element(self, tag: int, vr: str, place: str) -> DataElement | None:
        if vr in TEXTS or vr == "CS":
            return DataElement(tag, vr, self.token(place))
        if vr == "UI":
            return DataElement(tag, vr, self.uid(place))
        if vr in BYTES:
            return DataElement(tag, vr.split(" or ")[0], self.token(place).encode() + b"!")
        if vr in ("DA", "DT"):
            return DataElement(tag, vr, DATE if vr == "DA" else DATE + "101112.5")
        if vr in ("IS", "DS") and tag in rows_by_tag() and not rows_by_tag()[tag].options:
            return DataElement(tag, vr, self.number(place))
        return None

    def sequences(self, where: str) -> Iterator[DataElement]:
        """Every sequence of the dictionary with one person in it."""
        for number, (vr, *_, keyword) in DicomDictionary.items():
            if vr == "SQ" and keyword and Tag(number).group > 8:
                name = self.token(f"{where} item of {keyword}")
                yield DataElement(Tag(number), "SQ", Sequence([item(PatientName=name, ImageComments=name)]))

    def private(self, dataset: Dataset, where: str) -> None:
        block = dataset.private_block(0x0029, self.token(f"{where} private creator"), create=True)
        block.add_new(0x01, "LO", self.token(f"{where} private LO"))
        block.add_new(0x02, "UN", self.token(f"{where} private UN").encode() + b" ")
        block.add_new(0x03, "SQ", Sequence([item(PatientName=self.token(f"{where} private SQ"))]))
        dataset.add_new(0x00131010, "LO", self.token(f"{where} orphan private"))
        dataset.add_new(0x60003000, "OW", self.token(f"{where} overlay").encode() + b" ")
        dataset.add_new(0x60024000, "LT", self.token(f"{where} overlay comments"))
        dataset.add_new(0x50003000, "OW", self.token(f"{where} curve").encode() + b" ")
        dataset.add_new(0x00080999, "LO", self.token(f"{where} unknown element"))
        dataset.add_new(0x77760010, "UN", self.token(f"{where} unknown even group").encode() + b" ")
        dataset.add_new(0xFFFCFFFC, "OB", self.token(f"{where} trailing padding").encode() + b"\0")


def planted(planter: Planter) -> Dataset:
    """A CT slice with something planted everywhere."""
    dataset = ct_slice(SpecificCharacterSet="ISO_IR 192")
    for where, target in (("top", dataset), ("nested", Dataset()), ("twice nested", Dataset())):
        for element in planter.dataset(where):
            target.add(element)
        for element in planter.sequences(where):
            if element.keyword not in (OUTER, INNER):
                target.add(element)
        planter.private(target, where)
        if where == "nested":
            nested = target
        elif where == "twice nested":
            setattr(nested, INNER, items(target))
    setattr(dataset, OUTER, items(nested))
    for keyword, value in (("ImageType", ["ORIGINAL", "PRIMARY"]), ("Modality", "CT")):
        setattr(dataset, keyword, value)
    return dataset


def leaks(tokens: dict[bytes, str], output: bytes) -> list[str]:
    return [place for token, place in tokens.items() if token in output]


@pytest.mark.parametrize("profile", ["clinical-ai", "basic"])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_nothing_planted_comes_out(profile: str, syntax: UID) -> None:
    planter = Planter()
    data = part10(planted(planter), syntax, preamble=planter.token("preamble").encode().ljust(128))
    seen = leaks(planter.tokens, data)  # the search sees what is there; a dozen places had to be filled otherwise
    assert len(planter.tokens) > 7000
    assert len(seen) > len(planter.tokens) - 20
    output = through_engine(data, profile)
    assert leaks(planter.tokens, output) == []
    assert DATE.encode() not in output


def test_depth_is_reached() -> None:
    dataset = planted(Planter())
    dataset[OUTER][0][INNER][0].SliceThickness = "7.25"
    assert b"7.25" in through_engine(part10(dataset))


NAMES = {
    "ISO_IR 100": "Jérôme^Åsa",
    "ISO_IR 144": "Люкceмбypг",
    "ISO_IR 192": "山田^太郎",
    "GB18030": "王^小东",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
    "ISO_IR 13": "ﾔﾏﾀﾞ^ﾀﾛｳ",
}


@pytest.mark.parametrize("charset", NAMES)
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_names_in_any_character_set_go(charset: str, syntax: UID) -> None:
    name = NAMES[charset]
    places = ("PatientName", "OtherPatientNames", "OperatorsName", "ManufacturerModelName", "SeriesDescription")
    dataset = ct_slice(SpecificCharacterSet=charset.split("\\"), InstitutionName=None, StudyDescription="")
    dataset.ReferringPhysicianName = None
    for keyword in places:
        setattr(dataset, keyword, name)
    dataset.ContrastBolusAgentSequence = items(item(PatientName=name, ContrastBolusAgent=name))
    data = part10(dataset, syntax)
    stem = dataset["PatientName"].value.encode(dataset._character_set)
    words = [word for word in stem.replace(b"=", b"^").split(b"^") if len(word) > 3]
    assert words and all(word in data for word in words)
    output = through_engine(data)
    assert not [word for word in words if word in output]


def test_a_lookup_table_stays_if_it_is_one() -> None:
    table = struct.pack("<64H", *range(32768, 33792, 16))
    dataset = ct_slice(ModalityLUTSequence=items(item(LUTDescriptor=[64, 0, 16], LUTData=table)))
    dataset.VOILUTSequence = items(item(LUTDescriptor=[64, 0, 16], LUTData=b"MUSTERMANN^ERIKA" * 8))
    dataset.add_new("RedPaletteColorLookupTableData", "OW", b"MUSTERMANN^ERIKA" * 8)
    for syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian):
        data = through_engine(part10(dataset, syntax))
        assert b"MUSTERMANN" not in data
        assert table in data


def test_pydicom_logs_no_value(caplog: pytest.LogCaptureFixture) -> None:
    dataset = ct_slice(PatientName="x", InstitutionName="x", ReferringPhysicianName="x", StudyDescription="x")
    dataset.SpecificCharacterSet = "MUSTERMANN"
    with dicomfile.quietly():
        data = part10(dataset).replace(b"CT Image", b"CT \xe4mage")
        through_engine(data.replace(b"SIEMENS", b"S\xefEMENS"))
    assert not caplog.records


def test_a_value_with_another_representation_than_its_attribute_has_goes() -> None:
    dataset = ct_slice()
    dataset.add_new("Rows", "LO", "MUSTERMANN")
    dataset.add_new("SliceThickness", "LO", "MUSTERMANN")
    dataset.add_new("StudyTime", "TM", "MUSTERMANN")
    dataset.add_new("PatientAge", "AS", "MUSTERMANN")
    dataset.add_new("SOPClassUID", "UI", "1.2.840.10008.5.1.4.1.1.2")
    dataset.add_new("RelatedGeneralSOPClassUID", "UI", "1.2.840.10008.MUSTERMANN")
    assert b"MUSTERMANN" not in through_engine(part10(dataset, ExplicitVRLittleEndian))
