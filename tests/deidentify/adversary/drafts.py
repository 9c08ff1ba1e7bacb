"""Objects before they are written: a scanner's description of itself, a patient, and room for what a kind plants."""

import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pydicom
from pydicom import Dataset, FileMetaDataset
from pydicom.dataelem import RawDataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian
from tests.deidentify.adversary.descriptions import PROTOCOLS, SERIES, STUDIES
from tests.deidentify.adversary.planter import Plant, Planter
from tests.deidentify.adversary.scanners import COMMON, MODALITIES, TIMES

OBJECT = "SOPInstanceUID of the object"
IDENTITY = "patient, study and site of every object"
IMPLEMENTATION_CLASS_UID = "1.2.276.0.7230010.3.0.3.6.7"
DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
NAMES = ("PatientName", "ReferringPhysicianName")
CODES = ("PatientID", "AccessionNumber", "StudyID", "InstitutionName", "StationName")
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
_PIXELS = bytes((at * 7 + row * 3) % 251 for row in range(16) for at in range(32))


@contextmanager
def as_found_in_the_wild() -> Iterator[None]:
    """pydicom's checks off: the objects are meant to be odd."""
    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        warnings.simplefilter("ignore")
        yield


def item(values: Mapping[str, Any] | None = None, **more: Any) -> Dataset:
    """A dataset of values by keyword."""
    dataset = Dataset()
    for keyword, value in {**(values or {}), **more}.items():
        is_sequence = isinstance(value, tuple)
        setattr(dataset, keyword, Sequence([item(each) for each in value]) if is_sequence else value)
    return dataset


def sequence(*datasets: Dataset) -> Sequence:
    """A sequence."""
    return Sequence(datasets)


def raw(tag: str | int, vr: str, value: str | bytes) -> RawDataElement:
    """An element that is written as it is, whatever its VR asks for."""
    data = value if isinstance(value, bytes) else value.encode()
    data += b" " * (len(data) % 2)
    return RawDataElement(Tag(tag), vr, len(data), data, 0, False, True)


@dataclass
class Draft:
    """An object to plant in."""

    dataset: Dataset
    planter: Planter
    syntax: UID = ExplicitVRLittleEndian
    meta: dict[str, Any] = field(default_factory=dict)
    preamble: bytes = bytes(128)
    file_name: str = ""
    tail: bytes = b""
    modality: str = "CT"
    identity: tuple[Plant, ...] = ()
    described: dict[str, str] = field(default_factory=dict)
    is_valid: bool = True  # so that refusing it is wrong
    shows_text: bool = False  # in its pixels

    def plants(self) -> list[Plant]:
        """What is planted, without what was overwritten since."""
        here = {
            str(self.dataset.get(keyword, ""))
            for keyword in ("SOPInstanceUID", "PatientBirthDate", *DATES, *UIDS, *NAMES, *CODES)
        }
        kept = [plant for plant in self.identity if plant.identifier.value in here]
        own = [plant for plant in self.planter.plants if plant.place != OBJECT or plant.identifier.value in here]
        return kept + own

    def put(self, tag: str | int, vr: str, value: str | bytes) -> None:
        """Put a raw element into the data set."""
        element = raw(tag, vr, value)
        self.dataset[element.tag] = element

    def written(self) -> bytes:
        """The file."""
        with as_found_in_the_wild():
            return self._written()

    def _written(self) -> bytes:
        meta = FileMetaDataset()
        meta.FileMetaInformationVersion = b"\0\1"
        meta.MediaStorageSOPClassUID = UID(str(self.dataset.SOPClassUID))
        meta.MediaStorageSOPInstanceUID = UID(str(self.dataset.SOPInstanceUID))
        meta.TransferSyntaxUID = self.syntax
        meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
        for keyword, value in self.meta.items():
            setattr(meta, keyword, value)
        head, content = DicomBytesIO(), DicomBytesIO()
        content.is_implicit_VR = self.syntax.is_implicit_VR
        content.is_little_endian = self.syntax != ExplicitVRBigEndian
        _write_raw(self.dataset, content.is_implicit_VR, content.is_little_endian)
        write_file_meta_info(head, meta)
        write_dataset(content, self.dataset)
        body = content.getvalue() + self.tail
        if self.syntax == DeflatedExplicitVRLittleEndian:
            body = _deflated(body)
        return bytes(self.preamble.ljust(128, b"\0")[:128] + b"DICM" + head.getvalue() + body)


def _write_raw(dataset: Dataset, implicit: bool, little_endian: bool) -> None:
    """Let pydicom write raw elements as they are, which it otherwise reads and writes anew."""
    elements = [dataset.get_item(tag) for tag in dataset.keys()]  # noqa: SIM118 (iterating reads raw elements)
    for element in elements:
        if element.VR == "SQ" and not element.is_raw:
            for each in element.value:
                _write_raw(each, implicit, little_endian)
    if any(element.is_raw for element in elements):
        dataset.set_original_encoding(implicit, little_endian, dataset._character_set)


def _deflated(data: bytes) -> bytes:
    deflator = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflator.compress(data) + deflator.flush()


def draft(planter: Planter, modality: str = "CT") -> Draft:
    """An image of a scanner, about the patient of the corpus, whose identifiers are planted in every object."""
    dataset, who = item({**COMMON, **TIMES, **MODALITIES[modality]}), Planter(planter.seed.split("/")[0], IDENTITY)
    for keyword in UIDS:
        setattr(dataset, keyword, who.uid(keyword))
    day = who.date("StudyDate")
    for keyword in DATES:
        setattr(dataset, keyword, day)
    if modality == "PT":
        dataset.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime = f"{day}091500.00"
        dataset.DecayCorrectionDateTime = f"{day}100633.25"
    for keyword in NAMES:
        setattr(dataset, keyword, who.name(keyword))
    dataset.PatientBirthDate = who.date("PatientBirthDate")
    for keyword in CODES:
        setattr(dataset, keyword, who.text(keyword))
    dataset.SpecificCharacterSet, dataset.PositionReferenceIndicator = "ISO_IR 192", ""
    dataset.SOPInstanceUID = planter.uid(OBJECT)
    described = described_as(planter, modality)
    for keyword, text in described.items():
        setattr(dataset, keyword, text)
    dataset.add_new("PixelData", "OW", _PIXELS)
    return Draft(dataset, planter, modality=modality, identity=tuple(who.plants), described=described)


def described_as(planter: Planter, modality: str) -> dict[str, str]:
    """Descriptions of study, series and protocol."""
    texts = {"StudyDescription": STUDIES, "SeriesDescription": SERIES, "ProtocolName": PROTOCOLS}
    return {keyword: planter.random.choice(of[modality]) for keyword, of in texts.items()}
