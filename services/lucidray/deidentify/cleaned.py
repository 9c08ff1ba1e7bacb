"""An object without identity, on its way out: bytes of our own, and spans of the source that stay as they are."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lucidray.deidentify.elements import encoded, padded
from lucidray.imaging.elements import Encoding, is_deflated
from lucidray.imaging.levels import Buffer, forget

IMPLEMENTATION_CLASS_UID = "2.25.129465710184322875401196013361744038117"
IMPLEMENTATION_VERSION_NAME = "LUCIDRAY"
_BEGINNING = bytes(128) + b"DICM"
_EXPLICIT = Encoding()
_BLOCK = 1 << 20  # bytes of a large span that are in memory at once


class Span(NamedTuple):
    """Bytes of the source, from `begin` to `end`."""

    begin: int
    end: int


@dataclass(frozen=True)
class Cleaned:
    """A DICOM file in parts.

    Parameters
    ----------
    source
        What the spans are of.
    parts
        The encoded data set, in order; not deflated.
    """

    source: Buffer
    parts: list[bytes | Span]
    transfer_syntax: str
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str  # empty if the object is of no series

    def to_bytes(self) -> bytes:
        """The whole file."""
        return b"".join(self._blocks(len(self.source)))

    def write(self, path: Path) -> None:
        """Write a new file; of a large source, a block at a time.

        Raises
        ------
        FileExistsError
            There is one of that name.
        """
        blocks = self._blocks(_BLOCK)
        beginning = next(blocks)  # before there is a file: one that cannot be described leaves none behind
        with path.open("xb") as file:
            file.write(beginning)
            file.writelines(blocks)

    def _blocks(self, size: int) -> Iterator[Buffer]:
        yield _BEGINNING + self._meta()
        blocks = self._data_set(size)
        if not is_deflated(self.transfer_syntax):
            yield from blocks
            return
        deflator = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        content = b"".join([*map(deflator.compress, blocks), deflator.flush()])
        yield content + bytes(len(content) % 2)

    def _data_set(self, size: int) -> Iterator[Buffer]:
        view = memoryview(self.source)
        for part in self.parts:
            if isinstance(part, Span):
                for begin in range(part.begin, part.end, size):
                    yield view[begin : min(begin + size, part.end)]
                    forget(self.source, begin, min(begin + size, part.end))
            else:
                yield part

    def _meta(self) -> bytes:
        """File meta information of our own (PS3.10 section 7.1)."""
        texts = {
            0x00020002: self.sop_class_uid,
            0x00020003: self.sop_instance_uid,
            0x00020010: self.transfer_syntax,
            0x00020012: IMPLEMENTATION_CLASS_UID,
        }
        content = encoded(0x00020001, b"OB", b"\0\1", _EXPLICIT)
        content += b"".join(encoded(tag, b"UI", padded(text, b"UI"), _EXPLICIT) for tag, text in texts.items())
        content += encoded(0x00020013, b"SH", padded(IMPLEMENTATION_VERSION_NAME, b"SH"), _EXPLICIT)
        return encoded(0x00020000, b"UL", len(content).to_bytes(4, "little"), _EXPLICIT) + content
