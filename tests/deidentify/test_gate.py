from typing import Any

import pytest
from tests.deidentify.objects import ct_slice

from lucidray.core.errors import Permanent, Refused
from lucidray.deidentify.gate import check_class, check_head, check_pixels


def test_images_of_scanners_come_in() -> None:
    check_class(ct_slice(BurnedInAnnotation="NO"), "object")
    check_class(ct_slice(ImageType=["DERIVED", "SECONDARY", "MPR"]), "object")
    check_class(ct_slice(SOPClassUID="1.2.840.10008.5.1.4.1.1.481.3", ImageType=None), "object")


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "Secondary Capture"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "Ultrasound"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"}, "Encapsulated PDF"),
        ({"SOPClassUID": "1.2.3.4711"}, "unregistered"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "screen save"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "DOSE_INFO"], "BurnedInAnnotation": "NO"}, "screen save"),
        ({"BurnedInAnnotation": "YES"}, "BurnedInAnnotation"),
        ({"ConversionType": "DF"}, "digitised"),
        ({"PhotometricInterpretation": "RGB"}, "colour"),
    ],
)
def test_what_may_show_text_is_refused(changes: dict[str, Any], cause: str) -> None:
    with pytest.raises(Refused, match=cause) as refusal:
        check_class(ct_slice(**changes), "object 7")
    assert "4711" not in str(refusal.value)


def test_pixels_are_as_many_as_the_image_is_large() -> None:
    check_pixels(ct_slice(), "object")
    check_pixels(ct_slice(SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2"), "object")
    for changes in ({"Rows": 9}, {"NumberOfFrames": 2}, {"Rows": 7}):
        with pytest.raises(Permanent, match="128 bytes of pixel data"):
            check_pixels(ct_slice(**changes), "object")
    dataset = ct_slice()
    del dataset.PixelData
    with pytest.raises(Permanent, match="without pixel data"):
        check_pixels(dataset, "object")


@pytest.mark.parametrize("kind", ["481.3", "66.1", "67"])
def test_objects_without_an_image_have_no_pixels(kind: str) -> None:
    dataset = ct_slice(SOPClassUID=f"1.2.840.10008.5.1.4.1.1.{kind}")
    with pytest.raises(Refused, match="have no pixels"):
        check_pixels(dataset, "object")
    del dataset.PixelData
    check_pixels(dataset, "object")


def test_bytes_behind_the_pixels_of_derived_objects_are_seen() -> None:
    for kind in ("481.2", "66.4"):
        dataset = ct_slice(SOPClassUID=f"1.2.840.10008.5.1.4.1.1.{kind}")
        dataset.PixelData += b"NAME"
        with pytest.raises(Permanent, match="132 bytes of pixel data"):
            check_pixels(dataset, "object")


def test_overlays_in_pixel_bits_are_refused() -> None:
    dataset = ct_slice()
    dataset.add_new(0x60000100, "US", 16)
    with pytest.raises(Refused, match="overlay"):
        check_class(dataset, "object")
    dataset.add_new(0x60003000, "OW", b"\0\0")
    check_class(dataset, "object")


@pytest.mark.parametrize("part", ["HEAD", "HEADNECK", "BRAIN", "NECK", "WHOLEBODY", "EAR", "IAC", "", None])
def test_heads_and_what_says_nothing_are_kept_back_where_faces_matter(part: str | None) -> None:
    with pytest.raises(Refused, match="faces are not removed"):
        check_head(ct_slice(BodyPartExamined=part), "object")


def test_a_picture_of_a_rendering_is_asked_too() -> None:
    for part in ("FACE", ""):
        with pytest.raises(Refused, match="faces are not removed"):
            check_head(ct_slice(SOPClassUID="1.2.840.10008.5.1.4.1.1.7", BodyPartExamined=part), "object")


@pytest.mark.parametrize("part", ["CHEST", "ABDOMEN", "HEART", "ILIAC", "LEG", "THIGH"])
def test_other_parts_may_go(part: str) -> None:
    check_head(ct_slice(BodyPartExamined=part), "object")
