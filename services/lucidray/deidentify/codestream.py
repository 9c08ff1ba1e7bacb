"""Compressed frames: comments and application data in them, and bytes behind their end, are overwritten in place.

No byte of the image is decoded or moved: lengths and offsets stay what they are. JPEG (ISO/IEC
10918-1 annex B), JPEG-LS (ISO/IEC 14495-1 annex C), JPEG 2000 and HTJ2K (ISO/IEC 15444-1 annex A),
run lengths (DICOM PS3.5 annex G).
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from lucidray.imaging.elements import Malformed
from lucidray.imaging.levels import Buffer

_JPEG_START, _JPEG_END = b"\xff\xd8", 0xD9
_JPEG2000_START, _SIZ_FIRST = b"\xff\x4f", b"\xff\x51"
_COMMENT, _APPLICATION = 0xFE, range(0xE0, 0xF0)
_SCAN = 0xDA
_NO_SEGMENT = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length: TEM, RST0 to RST7, SOI
_ADOBE = (0xEE, re.compile(rb"Adobe\0[de][\0-\xff]{4}[\0-\2]", re.DOTALL))  # says which colour transform was used
_JFIF = (0xE0, re.compile(rb"JFIF\0[\0-\xff]{7}\0\0", re.DOTALL))  # version and density, no thumbnail
_HARMLESS = (_ADOBE, _JFIF)
_MARKER_IN_SCAN = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")

_J2K_COMMENT, _J2K_TILE, _J2K_DATA, _J2K_END = 0x64, 0x90, 0x93, 0xD9

_RLE_HEADER, _RLE_MOST_SEGMENTS = 64, 15
_NO_RUN = 128  # the packet that stands for nothing


class Change(NamedTuple):
    """What is overwritten, and by which byte."""

    begin: int
    end: int
    filler: bytes = b"\0"


def begins_code_stream(frame: bytes) -> bool:
    """Whether bytes begin as a frame of the JPEG family does."""
    return frame.startswith((_JPEG_START, _JPEG2000_START))


def unwanted(frame: Buffer) -> list[Change]:
    """What in the bytes of a frame is no image.

    Raises
    ------
    Malformed
        It is of none of these kinds, or not whole.
    """
    data = bytes(frame)
    if data.startswith(_JPEG_START):
        return list(_jpeg(data))
    if data.startswith(_JPEG2000_START + _SIZ_FIRST):
        return list(_jpeg2000(data))
    raise Malformed("a compressed frame does not begin as its transfer syntax says")


def begins_run_lengths(frame: bytes) -> bool:
    """Whether bytes begin as a frame of run lengths does."""
    segments = int.from_bytes(frame[:4], "little")
    return len(frame) >= _RLE_HEADER and 1 <= segments <= _RLE_MOST_SEGMENTS and frame[4:8] == b"\x40\0\0\0"


def unwanted_in_run_lengths(frame: bytes, pixels: int) -> Iterator[Change]:
    """The same for a frame of run lengths: offsets of no segment, and bytes behind the last run of each.

    Raises
    ------
    Malformed
        It is none, or not whole.
    """
    if not begins_run_lengths(frame):
        raise Malformed("a compressed frame does not begin as its transfer syntax says")
    count = int.from_bytes(frame[:4], "little")
    used = 4 * (count + 1)
    if frame[used:_RLE_HEADER].strip(b"\0"):
        yield Change(used, _RLE_HEADER)
    offsets = [int.from_bytes(frame[at : at + 4], "little") for at in range(4, used, 4)] + [len(frame)]
    for start, end in pairwise(offsets):
        behind = _end_of_runs(frame, start, end, pixels)
        if frame[behind:end].strip(b"\0"):
            yield Change(behind, end, bytes([_NO_RUN]))


def _end_of_runs(frame: bytes, position: int, end: int, pixels: int) -> int:
    decoded = 0
    while decoded < pixels:
        if not _RLE_HEADER <= position < min(end, len(frame)):
            raise Malformed("a compressed frame is not whole")
        packet = frame[position]
        if packet < _NO_RUN:  # that many bytes and one as they are
            position += packet + 2
            decoded += packet + 1
        elif packet > _NO_RUN:  # the next byte, again and again
            position += 2
            decoded += 257 - packet
        else:
            position += 1
    return position


def _jpeg(data: bytes) -> Iterator[Change]:
    position = 2
    while True:
        marker, position = _marker(data, position)
        if marker == _JPEG_END:
            yield from _behind(data, position)
            return
        if marker in _NO_SEGMENT:
            continue
        start, end = _segment(data, position)
        if marker == _COMMENT or (marker in _APPLICATION and not _is_harmless(marker, data[start:end])):
            yield Change(start, end)
        position = end
        if marker == _SCAN:
            found = _MARKER_IN_SCAN.search(data, end)
            if found is None:
                raise Malformed("a compressed frame does not end")
            position = found.start()


def _jpeg2000(data: bytes) -> Iterator[Change]:
    position = 2
    tile_end = 0
    while True:
        marker, position = _marker(data, position)
        if marker == _J2K_END:
            yield from _behind(data, position)
            return
        if marker == _J2K_DATA:  # the data of a tile-part, up to its end
            position = tile_end
            continue
        start, end = _segment(data, position)
        if marker == _J2K_COMMENT:
            yield Change(start + 2, end)  # behind the registration: says whether binary or text
        if marker == _J2K_TILE:
            length = int.from_bytes(data[start + 2 : start + 6], "big")
            tile_end = position - 2 + length if length else data.rfind(b"\xff\xd9")
            if not end <= tile_end <= len(data):
                raise Malformed("a tile of a compressed frame ends outside it")
        position = end


def _marker(data: bytes, position: int) -> tuple[int, int]:
    """A marker and what comes after it; fill bytes before it are passed over."""
    while data[position : position + 2] == b"\xff\xff":
        position += 1
    if position + 2 > len(data) or data[position] != 0xFF:
        raise Malformed("a compressed frame has no marker where one should be")
    return data[position + 1], position + 2


def _segment(data: bytes, position: int) -> tuple[int, int]:
    """Where the content of a marker segment begins and ends."""
    end = position + int.from_bytes(data[position : position + 2], "big")
    if not position + 2 <= end <= len(data):
        raise Malformed("a segment of a compressed frame ends outside it")
    return position + 2, end


def _behind(data: bytes, position: int) -> Iterator[Change]:
    if data[position:].strip(b"\0"):
        yield Change(position, len(data))


def _is_harmless(marker: int, content: bytes) -> bool:
    return any(marker == kind and pattern.fullmatch(content) for kind, pattern in _HARMLESS)
