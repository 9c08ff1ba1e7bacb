"""An object as it came: the bytes of a DICOM file (PS3.10) and where its elements lie in them.

A large file is mapped, not read: what is looked at is its header, and its pixel data only passes
through from file to file.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset
from pydicom._uid_dict import UID_dictionary
from pydicom.charset import default_encoding
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag

from lucidray.deidentify.elements import UNDEFINED_LENGTH
from lucidray.imaging.elements import Encoding, Malformed, encoding_of, inflated, is_deflated
from lucidray.imaging.levels import Buffer, Element, Levels

MAX_INFLATED_BYTES = 1 << 30
MAPPED_BYTES = 32 << 20  # from this size on a file is mapped: less is read faster than it is mapped
_HEADER_VALUE_BYTES = 1 << 16  # of the values that a header shows
_PREAMBLE, _MAGIC = 128, b"DICM"
_META_GROUP, _TRANSFER_SYNTAX = 0x0002, 0x00020010
_TRANSFER_SYNTAXES = frozenset(  # PS3.6 table A-1
    uid for uid, (_, kind, *_) in UID_dictionary.items() if kind == "Transfer Syntax"
)


@dataclass(frozen=True)
class Source:
    """A DICOM file.

    Parameters
    ----------
    data
        The encoded data set; not deflated, whatever the transfer syntax.
    transfer_syntax
        As the file meta information says; one of PS3.6 table A-1.
    elements
        Of the data set's own level.
    """

    data: Buffer
    transfer_syntax: str
    encoding: Encoding
    levels: Levels
    elements: list[Element]

    @classmethod
    def of(cls, file: Buffer) -> "Source":
        """From the bytes of a file.

        Raises
        ------
        Malformed
            They are not a DICOM file, or not a whole one, or in a transfer syntax that DICOM does not register.
        """
        if bytes(file[_PREAMBLE : _PREAMBLE + 4]) != _MAGIC:
            raise Malformed("it does not begin as a DICOM file does")
        meta, start = Levels(file).until(_PREAMBLE + 4, len(file), Encoding(), _META_GROUP)
        syntax = next((_text(file, element) for element in meta if element.tag == _TRANSFER_SYNTAX), "")
        if not syntax:
            raise Malformed("it does not name its transfer syntax")
        if syntax not in _TRANSFER_SYNTAXES:  # the output will name it again: it could be anything
            raise Malformed("its transfer syntax is none that DICOM registers")
        data, encoding = file, encoding_of(syntax)
        if is_deflated(syntax):
            data, start = inflated(file[start:], MAX_INFLATED_BYTES), 0
        levels = Levels(data)
        return cls(data, syntax, encoding, levels, levels.elements(start, len(data), encoding))

    def header(self) -> Dataset:
        """The elements of the data set's own level for pydicom; values of more than 64 KiB look empty."""
        little = not self.encoding.big_endian
        raw: dict[BaseTag, DataElement | RawDataElement] = {}
        for tag, vr, _, start, end, after, _ in self.elements:
            value = bytes(self.data[start:end]) if end - start <= _HEADER_VALUE_BYTES else b""
            length = end - start if after == end else UNDEFINED_LENGTH
            key = BaseTag(tag)
            raw[key] = RawDataElement(key, vr.decode() or None, length, value, start, self.encoding.implicit, little)
        dataset = Dataset(raw)
        dataset.set_original_encoding(self.encoding.implicit, little, default_encoding)
        return dataset


@contextmanager
def opened(path: Path) -> Iterator[Buffer]:
    """The bytes of a file, mapped if it is large."""
    with path.open("rb") as file:
        file.seek(0, 2)
        size = file.tell()
        file.seek(0)
        if size < MAPPED_BYTES:
            yield file.read()
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            yield view


def _text(data: Buffer, element: Element) -> str:
    return bytes(data[element.start : element.end]).decode("ascii", "replace").strip(" \0")
