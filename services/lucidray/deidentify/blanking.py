"""Blanking: pixels of an image are overwritten in their own encoding; compressed ones are decoded and stay so."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.filewriter import dcmwrite

from lucidray.deidentify import dicomfile
from lucidray.deidentify.regionrules import Mask

# What black is, by photometric interpretation (PS3.3 C.7.6.3.1.2); of grey, the darkest that the frame has.
_BLACK = {"RGB": (0, 0, 0), "YBR_FULL": (0, 128, 128)}


class NotCleanable(Exception):
    """The pixels are of a kind that cannot be blanked here. The text says which; it quotes nothing."""


def blanked(data: bytes, mask: Mask) -> bytes:
    """The file with the masked pixels of every frame black, unused bits of all pixels zero, pixel data native.

    Raises
    ------
    NotCleanable
        Its pixels are of another kind than grey, RGB or YBR_FULL of 8, 16 or 32 bits.
    Exception
        Whatever a codec raises.
    """
    dataset = dicomfile.read(data)
    if dicomfile.transfer_syntax(dataset).is_compressed:
        dataset.decompress(generate_instance_uid=False)
    pixels = _without_unused_bits(dataset, _pixels(dataset))
    black = str(dataset.PhotometricInterpretation)
    for frame in pixels:
        if black in _BLACK:
            frame[mask] = _BLACK[black]
        elif black in ("MONOCHROME1", "MONOCHROME2"):
            frame[mask] = frame.max() if black == "MONOCHROME1" else frame.min()
        else:
            raise NotCleanable(f"its colours are {black}")
    _store(dataset, pixels)
    dataset.BurnedInAnnotation = "NO"
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _pixels(dataset: Dataset) -> npt.NDArray[Any]:
    """A copy of the pixels: (frame, y, x) or (frame, y, x, sample)."""
    bits, samples = int(dataset.BitsAllocated), int(dataset.SamplesPerPixel)
    if bits not in (8, 16, 32):
        raise NotCleanable(f"its pixels are of {bits} bits")
    kind = _kind(dataset)
    frames, rows, columns = int(dataset.get("NumberOfFrames") or 1), int(dataset.Rows), int(dataset.Columns)
    values = frames * rows * columns * samples
    flat = np.frombuffer(dataset.PixelData, kind, values).copy()
    if samples == 1:
        return flat.reshape(frames, rows, columns)
    if int(dataset.get("PlanarConfiguration", 0)):
        return np.moveaxis(flat.reshape(frames, samples, rows, columns), 1, -1)
    return flat.reshape(frames, rows, columns, samples)


def _kind(dataset: Dataset) -> np.dtype[Any]:
    little = dataset.original_encoding[1] is not False
    letter = "i" if int(dataset.get("PixelRepresentation", 0)) else "u"
    return np.dtype(f"{'<' if little else '>'}{letter}{int(dataset.BitsAllocated) // 8}")


def _without_unused_bits(dataset: Dataset, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Bits above the stored ones once held overlays (retired)."""
    unused = int(dataset.BitsAllocated) - int(dataset.BitsStored)
    if unused and int(dataset.HighBit) == int(dataset.BitsStored) - 1:
        return np.asarray(np.right_shift(np.left_shift(pixels, unused), unused))
    if unused:
        raise NotCleanable("its stored bits are not the lowest")
    return pixels


def _store(dataset: Dataset, pixels: npt.NDArray[Any]) -> None:
    planar = pixels.ndim == 4 and int(dataset.get("PlanarConfiguration", 0))
    raw = (np.moveaxis(pixels, -1, 1) if planar else pixels).astype(_kind(dataset), copy=False).tobytes()
    word = "OB" if int(dataset.BitsAllocated) == 8 and not dataset.original_encoding[0] else "OW"
    dataset["PixelData"].VR = word
    dataset.PixelData = raw + bytes(len(raw) % 2)
