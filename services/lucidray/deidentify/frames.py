"""The frames of an image as pictures to look at, one at a time: of a large object no more than that is in memory."""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.tag import Tag
from pydicom.uid import UID

from lucidray.deidentify.elements import text_of
from lucidray.deidentify.source import Source
from lucidray.imaging.elements import PIXEL_DATA, Malformed
from lucidray.imaging.levels import Element

Picture = npt.NDArray[Any]  # (y, x)

_DESCRIPTION = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)


class Frames:
    """The frames of an image.

    Parameters
    ----------
    source
        The object.
    header
        Of it, as `source.header()` gives it.
    """

    def __init__(self, source: Source, header: Dataset) -> None:
        self._source, self._header = source, header
        self._element = next((each for each in source.elements if each.tag == PIXEL_DATA), None)
        self.count = int(text_of(header, Tag("NumberOfFrames")) or 1)

    def pictures(self, index: int) -> list[Picture]:
        """A frame as pictures of one value a pixel: of colour, the brightest and the darkest of its samples.

        Raises
        ------
        Malformed
            There is no such frame.
        Exception
            Whatever a codec raises.
        """
        if self._element is None or not 0 <= index < self.count:
            raise Malformed("it has not the frames that it announces")
        encapsulated = self._element.after != self._element.end
        array = self._decoded(self._element, index) if encapsulated else self._native(self._element, index)
        return [array] if array.ndim == 2 else [array.max(-1), array.min(-1)]

    def _native(self, element: Element, index: int) -> Picture:
        read = self._header
        rows, columns, samples = int(read.Rows), int(read.Columns), int(read.get("SamplesPerPixel", 1))
        bits, signed = int(read.BitsAllocated), int(read.get("PixelRepresentation", 0))
        if bits not in (8, 16, 32):
            raise Malformed(f"its pixels are of {bits} bits")
        kind = np.dtype(f"{'>' if self._source.encoding.big_endian else '<'}{'i' if signed else 'u'}{bits // 8}")
        values = rows * columns * samples
        start = element.start + index * values * kind.itemsize
        frame = np.frombuffer(self._source.data, kind, values, start).copy()  # a mapped file must not be held
        if samples == 1:
            return frame.reshape(rows, columns)
        if int(read.get("PlanarConfiguration", 0)):
            return np.moveaxis(frame.reshape(samples, rows, columns), 0, -1)
        return frame.reshape(rows, columns, samples)

    def _decoded(self, element: Element, index: int) -> Picture:
        one = Dataset()
        for keyword in _DESCRIPTION:
            if keyword in self._header:
                setattr(one, keyword, self._header[keyword].value)
        one.PixelData = encapsulate([self._encoded(element, index)])
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = UID(self._source.transfer_syntax)
        array: Picture = get_decoder(one.file_meta.TransferSyntaxUID).as_array(one, raw=True)[0]
        return array

    def _encoded(self, element: Element, index: int) -> bytes:
        data, fragments = (
            self._source.data,
            list(self._source.levels.fragments(element))[1:],
        )  # the first is the offset table
        if len(fragments) == self.count:
            start, end = fragments[index]
            return bytes(data[start:end])
        if self.count == 1:
            return b"".join(bytes(data[start:end]) for start, end in fragments)
        return get_frame(bytes(data[element.start : element.end]), index, number_of_frames=self.count)
