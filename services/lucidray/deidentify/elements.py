"""Single elements as bytes, and the text in them."""

from functools import lru_cache
from struct import Struct

from pydicom import Dataset
from pydicom.charset import convert_encodings, decode_bytes, default_encoding
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.valuerep import TEXT_VR_DELIMS

from lucidray.imaging.elements import SHORT, UNDEFINED, Encoding

UNDEFINED_LENGTH = UNDEFINED
LONGEST_SHORT = 0xFFFE  # longest value of a VR whose length field has two bytes (PS3.5 7.1.2)
ITEM_HEADER = b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00"  # tag (FFFE,E000), by byte order

Charset = tuple[str, ...]  # Python's names of the encodings of a SpecificCharacterSet
DEFAULT_CHARSET: Charset = (default_encoding,)

_ESCAPE = b"\x1b"
_IMPLICIT = Struct("<HHI").pack, Struct(">HHI").pack
_EXPLICIT_SHORT = Struct("<HH2sH").pack, Struct(">HH2sH").pack
_EXPLICIT_LONG = Struct("<HH2sHI").pack, Struct(">HH2sHI").pack
_LENGTH = Struct("<I").pack, Struct(">I").pack


def encoded(tag: int, vr: bytes, value: bytes | bytearray, encoding: Encoding) -> bytes:
    """An element: header and value. `value` is of even length and in the byte order of `encoding`."""
    return header(tag, vr, len(value), encoding) + value


def header(tag: int, vr: bytes, length: int, encoding: Encoding) -> bytes:
    """The header of an element (PS3.5 7.1.2, 7.1.3)."""
    group, number, big = tag >> 16, tag & 0xFFFF, encoding.big_endian
    if encoding.implicit:
        return _IMPLICIT[big](group, number, length)
    if vr in SHORT and length <= LONGEST_SHORT:
        return _EXPLICIT_SHORT[big](group, number, vr, length)
    return _EXPLICIT_LONG[big](group, number, b"UN" if vr in SHORT else vr, 0, length)  # PS3.5 6.2.2, note 5


def item(content: bytes | bytearray, encoding: Encoding) -> bytes:
    """An item of a sequence, with its length."""
    big = encoding.big_endian
    return ITEM_HEADER[big] + _LENGTH[big](len(content)) + content


def padded(value: str, vr: bytes) -> bytes:
    """An ASCII value as bytes of even length."""
    encoded_value = value.encode("ascii")
    return encoded_value + (b"\0" if vr == b"UI" else b" ") * (len(encoded_value) % 2)


@lru_cache(maxsize=64)
def charset_of(value: bytes) -> Charset:
    """The character set that a value of SpecificCharacterSet names."""
    names = [part.strip() for part in value.decode("ascii", "replace").strip(" \0").split("\\")]
    return tuple(convert_encodings(names)) if any(names) else DEFAULT_CHARSET


def decoded(value: bytes, charset: Charset) -> str:
    """A text value, several separated by backslashes."""
    if value.isascii() and _ESCAPE not in value:
        text = value.decode("ascii")
    else:
        text = decode_bytes(value, charset, TEXT_VR_DELIMS)
    return text.strip(" \0")


def text_of(dataset: Dataset, tag: int) -> str:
    """Value of a text attribute, decoded, several values separated by backslashes; empty if absent.

    The element stays raw in the dataset.
    """
    element = dataset.get_item(tag)
    if element is None:
        return ""
    if isinstance(element, RawDataElement):
        vr = dictionary_VR(tag)
        plain = element.value if vr in _STRINGS and isinstance(element.value, bytes) else _ESCAPE
        if plain.isascii() and _ESCAPE not in plain:  # in every character set the same
            return plain.decode("ascii").strip(" \0")
        raw = element if vr == element.VR else element._replace(VR=vr)
        element = convert_raw_data_element(raw, encoding=dataset._character_set, ds=dataset)
    value = element.value
    if value is None:
        return ""
    text = value if isinstance(value, str) else "\\".join(map(str, value)) if element.VM > 1 else str(value)
    return text.strip(" \0")


_STRINGS = frozenset({"CS", "LO", "SH", "UI", "IS", "DS"})
