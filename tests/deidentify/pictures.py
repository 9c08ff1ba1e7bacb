"""Pictures with text in them, as DICOM objects."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from tests.deidentify.objects import ct_slice, item, items, parse, part10

from lucidray.phantom import backdrop
from lucidray.phantom.lettering import Line, burn

ULTRASOUND, SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.7"
FONTS = [None]  # Pillow's own: there on every machine, and the detector never saw it in training


def written(kind: str, seed: int, lines: int = 4, shape: tuple[int, int] = (256, 320)) -> tuple[Any, list[Line]]:
    """A picture, values 0 to 1, and the lines of text in it."""
    rng = np.random.default_rng(seed)
    return burn(backdrop.KINDS[kind](rng, shape), rng, FONTS, lines, (12, 32))


def image(pixels: npt.NDArray[Any], **changes: Any) -> Dataset:
    """An object with these pixels: (y, x), (y, x, sample) or (frame, y, x), as they are to be stored."""
    samples = 3 if pixels.shape[-1] == 3 else 1
    shape = pixels.shape[:-1] if samples == 3 else pixels.shape
    bits = 8 * pixels.dtype.itemsize
    described = {
        "Rows": shape[-2],
        "Columns": shape[-1],
        "NumberOfFrames": shape[0] if len(shape) == 3 else None,
        "SamplesPerPixel": samples,
        "PlanarConfiguration": 0 if samples == 3 else None,
        "PhotometricInterpretation": "RGB" if samples == 3 else "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
    }
    dataset = ct_slice(**(described | changes))
    data = pixels.tobytes()
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    dataset.PixelData = data + bytes(len(data) % 2)
    return dataset


def ultrasound(pixels: npt.NDArray[Any], region: tuple[int, int, int, int] | None = None) -> Dataset:
    """An ultrasound image; `region` is top, left, bottom, right, inclusive as DICOM has it."""
    dataset = image(pixels, SOPClassUID=ULTRASOUND, Modality="US", RescaleIntercept=None, RescaleSlope=None)
    if region:
        top, left, bottom, right = region
        place = item(
            RegionSpatialFormat=1,
            RegionDataType=1,
            RegionFlags=0,
            RegionLocationMinX0=left,
            RegionLocationMinY0=top,
            RegionLocationMaxX1=right,
            RegionLocationMaxY1=bottom,
        )
        dataset.SequenceOfUltrasoundRegions = items(place)
    return dataset


def byte(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """0 to 1 as bytes."""
    return np.asarray(picture.clip(0, 1) * 255, dtype=np.uint8)


def compressed(dataset: Dataset, syntax: str) -> bytes:
    """The file of an object in a compressed transfer syntax."""
    native = parse(part10(dataset, ExplicitVRLittleEndian))
    native.compress(syntax, generate_instance_uid=False)
    buffer = io.BytesIO()
    native.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
