"""Raw elements: values as they lie in the file, so that what is kept is kept to the bit."""

from dataclasses import dataclass

from pydicom import Dataset
from pydicom.charset import default_encoding
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.tag import BaseTag

SHORT_LENGTH = 0xFFFE  # longest value of a VR whose length field has two bytes (PS3.5 7.1.2)
UNDEFINED_LENGTH = 0xFFFFFFFF
_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})


@dataclass(frozen=True)
class Encoding:
    """How a dataset is encoded."""

    implicit: bool
    little_endian: bool

    @classmethod
    def of(cls, dataset: Dataset) -> "Encoding":
        """Encoding in which a dataset was read."""
        implicit, little_endian = dataset.original_encoding
        return cls(bool(implicit), little_endian is not False)

    def new_dataset(self) -> Dataset:
        """An empty dataset whose raw elements are written as they are."""
        dataset = Dataset()
        dataset.set_original_encoding(self.implicit, self.little_endian, default_encoding)
        return dataset

    def raw(self, tag: BaseTag, vr: str | None, value: bytes, length: int | None = None) -> RawDataElement:
        """A raw element; `length` where it is undefined (encapsulated pixel data)."""
        if not self.implicit and vr not in _LONG and len(value) > SHORT_LENGTH:
            vr = "UN"  # PS3.5 6.2.2, note 5
        return RawDataElement(
            tag, vr, len(value) if length is None else length, value, 0, self.implicit, self.little_endian
        )


def padded(value: str, vr: str) -> bytes:
    """An ASCII value as bytes of even length."""
    encoded = value.encode("ascii")
    return encoded + (b"\0" if vr == "UI" else b" ") * (len(encoded) % 2)


def raw_element(dataset: Dataset, tag: BaseTag, encoding: Encoding) -> RawDataElement:
    """An element as it lies in the file; one that was decoded meanwhile is encoded again."""
    element = dataset.get_item(tag)
    if isinstance(element, RawDataElement):
        return element
    if element.is_empty or isinstance(element.value, bytes):
        undefined = UNDEFINED_LENGTH if element.is_undefined_length else None
        return encoding.raw(tag, element.VR, element.value or b"", undefined)
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = True, encoding.little_endian
    write_data_element(buffer, element, dataset._character_set)
    return encoding.raw(tag, element.VR, buffer.getvalue()[8:])  # after tag and length


def text_of(dataset: Dataset, tag: int) -> str:
    """Value of a text attribute, decoded, several values separated by backslashes; empty if absent.

    The element stays raw in the dataset.
    """
    element = dataset.get_item(tag)
    if element is None:
        return ""
    if isinstance(element, RawDataElement):
        vr = dictionary_VR(tag)
        raw = element if vr == element.VR else element._replace(VR=vr)
        element = convert_raw_data_element(raw, encoding=dataset._character_set, ds=dataset)
    value = element.value
    if value is None:
        return ""
    text = value if isinstance(value, str) else "\\".join(map(str, value)) if element.VM > 1 else str(value)
    return text.strip(" \0")
