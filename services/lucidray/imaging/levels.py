"""One level of an encoded data set at a time: where its elements lie, without what they say (PS3.5 section 7).

`walk` visits all of a data set in the order of its bytes. A reader of levels enters only the
sequences that it is asked to enter, and touches no value: of a file that is mapped into memory,
only what is looked at is ever read.
"""

import mmap
from collections.abc import Iterator
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from lucidray.imaging.elements import (
    ITEM,
    ITEM_END,
    MAX_DEPTH,
    PIXEL_DATA,
    SEQUENCE_END,
    SHORT,
    UNDEFINED,
    Encoding,
    Malformed,
    name,
)

Buffer = bytes | memoryview

_LARGE = 1 << 16  # bytes: as much as a page fault brings in
_IMPLICIT_LITTLE = Encoding(implicit=True)
_ENDS = "the data set ends inside the header of an element"
# By byte order, big endian second: tag and length; tag, VR and short length; long length.
_TAG_LENGTH = (Struct("<HHI").unpack_from, Struct(">HHI").unpack_from)
_TAG_VR_LENGTH = (Struct("<HH2sH").unpack_from, Struct(">HH2sH").unpack_from)
_LENGTH = (Struct("<I").unpack_from, Struct(">I").unpack_from)


class Element(NamedTuple):
    """Where one element lies in the buffer."""

    tag: int
    vr: bytes  # empty in implicit VR
    begin: int  # of its header
    start: int  # of its value
    end: int  # of its value; if the length is undefined, where the delimiter begins
    after: int  # where the next element begins
    encoding: Encoding  # of the items in it, should it be a sequence


class Levels:
    """Reads the levels of a data set in `data`.

    Every method raises `Malformed` where something ends before it should, or is nested deeper
    than `max_depth`.
    """

    def __init__(self, data: Buffer, max_depth: int = MAX_DEPTH) -> None:
        self._data, self._max_depth = data, max_depth
        self._ends: dict[int, int] = {}  # of sequences without a length, by where their items begin

    def elements(self, start: int, limit: int, encoding: Encoding) -> list[Element]:
        """The elements of the level that is data[start:limit]."""
        found, position = [], start
        while position < limit:
            element = self._element(position, limit, encoding, 0)
            if element is None:
                raise Malformed("an item ends that did not begin")
            found.append(element)
            position = element.after
        return found

    def until(self, start: int, limit: int, encoding: Encoding, group: int) -> tuple[list[Element], int]:
        """The elements up to the first of a group beyond `group`, and where that one begins."""
        found, position = [], start
        while position + 2 <= limit and int.from_bytes(self._data[position : position + 2], "little") <= group:
            element = self._element(position, limit, encoding, 0)
            if element is None:
                raise Malformed("an item ends that did not begin")
            found.append(element)
            position = element.after
        return found, position

    def items(self, sequence: Element) -> Iterator[list[Element]]:
        """The items of a sequence: the elements of each."""
        position, limit = sequence.start, sequence.end
        while position < limit:
            start, end = self._item(position, limit, sequence.encoding)
            if end is None:
                found, position = self._delimited(start, limit, sequence.encoding, 0)
            else:
                found, position = self.elements(start, end, sequence.encoding), end
            yield found

    def fragments(self, pixels: Element) -> Iterator[tuple[int, int]]:
        """Where the contents of the items of encapsulated pixel data begin and end; the first is the offset table."""
        position = pixels.start
        while position < pixels.end:
            start, end = self._item(position, pixels.end, pixels.encoding)
            if end is None:
                raise Malformed("a fragment of pixel data has no length")
            yield start, end
            self._pass_over(start, end)
            position = end

    def _pass_over(self, begin: int, end: int) -> None:
        """Looking at a header brings some pages around it into memory: let those of a large value go again."""
        if end - begin > _LARGE:
            forget(self._data, begin, end)

    def _delimited(self, start: int, limit: int, encoding: Encoding, depth: int) -> tuple[list[Element], int]:
        """The elements of an item without a length, and what comes after its delimiter."""
        found, position = [], start
        while (element := self._element(position, limit, encoding, depth)) is not None:
            found.append(element)
            position = element.after
        return found, position + 8

    def _element(self, position: int, limit: int, encoding: Encoding, depth: int) -> Element | None:
        """The element at a position; None for the delimiter of an item."""
        start = position + 8
        if start > limit:
            raise Malformed(_ENDS)
        big = encoding.big_endian
        if encoding.implicit:
            vr = b""
            group, number, length = _TAG_LENGTH[big](self._data, position)
        else:
            group, number, vr, length = _TAG_VR_LENGTH[big](self._data, position)
            if vr not in SHORT and group != 0xFFFE:
                if not (vr.isalpha() and vr.isupper()):
                    raise Malformed(f"element {name(group << 16 | number)} has no value representation")
                start += 4
                if start > limit:
                    raise Malformed(_ENDS)
                (length,) = _LENGTH[big](self._data, position + 8)
        tag = group << 16 | number
        if group == 0xFFFE:
            if tag == ITEM_END:
                return None
            raise Malformed(f"{name(tag)} is where an element should be")
        inner = _IMPLICIT_LITTLE if vr == b"UN" else encoding  # PS3.5 section 6.2.2
        if length == UNDEFINED:
            end = self._end(tag, vr, start, limit, inner, depth)
            return Element(tag, vr, position, start, end, end + 8, inner)
        end = start + length
        if end > limit:
            raise Malformed(f"element {name(tag)} ends {end - limit} bytes after what holds it")
        return Element(tag, vr, position, start, end, end, inner)

    def _item(self, position: int, limit: int, encoding: Encoding) -> tuple[int, int | None]:
        """Where the content of an item begins, and ends if that is said."""
        try:
            group, number, length = _TAG_LENGTH[encoding.big_endian](self._data, position)
        except StructError:
            raise Malformed(_ENDS) from None
        if group << 16 | number != ITEM:
            raise Malformed("something else than an item is in a sequence")
        start = position + 8
        if length == UNDEFINED:
            return start, None
        if start + length > limit:
            raise Malformed(f"an item ends {start + length - limit} bytes after what holds it")
        return start, start + length

    def _end(self, tag: int, vr: bytes, start: int, limit: int, encoding: Encoding, depth: int) -> int:
        """Where the items or fragments of an element without a length end."""
        if vr not in (b"SQ", b"UN", b"") and not (tag == PIXEL_DATA and vr in (b"OB", b"OW")):
            raise Malformed(f"element {name(tag)} has no length")
        if depth >= self._max_depth:
            raise Malformed(f"sequences are nested deeper than {self._max_depth}")
        end = self._ends.get(start)
        if end is None:
            end = self._ends[start] = self._delimiter(start, limit, encoding, depth + 1)
        return end

    def _delimiter(self, start: int, limit: int, encoding: Encoding, depth: int) -> int:
        position, big = start, encoding.big_endian
        while position + 8 <= limit:
            group, number, _ = _TAG_LENGTH[big](self._data, position)
            if group << 16 | number == SEQUENCE_END:
                return position
            content, end = self._item(position, limit, encoding)
            if end is None:
                position = self._delimited(content, limit, encoding, depth)[1]
            else:
                self._pass_over(content, end)
                position = end
        raise Malformed(_ENDS)


def forget(data: Buffer, begin: int, end: int) -> None:
    """Let bytes of a mapped file go out of memory again, with what a page fault brought in before them; they are read
    anew if they are looked at once more."""
    if isinstance(data, memoryview) and isinstance(data.obj, mmap.mmap):
        page = max(begin - _LARGE, 0) // mmap.PAGESIZE * mmap.PAGESIZE
        data.obj.madvise(mmap.MADV_DONTNEED, page, end - page)
