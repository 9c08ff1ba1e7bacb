"""The structure of an encoded data set, without its meaning (PS3.5 section 7).

A walk reads tags, VRs and lengths only: it is fast, never recurses, allocates nothing that the
input asks for, and ends with `Malformed` instead of one of a library's many exceptions. It serves
where bytes of unknown origin are looked at for the first time.
"""

import zlib
from collections.abc import Iterator
from enum import Enum, auto
from functools import cache
from struct import Struct, error
from typing import Any, NamedTuple

from pydicom._dicom_dict import DicomDictionary
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
UNDEFINED = 0xFFFFFFFF
MAX_DEPTH = 32  # sequences in sequences; the deepest standard object (SR) seldom passes 12

# VRs with a 16-bit length in explicit VR (PS3.5 table 7.1-2); all others, also future ones, have 32.
SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())


class Malformed(ValueError):
    """The bytes are not a whole data set. The text says where and why, without any value."""


class Encoding(NamedTuple):
    """How a data set is encoded (PS3.5 section 10)."""

    implicit: bool = False
    big_endian: bool = False


class Kind(Enum):
    """What a token stands for."""

    ELEMENT = auto()  # an element with a value
    SEQUENCE = auto()  # a sequence begins
    ITEM = auto()  # an item of it begins
    FRAGMENT = auto()  # of encapsulated pixel data; the first is the offset table
    END_ITEM = auto()
    END_SEQUENCE = auto()


class Token(NamedTuple):
    """One step of a walk; `start` and `end` bound the value in the buffer."""

    kind: Kind
    tag: int
    vr: bytes  # empty in implicit VR
    depth: int  # 0: the data set itself
    start: int
    end: int
    encoding: Encoding


class _Open(NamedTuple):
    kind: Kind  # ITEM: elements are expected; SEQUENCE: items; FRAGMENT: fragments
    tag: int
    limit: int  # nothing in it may pass this
    defined: bool  # ends at the limit; otherwise at a delimiter
    encoding: Encoding


def encoding_of(transfer_syntax: str) -> Encoding:
    """Encoding of the data set under a transfer syntax, inflated where it is deflated."""
    if transfer_syntax == ImplicitVRLittleEndian:
        return Encoding(implicit=True)
    return Encoding(big_endian=transfer_syntax == ExplicitVRBigEndian)


def is_deflated(transfer_syntax: str) -> bool:
    """Whether the whole data set is deflated."""
    return bool(transfer_syntax == DeflatedExplicitVRLittleEndian)


def inflated(data: bytes | memoryview, limit: int) -> bytes:
    """The data set out of its deflated form (RFC 1951).

    Raises
    ------
    Malformed
        It would exceed `limit` bytes, ends too early, or is not deflated.
    """
    inflator = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflator.decompress(data, limit)
        if not inflator.eof and inflator.decompress(inflator.unconsumed_tail, 1):
            raise Malformed(f"the deflated data set inflates to more than {limit} bytes")
    except zlib.error:
        raise Malformed("the data set is not a deflated one") from None
    if not inflator.eof:
        raise Malformed("the deflated data set ends too early")
    return content


def walk(data: bytes | memoryview, encoding: Encoding, start: int = 0, max_depth: int = MAX_DEPTH) -> Iterator[Token]:
    """Every element of the data set `data[start:]`, in the order of the bytes.

    Sequences are entered, in implicit VR those that the dictionary knows or whose length is
    undefined. A value of VR UN is not entered unless its length is undefined (PS3.5 section 6.2.2).

    Raises
    ------
    Malformed
        Anything ends before it should, or is nested deeper than `max_depth`.
    """
    reader = _Reader(data)
    stack = [_Open(Kind.ITEM, 0, len(data), True, encoding)]
    position = start
    while stack:
        top = stack[-1]
        if top.defined and position == top.limit:
            stack.pop()
            if stack:
                yield _closing(top, (len(stack) - 1) // 2, position)
            continue
        if top.kind is Kind.ITEM:
            token, position, opened = reader.element(position, top, (len(stack) - 1) // 2)
        else:
            token, position, opened = reader.item(position, top, (len(stack) - 1) // 2)
        if token is None:  # a delimiter
            stack.pop()
            token = _closing(top, (len(stack) - 1) // 2, position)
        elif opened is not None:
            stack.append(opened)
            if len(stack) > 2 * max_depth + 1:
                raise Malformed(f"sequences are nested deeper than {max_depth}")
        yield token


def _closing(closed: _Open, depth: int, position: int) -> Token:
    kind = Kind.END_ITEM if closed.kind is Kind.ITEM else Kind.END_SEQUENCE
    return Token(kind, closed.tag, b"", depth, position, position, closed.encoding)


_Step = tuple[Token | None, int, _Open | None]  # token (None: a delimiter), next position, what it opens


class _Reader:
    """Reads single headers."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = data

    def element(self, position: int, top: _Open, depth: int) -> _Step:
        encoding = top.encoding
        group, number = self._unpack("HH", position, top, encoding)
        tag = group << 16 | number
        if tag == ITEM_END and not top.defined:
            return None, position + 8, None
        if encoding.implicit:
            vr, (length,), start = b"", self._unpack("I", position + 4, top, encoding), position + 8
        else:
            vr, length, start = self._explicit(position, tag, top, encoding)
        sequence = vr == b"SQ" or (encoding.implicit and length != UNDEFINED and tag in _sequences())
        if length == UNDEFINED:
            return self._undefined(tag, vr, start, top, depth)
        end = start + length
        if end > top.limit:
            raise Malformed(f"element {name(tag)} ends {end - top.limit} bytes after what holds it")
        if sequence:
            opened = _Open(Kind.SEQUENCE, tag, end, True, encoding)
            return Token(Kind.SEQUENCE, tag, vr, depth, start, end, encoding), start, opened
        return Token(Kind.ELEMENT, tag, vr, depth, start, end, encoding), end, None

    def item(self, position: int, top: _Open, depth: int) -> _Step:
        encoding = top.encoding
        group, number, length = self._unpack("HHI", position, top, encoding)
        tag, start = group << 16 | number, position + 8
        if tag == SEQUENCE_END and not top.defined:
            return None, start, None
        if tag != ITEM:
            raise Malformed(f"something else than an item is in {name(top.tag)}")
        if top.kind is Kind.FRAGMENT or length != UNDEFINED:
            end = start + length
            if end > top.limit:
                raise Malformed(f"an item of {name(top.tag)} ends {end - top.limit} bytes after what holds it")
        else:
            end = top.limit
        if top.kind is Kind.FRAGMENT:
            return Token(Kind.FRAGMENT, top.tag, b"", depth, start, end, encoding), end, None
        opened = _Open(Kind.ITEM, top.tag, end, length != UNDEFINED, encoding)
        return Token(Kind.ITEM, top.tag, b"", depth, start, end, encoding), start, opened

    def _explicit(self, position: int, tag: int, top: _Open, encoding: Encoding) -> tuple[bytes, int, int]:
        (vr,) = self._unpack("2s", position + 4, top, encoding)
        if vr in SHORT:
            return vr, self._unpack("H", position + 6, top, encoding)[0], position + 8
        if not (vr.isalpha() and vr.isupper()):
            raise Malformed(f"element {name(tag)} has no value representation")
        return vr, self._unpack("I", position + 8, top, encoding)[0], position + 12

    def _undefined(self, tag: int, vr: bytes, start: int, top: _Open, depth: int) -> _Step:
        encoding = top.encoding
        if tag == PIXEL_DATA and vr in (b"OB", b"OW"):
            kind = Kind.FRAGMENT
        elif vr in (b"SQ", b"UN", b""):
            kind = Kind.SEQUENCE
        else:
            raise Malformed(f"element {name(tag)} has no length")
        if vr == b"UN":  # holds implicit VR little endian, whatever is around it
            encoding = Encoding(implicit=True)
        opened = _Open(kind, tag, top.limit, False, encoding)
        return Token(Kind.SEQUENCE, tag, vr, depth, start, start, encoding), start, opened

    def _unpack(self, layout: str, position: int, top: _Open, encoding: Encoding) -> tuple[Any, ...]:
        structure = _structure(layout, encoding.big_endian)
        if position + structure.size > top.limit:
            raise Malformed("the data set ends inside the header of an element")
        try:
            return structure.unpack_from(self._data, position)
        except error:
            raise Malformed("the data set ends inside the header of an element") from None


def name(tag: int) -> str:
    """A tag as it is printed: (gggg,eeee)."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


@cache
def _structure(layout: str, big_endian: bool) -> Struct:
    return Struct((">" if big_endian else "<") + layout)


@cache
def _sequences() -> frozenset[int]:
    return frozenset(tag for tag, entry in DicomDictionary.items() if entry[0] == "SQ")
