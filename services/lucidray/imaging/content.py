"""What an object says, however it is encoded: the content digest.

The digest of an object's bytes proves storage; this one decides whether two objects under one
SOPInstanceUID are the same. It covers every element but those that only describe the encoding:
the file meta information (group 2), group lengths, trailing padding, offset tables and
PlanarConfiguration. Values lose their padding (PS3.5 section 6.2), elements are sorted, sequences
lose their length form, and pixels are decoded: a change of transfer syntax without loss changes
nothing. Pixels of images inside sequences (icons) are compared as they are encoded.
"""

import hashlib
import io
import struct
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
from pydicom import dcmread
from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.pixels.decoders.base import get_decoder

from lucidray.core.errors import Permanent
from lucidray.imaging.elements import (
    PIXEL_DATA,
    Encoding,
    Kind,
    Malformed,
    Token,
    encoding_of,
    inflated,
    is_deflated,
    walk,
)

MAX_INFLATED_BYTES = 1 << 30
MAX_DECODED_BYTES = 8 << 30  # what Rows, Columns and NumberOfFrames may announce before anything is decoded

PREAMBLE_BYTES = 132
PIXELS = (PIXEL_DATA, 0x7FE00008, 0x7FE00009)  # PixelData, FloatPixelData, DoubleFloatPixelData
PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION = 0x00280004, 0x00280006
_ENCODING_ONLY = frozenset({PLANAR_CONFIGURATION, 0x7FE00001, 0x7FE00002, 0x7FE00003, 0xFFFCFFFC})
_TEXT = frozenset(
    ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"]
)
_WIDTH = {"US": 2, "SS": 2, "OW": 2, "AT": 2, "UL": 4, "SL": 4, "FL": 4, "OF": 4, "OL": 4} | dict.fromkeys(
    ("FD", "OD", "OV", "SV", "UV"), 8
)
_BARE_SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
_BARE_ITEM = struct.pack("<HH", 0xFFFE, 0xE000)

Difference = Literal["same", "header", "pixels"]
_Values = dict[int, bytes]


class _Part10(NamedTuple):
    data: bytes  # inflated
    start: int
    transfer_syntax: str


def content_digest(part10: bytes) -> str:
    """Digest of what a DICOM Part 10 file says: two SHA-256, of the header and of the pixels.

    Raises
    ------
    Permanent
        The file is malformed, or its pixels cannot be decoded here.
    """
    try:
        part = _open(part10)
        encoding = encoding_of(part.transfer_syntax)
        tokens = walk(part.data, encoding, part.start)
        values = _dataset(tokens, part.data)
        pixels = _pixels(part10, part, values)
    except Malformed as error:
        raise Permanent("content digest of an object", str(error), "have it sent again") from None
    return f"{_header(values)}-{pixels}"


def differs(a: str, b: str) -> Difference:
    """How two content digests differ; "pixels" also where both parts do."""
    if a == b:
        return "same"
    return "pixels" if a.partition("-")[2] != b.partition("-")[2] else "header"


def _open(part10: bytes) -> _Part10:
    if part10[128:PREAMBLE_BYTES] != b"DICM":
        raise Malformed("it is not a DICOM file")
    meta: dict[int, bytes] = {}
    end = PREAMBLE_BYTES + 12
    if part10[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] != b"\x02\x00\x00\x00" or len(part10) < end:
        raise Malformed("the file meta information has no length")
    end += int.from_bytes(part10[end - 4 : end], "little")
    for token in walk(part10[PREAMBLE_BYTES:end], Encoding()):
        meta[token.tag] = part10[PREAMBLE_BYTES + token.start : PREAMBLE_BYTES + token.end]
    transfer_syntax = meta.get(0x00020010, b"").rstrip(b"\0 ").decode("ascii", "replace")
    if is_deflated(transfer_syntax):
        return _Part10(inflated(part10[end:], MAX_INFLATED_BYTES), 0, transfer_syntax)
    return _Part10(part10, end, transfer_syntax)


def _header(values: Mapping[int, bytes]) -> str:
    return hashlib.sha256(
        _canonical({tag: value for tag, value in values.items() if tag not in PIXELS and tag not in _ENCODING_ONLY})
    ).hexdigest()


def _canonical(values: Mapping[int, bytes]) -> bytes:
    return b"".join(struct.pack(">IQ", tag, len(value)) + value for tag, value in sorted(values.items()))


def _dataset(tokens: Iterator[Token], data: bytes) -> _Values:
    """Canonical values of the data set (or item) whose elements come next."""
    values: _Values = {}
    creators: dict[int, str] = {}
    for token in tokens:
        if token.kind is Kind.END_ITEM:
            break
        if token.kind is Kind.SEQUENCE:
            values[token.tag] = _sequence(tokens, data)
        elif token.tag & 0xFFFF:  # group lengths speak of the encoding
            raw = data[token.start : token.end]
            if token.tag >> 16 & 1 and token.tag & 0xFFFF < 0x100:
                creators[token.tag >> 16 << 8 | token.tag & 0xFF] = raw.decode("ascii", "replace").strip()
            values[token.tag] = _value(token, raw, creators.get(token.tag >> 8, ""))
    return values


def _sequence(tokens: Iterator[Token], data: bytes) -> bytes:
    parts: list[bytes] = []
    for token in tokens:
        if token.kind is Kind.END_SEQUENCE:
            break
        if token.kind is Kind.ITEM:
            parts.append(hashlib.sha256(_canonical(_dataset(tokens, data))).digest())
        else:
            parts.append(data[token.start : token.end])
    return b"sequence" + b"".join(parts) if parts else b""


def _value(token: Token, raw: bytes, creator: str) -> bytes:
    vr = _dictionary_vr(token.tag, creator)
    if token.encoding.big_endian:
        raw = _swapped(raw, token.vr.decode())
    if vr in _TEXT:
        return _photometric(_text(raw)) if token.tag == PHOTOMETRIC_INTERPRETATION else _text(raw)
    if vr in ("", "SQ", "UN") and raw.startswith(_BARE_ITEM):
        return _perhaps_sequence(raw)
    return raw


def _perhaps_sequence(raw: bytes) -> bytes:
    """A value that implicit VR or UN shows as bytes, and that is a sequence in another encoding."""
    whole = struct.pack("<HHI", 0x0009, 0x1000, 0xFFFFFFFF) + raw + _BARE_SEQUENCE_END
    try:
        tokens = walk(whole, Encoding(implicit=True))
        next(tokens)
        canonical = _sequence(tokens, whole)
        return raw if next(tokens, None) is not None else canonical
    except Malformed:
        return raw


def _text(raw: bytes) -> bytes:
    return b"\\".join(part.strip(b" \0") for part in raw.split(b"\\"))


def _photometric(text: bytes) -> bytes:
    """JPEG 2000 names its colour transform here; decoded it is RGB again (PS3.3 section C.7.6.3.1.2)."""
    return b"RGB" if text in (b"YBR_RCT", b"YBR_ICT") else text


def _swapped(raw: bytes, vr: str) -> bytes:
    width = _WIDTH.get(vr, 1)
    return np.frombuffer(raw, f">u{width}").astype(f"<u{width}").tobytes() if len(raw) % width == 0 else raw


@cache
def _dictionary_vr(tag: int, creator: str) -> str:
    try:
        return str(private_dictionary_VR(tag, creator) if tag >> 16 & 1 else dictionary_VR(tag))
    except KeyError:
        return ""


def _pixels(part10: bytes, part: _Part10, values: _Values) -> str:
    """Digest of the decoded frames, each by rows, columns and samples, little endian."""
    found = next((values[tag] for tag in PIXELS if tag in values), b"")
    if not found:
        return hashlib.sha256().hexdigest()
    shape = _Shape.of(values)
    encapsulated = found.startswith(b"sequence")
    if shape is None or PIXEL_DATA not in values or (not encapsulated and len(found) < shape.size):
        return hashlib.sha256(found).hexdigest()  # single bits, floats, subsampled chroma: as they are
    if shape.size > MAX_DECODED_BYTES:
        raise Malformed("its pixels would take too much memory")
    digest = hashlib.sha256()
    frames = _decoded(part10, shape) if encapsulated else _native(found, shape, values)
    for frame in frames:
        digest.update(np.ascontiguousarray(frame & shape.mask if shape.mask else frame).data)
    return digest.hexdigest()


class _Shape(NamedTuple):
    frames: int
    rows: int
    columns: int
    samples: int
    itemsize: int
    mask: int  # 0: all bits count

    @property
    def values(self) -> int:
        return self.frames * self.rows * self.columns * self.samples

    @property
    def size(self) -> int:
        return self.values * self.itemsize

    @classmethod
    def of(cls, values: _Values) -> "_Shape | None":
        """Shape of the pixels; None where they have none that can be read, or are single bits."""

        def number(tag: int, default: int = 0) -> int:
            return int.from_bytes(values[tag], "little") if len(values.get(tag, b"")) == 2 else default

        allocated, stored, high = number(0x00280100), number(0x00280101), number(0x00280102)
        frames = values.get(0x00280008, b"1")
        rows, columns, samples = number(0x00280010), number(0x00280011), number(0x00280002, 1)
        if allocated not in (8, 16, 32) or not frames.isdigit() or not rows * columns * samples:
            return None
        # Overlays may live in the unused bits (retired); where they do not, those bits say nothing.
        overlays = any(tag & 0xFF00FFFF == 0x60000102 and any(value) for tag, value in values.items())
        mask = 0 if overlays or high != stored - 1 or stored >= allocated else (1 << stored) - 1
        return cls(int(frames), rows, columns, samples, allocated // 8, mask)


def _native(raw: bytes, shape: _Shape, values: _Values) -> Iterator[Any]:
    pixels = np.frombuffer(raw, f"<u{shape.itemsize}", shape.values)
    by_plane = shape.samples > 1 and any(values.get(PLANAR_CONFIGURATION, b""))
    size = (shape.frames, shape.samples, -1) if by_plane else (shape.frames, -1, shape.samples)
    for frame in pixels.reshape(size):
        yield frame.T if by_plane else frame


def _decoded(part10: bytes, shape: _Shape) -> Iterator[Any]:
    try:
        dataset = dcmread(io.BytesIO(part10), force=True)
        decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
        for frame, _ in decoder.iter_array(dataset, raw=True):
            yield frame.astype(f"<u{shape.itemsize}")
    except Malformed:
        raise
    except Exception as error:  # codecs and pydicom raise what they like on input that they did not make
        raise Malformed(f"its pixels do not decode ({type(error).__name__})") from None
