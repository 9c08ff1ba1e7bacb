"""Pixel data on its way through: native as it lies, compressed without what is no image in it (PS3.5 annex A.4)."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from pydicom.uid import RLELossless

from lucidray.deidentify.cleaned import Span
from lucidray.deidentify.codestream import FRAME_STARTS, unwanted
from lucidray.deidentify.source import Source, forget
from lucidray.imaging.elements import Malformed
from lucidray.imaging.levels import Element

_RLE_HEADER, _RLE_MOST_SEGMENTS = 64, 15  # PS3.5 annex G.5


def pixel_parts(source: Source, pixels: Element) -> Iterator[bytes | Span]:
    """The parts of an element of pixel data.

    Raises
    ------
    Malformed
        A compressed frame is not what its transfer syntax says, or not whole.
    """
    changes = [] if pixels.after == pixels.end else sorted(_changes(source, pixels))
    position = pixels.begin
    for begin, end in changes:
        yield from (Span(position, begin), bytes(end - begin))
        position = end
    yield Span(position, pixels.after)


def _changes(source: Source, pixels: Element) -> Iterator[Span]:
    """What is overwritten by zeros."""
    (first, *fragments) = [Span(*fragment) for fragment in source.levels.fragments(pixels)] or [Span(0, 0)]
    if not _is_offset_table(source, first):
        raise Malformed("the offset table of compressed pixel data is none")
    if source.transfer_syntax == RLELossless:
        for number, fragment in enumerate(fragments):
            yield from _rle(source, fragment, is_first=number == 0)
        return
    for frame in _frames(source, fragments):
        content = b"".join(source.data[begin:end] for begin, end in frame)
        for begin, end in unwanted(content):
            yield from _placed(frame, begin, end)
        forget(source.data, frame[0].begin, frame[-1].end)


def _frames(source: Source, fragments: Sequence[Span]) -> Iterator[list[Span]]:
    """Fragments by frame: one begins where a code stream does."""
    frame: list[Span] = []
    for fragment in fragments:
        begins = bytes(source.data[fragment.begin : fragment.begin + 2]) in FRAME_STARTS
        if begins and frame:
            yield frame
            frame = []
        frame.append(fragment)
    if frame:
        yield frame


def _placed(frame: Sequence[Span], begin: int, end: int) -> Iterator[Span]:
    """Bytes of a frame as bytes of its fragments."""
    offset = 0
    for fragment in frame:
        size = fragment.end - fragment.begin
        start, stop = max(begin - offset, 0), min(end - offset, size)
        if start < stop:
            yield Span(fragment.begin + start, fragment.begin + stop)
        offset += size


def _is_offset_table(source: Source, item: Span) -> bool:
    """Whether an item is empty or holds offsets, which only rise (PS3.5 annex A.4)."""
    data = bytes(source.data[item.begin : item.end])
    offsets = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
    return len(data) % 4 == 0 and offsets[:1] in ([], [0]) and all(one < other for one, other in pairwise(offsets))


def _rle(source: Source, fragment: Span, *, is_first: bool) -> Iterator[Span]:
    """The offsets in a header that no segment has. A fragment without a header goes on with the frame before it."""
    header = bytes(source.data[fragment.begin : fragment.begin + _RLE_HEADER])
    segments = int.from_bytes(header[:4], "little")
    if len(header) == _RLE_HEADER and 1 <= segments <= _RLE_MOST_SEGMENTS:
        used = 4 * (segments + 1)
        if header[used:].strip(b"\0"):
            yield Span(fragment.begin + used, fragment.begin + _RLE_HEADER)
    elif is_first:
        raise Malformed("a compressed frame does not begin as its transfer syntax says")
