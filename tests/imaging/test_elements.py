"""Walking the structure of a data set: whole ones pass, everything else is Malformed."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from lucidray.imaging.elements import Encoding, Kind, Malformed, inflated, walk

LITTLE = Encoding()
ENCODINGS = [Encoding(), Encoding(implicit=True), Encoding(big_endian=True)]


def encoded(dataset: Dataset, encoding: Encoding) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = encoding.implicit, not encoding.big_endian
    write_dataset(buffer, dataset)
    return bytes(buffer.getvalue())


def sample(undefined: bool) -> Dataset:
    item = Dataset()
    item.CodeValue = "A"
    inner = Dataset()
    inner.CodeMeaning = "inner"
    item.ConceptCodeSequence = Sequence([inner])
    dataset = Dataset()
    dataset.PatientID = "X1"
    dataset.AnatomicRegionSequence = Sequence([item, item])
    dataset["AnatomicRegionSequence"].is_undefined_length = undefined
    item["ConceptCodeSequence"].is_undefined_length = undefined
    dataset.Rows = 2
    return dataset


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("undefined", [False, True])
def test_tells_tags_and_depth_in_order(encoding: Encoding, undefined: bool) -> None:
    tokens = list(walk(encoded(sample(undefined), encoding), encoding))
    elements = [(token.tag, token.depth) for token in tokens if token.kind is Kind.ELEMENT]
    item = [(0x00080100, 1), (0x00080104, 2)]
    assert elements == [*item, *item, (0x00100020, 0), (0x00280010, 0)]
    kinds = [token.kind for token in tokens]
    assert kinds.count(Kind.ITEM) == kinds.count(Kind.END_ITEM) == 4
    assert kinds.count(Kind.SEQUENCE) == kinds.count(Kind.END_SEQUENCE) == 3


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("undefined", [False, True])
def test_every_cut_inside_an_element_is_malformed(encoding: Encoding, undefined: bool) -> None:
    data = encoded(sample(undefined), encoding)
    whole = {0}
    position = 0
    for token in walk(data, encoding):
        if token.depth == 0 and token.kind in (Kind.ELEMENT, Kind.END_SEQUENCE):
            position = token.end
            whole.add(position)
    assert len(data) in whole
    for length in set(range(len(data))) - whole:
        with pytest.raises(Malformed):
            list(walk(data[:length], encoding))


def test_a_child_must_not_outlive_its_parent() -> None:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 10) + struct.pack("<HH2sH", 8, 0x100, b"SH", 4) + b"ABCD"
    sequence = struct.pack("<HH2sHI", 8, 0x2218, b"SQ", 0, len(item)) + item
    with pytest.raises(Malformed, match=r"\(0008,0100\) ends 2 bytes after"):
        list(walk(sequence + b"\0" * 100, LITTLE))


def test_deep_nesting_is_refused_not_recursed() -> None:
    sequence = struct.pack("<HH2sHI", 8, 0x2218, b"SQ", 0, 0xFFFFFFFF)
    deep = (sequence + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)) * 5000
    with pytest.raises(Malformed, match="nested deeper than 32"):
        list(walk(deep, LITTLE))


@given(st.binary(max_size=300), st.sampled_from(ENCODINGS))
def test_any_bytes_end_in_tokens_or_malformed(data: bytes, encoding: Encoding) -> None:
    try:
        for token in walk(data, encoding):
            assert 0 <= token.start <= token.end <= len(data)
    except Malformed:
        pass


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_damaged_objects_end_in_tokens_or_malformed(at: int, damage: bytes) -> None:
    data = bytearray(encoded(sample(True), LITTLE))
    at %= len(data)
    data[at : at + len(damage)] = damage
    try:
        for _ in walk(bytes(data), LITTLE):
            pass
    except Malformed:
        pass


def test_deflated_is_bounded() -> None:
    def deflated(data: bytes) -> bytes:
        deflator = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        return deflator.compress(data) + deflator.flush()

    assert inflated(deflated(b"x" * 1000), 1000) == b"x" * 1000
    with pytest.raises(Malformed, match="more than 999 bytes"):
        inflated(deflated(b"x" * 1000), 999)
    with pytest.raises(Malformed, match="more than"):
        inflated(deflated(bytes(50 << 20)), 1 << 20)
    with pytest.raises(Malformed, match="too early"):
        inflated(deflated(b"abc" * 500)[:-3], 10_000)
    with pytest.raises(Malformed, match="not a deflated"):
        inflated(io.BytesIO(b"\xff" * 50).getvalue(), 10_000)
