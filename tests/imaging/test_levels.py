"""Reading level by level: the same elements as a walk finds, and Malformed where it does."""

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.sequence import Sequence
from tests.imaging.test_elements import ENCODINGS, LITTLE, encoded

from lucidray.imaging.elements import Encoding, Kind, Malformed, walk
from lucidray.imaging.levels import Element, Levels


def sample(undefined: bool) -> Dataset:
    inner = Dataset()
    inner.CodeMeaning = "inner"
    item = Dataset()
    item.CodeValue = "A"
    item.ConceptCodeSequence = Sequence([inner, Dataset()])
    dataset = Dataset()
    dataset.AnatomicRegionSequence = Sequence([item, item])
    for sequence in (dataset["AnatomicRegionSequence"], item["ConceptCodeSequence"]):
        sequence.is_undefined_length = undefined
        for each in sequence.value:
            each.is_undefined_length_sequence_item = undefined
    dataset.PatientID = "X1"
    dataset.Rows = 2
    return dataset


def everything(levels: Levels, elements: list[Element], depth: int = 0) -> Iterator[tuple[int, int, int, int]]:
    """All elements with values, as (tag, depth, start, end), in the order of the bytes."""
    for element in elements:
        if dictionary_VR(element.tag) == "SQ":
            for item in levels.items(element):
                yield from everything(levels, item, depth + 1)
        else:
            yield element.tag, depth, element.start, element.end


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("undefined", [False, True])
def test_finds_what_a_walk_finds(encoding: Encoding, undefined: bool) -> None:
    data = encoded(sample(undefined), encoding)
    levels = Levels(data)
    found = list(everything(levels, levels.elements(0, len(data), encoding)))
    walked = [
        (token.tag, token.depth, token.start, token.end) for token in walk(data, encoding) if token.kind is Kind.ELEMENT
    ]
    assert found == walked and len(found) == 6


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("undefined", [False, True])
def test_every_cut_inside_an_element_is_malformed(encoding: Encoding, undefined: bool) -> None:
    data = encoded(sample(undefined), encoding)
    whole = {0, *(element.after for element in Levels(data).elements(0, len(data), encoding))}
    for length in set(range(len(data))) - whole:
        with pytest.raises(Malformed):
            Levels(data[:length]).elements(0, length, encoding)


def test_a_child_must_not_outlive_its_parent() -> None:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 10) + struct.pack("<HH2sH", 8, 0x100, b"SH", 4) + b"ABCD"
    data = struct.pack("<HH2sHI", 8, 0x2218, b"SQ", 0, len(item)) + item + struct.pack("<HH2sH", 16, 32, b"LO", 0)
    levels = Levels(data)
    with pytest.raises(Malformed, match=r"\(0008,0100\) ends 2 bytes after"):
        list(levels.items(levels.elements(0, len(data), LITTLE)[0]))


def test_deep_nesting_is_refused() -> None:
    sequence = struct.pack("<HH2sHI", 8, 0x2218, b"SQ", 0, 0xFFFFFFFF)
    deep = (sequence + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)) * 5000
    with pytest.raises(Malformed, match="nested deeper than 32"):
        Levels(deep).elements(0, len(deep), LITTLE)


def test_fragments_are_passed_over() -> None:
    fragment = struct.pack("<HHI", 0xFFFE, 0xE000, 4) + b"\xfe\xff\xdd\xe0"
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF) + fragment * 3
    data = pixels + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    (element,) = Levels(data).elements(0, len(data), LITTLE)
    assert (element.end, element.after) == (len(pixels), len(data))


@given(st.binary(max_size=300), st.sampled_from(ENCODINGS))
def test_any_bytes_end_in_elements_or_malformed(data: bytes, encoding: Encoding) -> None:
    try:
        for element in Levels(data).elements(0, len(data), encoding):
            assert 0 <= element.begin < element.start <= element.end <= element.after <= len(data)
    except Malformed:
        pass


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_damaged_objects_end_in_elements_or_malformed(at: int, damage: bytes) -> None:
    data = bytearray(encoded(sample(True), LITTLE))
    at %= len(data)
    data[at : at + len(damage)] = damage
    levels = Levels(bytes(data))
    try:
        for element in levels.elements(0, len(data), LITTLE):
            if element.vr == b"SQ":
                list(levels.items(element))
    except Malformed:
        pass
