import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import dcmread
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from tests.deidentify.objects import part10
from tests.deidentify.pictures import byte, compressed, image, written

from lucidray.deidentify.blanking import NotCleanable, blanked

MASK = np.zeros((40, 50), bool)
MASK[3:12, 5:30] = True
RNG = np.random.default_rng(5)


def native(data: bytes) -> npt.NDArray[Any]:
    dataset = dcmread(io.BytesIO(data))
    array: npt.NDArray[Any] = dataset.pixel_array
    return array


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("kind", ["u1", "<u2", "<i2", "<u4"])
def test_masked_pixels_become_the_darkest_and_others_stay(kind: str, syntax: Any) -> None:
    pixels = RNG.integers(20, 100, (2, 40, 50)).astype(kind)
    after = native(blanked(part10(image(pixels), syntax), MASK))
    assert (after[:, ~MASK] == pixels[:, ~MASK]).all()
    assert (after[0][MASK] == pixels[0].min()).all() and (after[1][MASK] == pixels[1].min()).all()


def test_big_endian_pixels() -> None:
    pixels = RNG.integers(300, 2000, (40, 50)).astype(">u2")
    dataset = image(pixels)
    data = part10(dataset, ExplicitVRBigEndian)
    after = native(blanked(data, MASK))
    assert (after[~MASK] == native(data)[~MASK]).all() and len(set(after[MASK])) == 1


@pytest.mark.parametrize(("photometric", "black"), [("RGB", (0, 0, 0)), ("YBR_FULL", (0, 128, 128))])
@pytest.mark.parametrize("planar", [0, 1])
def test_colours(photometric: str, black: tuple[int, int, int], planar: int) -> None:
    pixels = RNG.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    stored = np.moveaxis(pixels, -1, 0) if planar else pixels
    dataset = image(pixels, PhotometricInterpretation=photometric, PlanarConfiguration=planar)
    dataset.PixelData = stored.tobytes()
    after = dcmread(io.BytesIO(blanked(part10(dataset, ExplicitVRLittleEndian), MASK)))
    flat = np.frombuffer(after.PixelData, np.uint8)
    shaped = np.moveaxis(flat.reshape(3, 40, 50), 0, -1) if planar else flat.reshape(40, 50, 3)
    assert (shaped[~MASK] == pixels[~MASK]).all() and (shaped[MASK] == black).all()


def test_inverted_grey_turns_black_too() -> None:
    pixels = RNG.integers(0, 200, (40, 50)).astype(np.uint8)
    data = part10(image(pixels, PhotometricInterpretation="MONOCHROME1"), ExplicitVRLittleEndian)
    assert (native(blanked(data, MASK))[MASK] == pixels.max()).all()


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_compressed_pixels_are_stored_native_and_described_so(syntax: str) -> None:
    picture, _ = written("tomogram", 3, shape=(40, 50))
    pixels = byte(picture)
    after = dcmread(io.BytesIO(blanked(compressed(image(pixels), syntax), MASK)))
    assert after.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (after.pixel_array[~MASK] == pixels[~MASK]).all() and (after.pixel_array[MASK] == pixels.min()).all()
    assert len(after.PixelData) == 2000 and after.BurnedInAnnotation == "NO"


def test_an_overlay_in_unused_bits_goes() -> None:
    values = RNG.integers(0, 4096, (40, 50)).astype("<u2")
    hidden = (values | (RNG.integers(0, 2, values.shape) << 15)).astype("<u2")
    data = part10(image(hidden, BitsStored=12, HighBit=11), ExplicitVRLittleEndian)
    after = dcmread(io.BytesIO(blanked(data, np.zeros((40, 50), bool))))
    assert (np.frombuffer(after.PixelData, "<u2").reshape(40, 50) == values).all()


@pytest.mark.parametrize(
    "changes",
    [{"PhotometricInterpretation": "PALETTE COLOR"}, {"BitsStored": 6, "HighBit": 7}, {"BitsAllocated": 1}],
)
def test_what_cannot_be_blanked_is_named(changes: dict[str, Any]) -> None:
    data = part10(image(np.zeros((40, 50), np.uint8), **changes), ExplicitVRLittleEndian)
    with pytest.raises(NotCleanable):
        blanked(data, MASK)
