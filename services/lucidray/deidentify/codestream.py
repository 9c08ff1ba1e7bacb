"""Compressed frames: what in them is no image, and bytes behind their end, are overwritten in place.

Of segments, those that the standards define for an image stay; comments, application data, other segments and tables
that nothing in the frame names do not. Entropy-coded data are not decoded: bytes behind them are not told from them.

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
_SCAN, _QUANTISATION, _PRESETS = 0xDA, 0xDB, 0xF8
_LOSSY_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC5, 0xC6, 0xC9, 0xCA, 0xCD, 0xCE})  # SOF whose components are quantised
_LOSSLESS_FRAMES = frozenset({0xC3, 0xC7, 0xCB, 0xCF, 0xF7})
_OF_IMAGE = (
    _LOSSY_FRAMES | _LOSSLESS_FRAMES | {0xC4, 0xCC, _SCAN, 0xDC, 0xDD, 0xDE, 0xDF}
)  # DHT, DAC; DNL, DRI, DHP, EXP
_MAPPINGS = (2, 3)  # kinds of LSE segments that hold a table (ISO/IEC 14495-1 C.2.4.1)
_NO_SEGMENT = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length: TEM, RST0 to RST7, SOI
_ADOBE = (0xEE, re.compile(rb"Adobe\0[de][\0-\xff]{4}[\0-\2]", re.DOTALL))  # says which colour transform was used
_JFIF = (0xE0, re.compile(rb"JFIF\0[\0-\xff]{7}\0\0", re.DOTALL))  # version and density, no thumbnail
_THRESHOLDS_ONLY = (_PRESETS, re.compile(rb"\x01[\0-\xff]{10}", re.DOTALL))  # of JPEG-LS, five numbers
_HARMLESS = (_ADOBE, _JFIF, _THRESHOLDS_ONLY)
_TABLE_BYTES = 64  # of a quantisation table of 8 bits a value
_MARKER_IN_SCAN = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")

# SIZ, COD, COC, TLM, PLM, PLT, QCD, QCC, RGN, POC, PPM, PPT, CRG; CAP, PRF, CPF of part 15.
_J2K_OF_IMAGE = frozenset({0x51, 0x52, 0x53, 0x55, 0x57, 0x58, *range(0x5C, 0x62), 0x63, 0x50, 0x56, 0x59})
_J2K_COMMENT, _J2K_TILE, _J2K_DATA, _J2K_END = 0x64, 0x90, 0x93, 0xD9

_RLE_HEADER, _RLE_MOST_SEGMENTS = 64, 15
_NO_RUN = 128  # the packet that stands for nothing

_Table = tuple[int, int]  # marker and number


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
    tables: list[tuple[_Table, Change]] = []
    used: set[_Table] = set()
    position = 2
    while True:
        marker, position = _marker(data, position)
        if marker == _JPEG_END:
            yield from (change for table, change in tables if table not in used)
            yield from _behind(data, position)
            return
        if marker in _NO_SEGMENT:
            continue
        start, end = _segment(data, position)
        used |= _used_tables(marker, data[start:end])
        found = _tables(marker, data, start, end)
        tables += found
        if start < end and not found and marker not in _OF_IMAGE and not _is_harmless(marker, data[start:end]):
            yield Change(start, end)
        position = end
        if marker == _SCAN:
            next_marker = _MARKER_IN_SCAN.search(data, end)
            if next_marker is None:
                raise Malformed("a compressed frame does not end")
            position = next_marker.start()


def _tables(marker: int, data: bytes, start: int, end: int) -> list[tuple[_Table, Change]]:
    """The tables in a segment, and what overwrites each: no table may be all zeros."""
    if marker == _PRESETS and data[start:end][:1] and data[start] in _MAPPINGS and start + 3 < end:
        return [((_PRESETS, data[start + 1]), Change(start + 3, end))]
    found = []
    while marker == _QUANTISATION and start + 1 < end:
        stop = min(start + 1 + (_TABLE_BYTES << (data[start] >> 4 > 0)), end)
        found.append(((_QUANTISATION, data[start] & 0xF), Change(start + 1, stop, b"\1")))
        start = stop
    return found


def _used_tables(marker: int, content: bytes) -> set[_Table]:
    """The tables that the components of a frame or of a scan name."""
    if marker in _LOSSY_FRAMES:
        return {(_QUANTISATION, number) for number in content[8 : 6 + 3 * (content[5:6] or b"\0")[0] : 3]}
    if marker == _SCAN:
        return {(_PRESETS, number) for number in content[2 : 1 + 2 * (content[:1] or b"\0")[0] : 2]}
    return set()


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
        if marker == _J2K_COMMENT and start + 2 < end:
            yield Change(start + 2, end)  # behind the registration: says whether binary or text
        if marker == _J2K_TILE:
            length = int.from_bytes(data[start + 2 : start + 6], "big")
            tile_end = position - 2 + length if length else data.rfind(b"\xff\xd9")
            if not end <= tile_end <= len(data):
                raise Malformed("a tile of a compressed frame ends outside it")
        if marker not in _J2K_OF_IMAGE and marker not in (_J2K_COMMENT, _J2K_TILE):
            raise Malformed("a compressed frame has a segment that JPEG 2000 does not know")
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
