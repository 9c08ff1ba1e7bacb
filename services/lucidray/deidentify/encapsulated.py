"""Pixel data on its way through: native as it lies, compressed without what is no image in it (PS3.5 annex A.4)."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from pydicom.tag import Tag
from pydicom.uid import RLELossless

from lucidray.deidentify.cleaned import Span
from lucidray.deidentify.codestream import (
    Change,
    begins_code_stream,
    begins_run_lengths,
    unwanted,
    unwanted_in_run_lengths,
)
from lucidray.deidentify.source import Source
from lucidray.imaging.elements import Malformed
from lucidray.imaging.levels import Element, forget

_ROWS, _COLUMNS = int(Tag("Rows")), int(Tag("Columns"))
_BEGINNING = 64  # bytes of a fragment that tell whether a frame begins in it


def pixel_parts(source: Source, pixels: Element) -> Iterator[bytes | Span]:
    """The parts of an element of pixel data.

    Raises
    ------
    Malformed
        A compressed frame is not what its transfer syntax says, or not whole.
    """
    changes = [] if pixels.after == pixels.end else sorted(_changes(source, pixels))
    position = pixels.begin
    for begin, end, filler in changes:
        yield from (Span(position, begin), filler * (end - begin))
        position = end
    yield Span(position, pixels.after)


def _changes(source: Source, element: Element) -> Iterator[Change]:
    """What is overwritten in the source."""
    (first, *fragments) = [Span(*fragment) for fragment in source.levels.fragments(element)] or [Span(0, 0)]
    if not _is_offset_table(source, first):
        raise Malformed("the offset table of compressed pixel data is none")
    run_lengths = source.transfer_syntax == RLELossless
    pixels = _number(source, _ROWS) * _number(source, _COLUMNS)
    for frame in _frames(source, fragments, begins_run_lengths if run_lengths else begins_code_stream):
        content = b"".join(source.data[begin:end] for begin, end in frame)
        for change in unwanted_in_run_lengths(content, pixels) if run_lengths else unwanted(content):
            yield from _placed(frame, change)
        forget(source.data, frame[0].begin, frame[-1].end)


def _frames(source: Source, fragments: Sequence[Span], begins: Callable[[bytes], bool]) -> Iterator[list[Span]]:
    """Fragments by frame: one begins where its first bytes say so."""
    frame: list[Span] = []
    for fragment in fragments:
        if frame and begins(bytes(source.data[fragment.begin : min(fragment.begin + _BEGINNING, fragment.end)])):
            yield frame
            frame = []
        frame.append(fragment)
    if frame:
        yield frame


def _number(source: Source, tag: int) -> int:
    """Value of an attribute of VR US; 0 if it is not there."""
    value = next((source.data[each.start : each.end] for each in source.elements if each.tag == tag), b"")
    return int.from_bytes(value, "little")  # compressed objects are


def _placed(frame: Sequence[Span], change: Change) -> Iterator[Change]:
    """A change of a frame as changes of its fragments."""
    offset = 0
    for fragment in frame:
        size = fragment.end - fragment.begin
        start, stop = max(change.begin - offset, 0), min(change.end - offset, size)
        if start < stop:
            yield Change(fragment.begin + start, fragment.begin + stop, change.filler)
        offset += size


def _is_offset_table(source: Source, item: Span) -> bool:
    """Whether an item is empty or holds offsets, which only rise (PS3.5 annex A.4)."""
    data = bytes(source.data[item.begin : item.end])
    offsets = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
    return len(data) % 4 == 0 and offsets[:1] in ([], [0]) and all(one < other for one, other in pairwise(offsets))
