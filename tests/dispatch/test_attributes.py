"""What dispatch remembers of headers that break the rules."""

import io

import pytest
from pydicom import config, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from tests.dispatch.test_closing import KEY, part10

from lucidray.core.errors import Permanent
from lucidray.dispatch.attributes import SELECTABLE, read_header, unreadable_header


def with_raw(data: bytes, keyword: str, vr: str, value: bytes) -> bytes:
    """The file with one element whose bytes are as they are."""
    dataset = dcmread(io.BytesIO(data))
    tag = Tag(keyword)
    dataset._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    buffer = io.BytesIO()
    before = config.settings.writing_validation_mode
    config.settings.writing_validation_mode = config.IGNORE
    try:
        dataset.save_as(buffer)
    finally:
        config.settings.writing_validation_mode = before
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("keyword", "vr", "value", "read"),
    [
        ("SliceThickness", "FD", b"1234", ""),
        ("SliceThickness", "DS", b"1,5 ", "1,5"),
        ("SeriesNumber", "IS", b"12a ", "12a"),
        ("Rows", "US", b"1", ""),
        ("SeriesDescription", "OB", b"DOE^", ""),
    ],
)
def test_an_attribute_that_breaks_its_rules_leaves_the_others(keyword: str, vr: str, value: bytes, read: str) -> None:
    good = read_header(part10(1), KEY)
    header = read_header(with_raw(part10(1), keyword, vr, value), KEY)
    assert header == {**good, keyword: read}
    assert header["problem"] == ""


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("StructureSetROISequence", "OB", b"GTV1"),
        ("Modality", "FD", b"CT"),
        ("PatientID", "OB", b"ID-SECRET "),
        ("PatientBirthDate", "FD", b"1970"),
        ("SeriesInstanceUID", "OB", b"1.2.3.0\0"),
    ],
)
def test_what_decides_and_does_not_read_is_a_problem_and_not_a_missing_value(
    keyword: str, vr: str, value: bytes
) -> None:
    header = read_header(with_raw(part10(1), keyword, vr, value), KEY)
    assert header["problem"] == f"{keyword} cannot be read"


def test_an_object_without_any_header_has_the_same_fields() -> None:
    with pytest.raises(Permanent) as caught:
        read_header(b"not DICOM", KEY)
    header = unreadable_header(caught.value)
    assert set(header) == set(read_header(part10(1), KEY)) >= set(SELECTABLE)
    assert "does not read as DICOM" in header["problem"]
