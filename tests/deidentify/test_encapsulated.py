"""Compressed pixel data: names in comments and behind the end go, and the image does not change by a bit."""

import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_fragments
from pydicom.uid import UID, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless
from tests.deidentify.objects import ct_slice, parse, part10, through_engine

from lucidray.deidentify.codestream import unwanted, unwanted_in_run_lengths
from lucidray.deidentify.source import Source
from lucidray.imaging.elements import Malformed

NAME = b"MUSTERMANN^ERIKA"
IMAGE = np.random.default_rng(2).integers(0, 4000, (64, 64), dtype=np.uint16)
SYNTAXES = [JPEG2000Lossless, JPEGLSLossless, RLELossless]


def compressed(syntax: UID) -> Dataset:
    dataset = ct_slice(PixelRepresentation=0, Rows=64, Columns=64)
    dataset.add_new("PixelData", "OW", IMAGE.tobytes())
    dataset = parse(part10(dataset, UID("1.2.840.10008.1.2.1")))
    dataset.compress(syntax, generate_instance_uid=False)
    return dataset


def frame_of(dataset: Dataset) -> bytes:
    return b"".join(list(generate_fragments(dataset.PixelData))[1:])


def with_frame(dataset: Dataset, *fragments: bytes) -> bytes:
    syntax = dataset.file_meta.TransferSyntaxUID
    joined = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in (b"", *fragments))
    dataset.PixelData = joined
    dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
    return part10(dataset, syntax)


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def in_comment(frame: bytes) -> bytes:
    if frame.startswith(b"\xff\x4f"):
        return (
            frame[:2]
            + frame[2 : (end := 4 + int.from_bytes(frame[4:6], "big"))]
            + (segment(0x64, b"\0\1" + NAME) + frame[end:])
        )
    return frame[:2] + segment(0xFE, NAME) + segment(0xE1, b"Exif\0\0" + NAME) + frame[2:]


def behind_the_end(frame: bytes) -> bytes:
    return frame.rstrip(b"\0") + NAME


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_clean_image_passes_as_it_is(syntax: UID) -> None:
    dataset = compressed(syntax)
    pytest.importorskip("pylibjpeg")
    after = parse(through_engine(part10(dataset, syntax)))
    assert (after.pixel_array == IMAGE).all()


@pytest.mark.parametrize("syntax", SYNTAXES[:2])
@pytest.mark.parametrize("hide", [in_comment, behind_the_end])
@pytest.mark.parametrize("fragments", [1, 3])
def test_what_is_no_image_goes(syntax: UID, hide: Callable[[bytes], bytes], fragments: int) -> None:
    dataset = compressed(syntax)
    frame = hide(frame_of(dataset))
    frame += b"\0" * (len(frame) % 2)
    size = -(-len(frame) // fragments // 2) * 2
    data = with_frame(dataset, *(frame[at : at + size] for at in range(0, len(frame), size)))
    assert NAME in b"".join(list(generate_fragments(parse(data).PixelData)))
    output = through_engine(data)
    after = parse(output)
    assert NAME not in b"".join(generate_fragments(after.PixelData))
    assert len(output) > len(frame) and (after.pixel_array == IMAGE).all()


def test_comments_between_scans_are_found() -> None:
    scan = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\xff\x00\x34\xff\xd0\x56"
    frame = b"\xff\xd8" + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + scan + segment(0xFE, NAME) + scan + b"\xff\xd9"
    (change,) = unwanted(frame)
    assert frame[change.begin : change.end] == NAME


def test_application_data_that_are_needed_stay() -> None:
    adobe = segment(0xEE, b"Adobe\0d\0\0\0\0\1")
    scan = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12"
    assert unwanted(b"\xff\xd8" + adobe + scan + b"\xff\xd9\0") == []
    named = segment(0xEE, b"Adobe\0d\0\0\0\0\1" + NAME)
    assert len(unwanted(b"\xff\xd8" + named + scan + b"\xff\xd9")) == 1


FRAME = segment(0xC0, b"\x08\0\x10\0\x10\2\1\x11\0\2\x11\1")  # two components, of tables 0 and 1
SCAN = segment(0xDA, b"\2\1\0\2\0\0\x3f\0") + b"\x12"


@pytest.mark.parametrize("marker", [0x02, 0xBF, 0xC8, 0xE5, 0xF0, 0xF6, 0xF9, 0xFD])
def test_segments_that_are_of_no_image_go(marker: int) -> None:
    frame = b"\xff\xd8" + segment(marker, NAME) + FRAME + SCAN + b"\xff\xd9"
    (change,) = unwanted(frame)
    assert frame[change.begin : change.end] == NAME


def test_quantisation_tables_that_no_component_names_go() -> None:
    hidden, needed = (NAME * 8)[:64], bytes(range(1, 65))
    wide = b"\x11" + needed * 2  # number 1, 16 bits
    tables = segment(0xDB, b"\0" + needed + b"\3" + hidden + wide) + segment(0xDB, b"\x12" + hidden * 2)
    frame = b"\xff\xd8" + tables + FRAME + SCAN + b"\xff\xd9"
    changes = unwanted(frame)
    assert [frame[change.begin : change.end] for change in changes] == [hidden, hidden * 2]
    assert {change.filler for change in changes} == {b"\1"}
    lossless = frame.replace(b"\xff\xc0", b"\xff\xc3")  # quantises nothing
    assert len(unwanted(lossless)) == 4


def test_mapping_tables_of_jpeg_ls_that_no_scan_names_go() -> None:
    dataset = compressed(JPEGLSLossless)
    frame = frame_of(dataset)
    thresholds, mapping = segment(0xF8, b"\1" + bytes(10)), segment(0xF8, b"\2\5\1" + NAME)
    hidden = frame[:2] + mapping + frame[2:].rstrip(b"\0")
    hidden += b"\0" * (len(hidden) % 2)
    (change,) = unwanted(frame[:2] + thresholds + mapping + frame[2:])
    output = through_engine(with_frame(dataset, hidden))
    assert NAME in with_frame(dataset, hidden) and NAME not in output
    assert change.end - change.begin == len(NAME)
    named = bytearray(hidden)
    named[named.index(b"\xff\xda") + 6] = 5  # the scan's component is of table 5
    assert unwanted(bytes(named)) == unwanted(frame)
    for kind in (b"\1", b"\4", b"\x09"):
        (change,) = unwanted(frame[:2] + segment(0xF8, kind + NAME) + frame[2:])
        assert NAME in (frame[:2] + segment(0xF8, kind + NAME))[change.begin : change.end]


def test_a_segment_that_jpeg_2000_does_not_know_is_malformed() -> None:
    frame = frame_of(compressed(JPEG2000Lossless))
    end = 4 + int.from_bytes(frame[4:6], "big")
    for marker in (0x30, 0x6F, 0x74):
        with pytest.raises(Malformed, match="does not know"):
            unwanted(frame[:end] + segment(marker, NAME) + frame[end:])


@pytest.mark.parametrize(
    "frame",
    [b"", NAME, b"\xff\xd8", b"\xff\xd8" + NAME, b"\xff\xd8" + segment(0xDA, b"\0") + NAME, b"\xff\x4f\xff\x51\0\2"],
)
def test_what_is_no_code_stream_is_malformed(frame: bytes) -> None:
    with pytest.raises(Malformed):
        unwanted(frame)


def test_offset_tables_and_rle_headers_hold_no_text() -> None:
    dataset = compressed(RLELossless)
    frame = frame_of(dataset)
    hidden = frame[:32] + NAME + frame[48:]  # offsets of segments that are not there
    assert NAME not in through_engine(with_frame(dataset, hidden))
    dataset = compressed(JPEGLSLossless)
    table = struct.pack("<HHI", 0xFFFE, 0xE000, len(NAME)) + NAME
    dataset.PixelData = table + encapsulate([frame_of(dataset)], has_bot=False)[8:]
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(Malformed, match="offset table"):
        through_engine(part10(dataset, JPEGLSLossless))


@pytest.mark.parametrize("fragments", [1, 2])
def test_bytes_behind_runs_go(fragments: int) -> None:
    dataset = compressed(RLELossless)
    frame = frame_of(dataset)
    offset = int.from_bytes(frame[8:12], "little")  # of the second segment
    hidden = frame[:offset] + NAME + frame[offset:] + NAME
    hidden = hidden[:8] + (offset + len(NAME)).to_bytes(4, "little") + hidden[12:]
    size = -(-len(hidden) // fragments // 2) * 2
    data = with_frame(dataset, *(hidden[at : at + size] for at in range(0, len(hidden), size)))
    output = through_engine(data)
    assert NAME not in b"".join(list(generate_fragments(parse(output).PixelData))[1:])
    assert (parse(output).pixel_array == IMAGE).all()
    with pytest.raises(Malformed, match="not whole"):
        through_engine(with_frame(dataset, frame[: len(frame) // 4 * 2]))


def test_a_stream_that_is_not_of_its_transfer_syntax_is_malformed() -> None:
    dataset = compressed(JPEGLSLossless)
    data = with_frame(dataset, NAME)
    assert Source.of(data).transfer_syntax == JPEGLSLossless != JPEGBaseline8Bit
    with pytest.raises(Malformed, match="does not begin"):
        through_engine(data)


@given(st.binary(max_size=120), st.sampled_from([b"\xff\xd8", b"\xff\x4f\xff\x51", b"\2\0\0\0\x40\0\0\0", b""]))
def test_any_frame_ends_in_changes_or_malformed(frame: bytes, start: bytes) -> None:
    data = start + frame
    try:
        changes = list(unwanted_in_run_lengths(data, 64) if start.startswith(b"\2") else unwanted(data))
    except Malformed:
        return
    assert all(0 <= change.begin < change.end <= len(data) for change in changes)
