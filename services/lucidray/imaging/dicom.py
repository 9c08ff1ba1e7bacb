"""Reading DICOM objects of any sender, without failing on what does not matter here."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, config, dcmread
from pydicom.multival import MultiValue
from pydicom.uid import (
    CTImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    RTStructureSetStorage,
)

from lucidray.core.errors import Permanent

IMAGE_CLASSES = frozenset({CTImageStorage, PositronEmissionTomographyImageStorage, MRImageStorage})
STRUCTURE_CLASS = RTStructureSetStorage


@contextmanager
def tolerant() -> Iterator[None]:
    """Read element values as they are: real scans break length and character rules of value
    representations everywhere; what a step depends on, it checks itself."""
    before = config.settings.reading_validation_mode
    config.settings.reading_validation_mode = config.IGNORE
    try:
        yield
    finally:
        config.settings.reading_validation_mode = before


def read_object(data: bytes, thing: str, *, pixels: bool = True) -> Dataset:
    """A DICOM Part 10 file; use its elements under `tolerant()`.

    Raises
    ------
    Permanent
        It cannot be read; the message names `thing` and never quotes the file.
    """
    try:
        return dcmread(io.BytesIO(data), stop_before_pixels=not pixels)
    except Exception as error:  # pydicom raises seven kinds on broken files, with no common base
        raise Permanent(
            thing, f"an object does not read as DICOM ({type(error).__name__})", "send the study again"
        ) from None


def stored_values(dataset: Dataset, thing: str) -> npt.NDArray[Any]:
    """Stored pixel values (y, x) of a single-frame greyscale image, decompressed.

    Raises
    ------
    Permanent
        The pixels are truncated, not greyscale, several frames, or in a transfer syntax without a decoder.
    """
    remedy = "send the series again, uncompressed if it is compressed"
    if int(value(dataset, "SamplesPerPixel", 1)) != 1 or int(value(dataset, "NumberOfFrames", 1) or 1) != 1:
        raise Permanent(thing, "it is a colour or a multi-frame image", "send the original single-frame images")
    try:
        array: npt.NDArray[Any] = dataset.pixel_array
    except Exception as error:  # decoders raise what they like
        raise Permanent(thing, f"its pixels do not decode ({type(error).__name__})", remedy) from None
    if array.shape != (dataset.Rows, dataset.Columns):
        raise Permanent(thing, "its pixels do not fill Rows x Columns", remedy)
    return np.asarray(array)


def value(dataset: Dataset, keyword: str, default: Any = None) -> Any:
    """Value of an element; `default` if it is absent, empty or does not parse."""
    try:
        found = dataset.get(keyword)
    except (ValueError, TypeError, OverflowError):
        return default
    return default if found is None or found == "" else found


def number(dataset: Dataset, keyword: str) -> float | None:
    """A finite number, or None if the element is absent, empty or not one number."""
    try:
        parsed = float(value(dataset, keyword, "nan"))
    except (TypeError, ValueError):
        return None
    return parsed if np.isfinite(parsed) else None


def numbers(dataset: Dataset, keyword: str, count: int) -> list[float] | None:
    """`count` finite numbers, or None if the element does not hold just these."""
    try:
        parsed = [float(item) for item in value(dataset, keyword, ())]
    except (TypeError, ValueError):
        return None
    return parsed if len(parsed) == count and bool(np.all(np.isfinite(parsed))) else None


def text(dataset: Dataset, keyword: str) -> str:
    """A value as text, several joined by a backslash as in the file; empty if absent."""
    found = value(dataset, keyword, "")
    if isinstance(found, MultiValue):
        return "\\".join(str(item) for item in found)
    return str(found).strip()  # a person name, too, could be iterated: over its letters
