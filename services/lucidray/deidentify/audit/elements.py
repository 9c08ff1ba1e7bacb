"""What stands where in a DICOM file: every element with its path, its bytes and its texts.

Reads structure only, and never fails: what cannot be read as DICOM has no elements, but still its bytes.
"""

import struct
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pydicom.charset import decode_bytes, python_encoding
from pydicom.datadict import dictionary_VR, keyword_for_tag

from lucidray.imaging.elements import Encoding, Kind, Malformed, Token, encoding_of, inflated, is_deflated, name, walk

MAX_INFLATED_BYTES = 1 << 30
MAX_TEXT_BYTES = 1 << 20
_PREFIX = 132  # preamble and DICM
_EXPLICIT, _IMPLICIT = Encoding(), Encoding(implicit=True)
_ITEM = b"\xfe\xff\x00\xe0"
_CHARACTER_SET, _TRANSFER_SYNTAX, _PIXEL_DATA = 0x00080005, 0x00020010, 0x7FE00010
_NUMBERS = frozenset(["AT", "FD", "FL", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "US", "UV"])
_DELIMITERS = set(b"\\^=\r\n\t\f")  # each ends what an escape sequence began (PS3.5 6.1.2.5.3)
_ESCAPE = b"\x1b"


@dataclass(frozen=True)
class Element:
    """An element with a value; `start` and `end` bound it in the bytes in which it was found."""

    path: str
    tag: int
    vr: str
    value: bytes = field(repr=False)
    start: int
    end: int
    character_sets: tuple[str, ...]

    @property
    def keyword(self) -> str:
        """Keyword of the dictionary, or nothing."""
        return keyword_for_tag(self.tag)

    @property
    def is_pixels(self) -> bool:
        """Whether it is pixel data."""
        return self.tag == _PIXEL_DATA

    @cached_property
    def texts(self) -> list[str]:
        """The value read as text: in the declared character sets first, then in the most common ones.

        Empty for numbers and for what is no text.
        """
        if self.vr in _NUMBERS or self.is_pixels or not 0 < len(self.value) <= MAX_TEXT_BYTES:
            return []
        raw = self.value.strip(b" \0")
        if raw.isascii() and _ESCAPE not in raw:
            return [text] if (text := raw.decode("ascii")) else []
        encodings = [python_encoding.get(each.strip(), "latin-1") for each in self.character_sets] or ["ascii"]
        read = [_declared(raw, encodings)]
        if not raw.isascii():
            read += [raw.decode(encoding, "ignore") for encoding in ("utf-8", "latin-1")]
        return list(dict.fromkeys(text for text in read if text))


def _declared(raw: bytes, encodings: list[str]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they quote the value
        try:
            return str(decode_bytes(raw, encodings, _DELIMITERS))
        except Exception:  # the declaration is wrong: other readings follow
            return raw.decode("latin-1")


def dataset_bytes(data: bytes) -> tuple[bytes, int, Encoding]:
    """Bytes that hold the data set, where it begins in them, its encoding. Inflated where it is deflated.

    Raises
    ------
    Malformed
        It is no DICOM file.
    """
    if data[128:_PREFIX] != b"DICM":
        raise Malformed("there is no DICM after the preamble")
    start, syntax = _PREFIX, ""
    for token in walk(data, _EXPLICIT, _PREFIX):
        if token.tag >> 16 != 2:
            break
        start = token.end
        if token.tag == _TRANSFER_SYNTAX:
            syntax = data[token.start : token.end].decode("ascii", "replace").strip(" \0")
        if start + 2 > len(data) or struct.unpack_from("<H", data, start)[0] != 2:
            break
    if is_deflated(syntax):
        return inflated(data[start:], MAX_INFLATED_BYTES), 0, encoding_of(syntax)
    return data, start, encoding_of(syntax)


def elements(data: bytes) -> list[Element]:
    """Elements of the data set of a DICOM file, as far as it can be read."""
    found: list[Element] = []
    try:
        content, start, encoding = dataset_bytes(data)
        found.extend(_walked(content, start, encoding))
    except Malformed:
        pass
    return found


def meta_elements(data: bytes) -> list[Element]:
    """Elements of the file meta information."""
    found: list[Element] = []
    try:
        for element in _walked(data, _PREFIX, _EXPLICIT):
            if element.tag >> 16 != 2:
                break
            found.append(element)
    except Malformed:
        pass
    return found


def _walked(
    data: bytes | memoryview, start: int, encoding: Encoding, above: str = "", sets_above: tuple[str, ...] = ()
) -> Iterator[Element]:
    path: list[str] = []
    sets = [sets_above]
    counts: list[int] = []
    for token in walk(data, encoding, start):
        label = keyword_for_tag(token.tag) or name(token.tag)
        if token.kind is Kind.SEQUENCE:
            path.append(label)
            counts.append(-1)
        elif token.kind is Kind.ITEM:
            counts[-1] += 1
            sets.append(sets[-1])
        elif token.kind is Kind.END_ITEM:
            sets.pop()
        elif token.kind is Kind.END_SEQUENCE:
            path.pop()
            counts.pop()
        else:
            if token.tag == _CHARACTER_SET:
                text = bytes(data[token.start : token.end]).decode("ascii", "replace")
                sets[-1] = tuple(text.strip(" \0").split("\\"))
            within = slice(None, -1 if token.kind is Kind.FRAGMENT else None)  # fragments are in no item
            where = "".join(f"{each}[{count}]." for each, count in zip(path[within], counts[within], strict=True))
            yield from _opened(data, token, above + where + label, sets[-1])


def _opened(data: bytes | memoryview, token: Token, path: str, sets: tuple[str, ...]) -> Iterator[Element]:
    """An element; or, if it is a sequence that only its bytes show to be one (PS3.5 6.2.2), what is in it."""
    value, vr = bytes(data[token.start : token.end]), _vr(token.vr, token.tag)
    found: list[Element] = []
    if vr == "UN" and value.startswith(_ITEM):
        try:
            found = list(_in_items(data, token, path, sets))
        except Malformed:
            found = []
    yield from found or [Element(path, token.tag, vr, value, token.start, token.end, sets)]


def _in_items(data: bytes | memoryview, token: Token, path: str, sets: tuple[str, ...]) -> Iterator[Element]:
    position, number = token.start, 0
    while position + len(_ITEM) + 4 <= token.end and data[position : position + 4] == _ITEM:
        start = position + 8
        position = start + int(struct.unpack_from("<I", data, position + 4)[0])
        yield from _walked(memoryview(data)[:position], start, _IMPLICIT, f"{path}[{number}].", sets)
        number += 1


def _vr(written: bytes, tag: int) -> str:
    if written:
        return written.decode("ascii", "replace")
    try:
        return str(dictionary_VR(tag)).split(" or ")[0]
    except KeyError:
        return "UN"


class Places:
    """Tells in which element a byte lies."""

    def __init__(self, found: list[Element], *, first: str) -> None:
        self._found = found
        self._starts = [element.start for element in found]
        self._first = first

    def at(self, offset: int) -> Element | str:
        """The element at an offset, or words for what is no value of an element."""
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return self._first
        element = self._found[index]
        if offset < element.end:
            return element
        return f"after {element.path}"
