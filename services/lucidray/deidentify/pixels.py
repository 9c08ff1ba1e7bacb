"""What becomes of an object's pixels: looked at, cleaned of text, or a reason to keep the object back.

Ordinary slices of scanners are sampled. Whatever else may show text (gate.written_on) is kept back, or, where a
workflow wants it, cleaned: what the rules of its device and the regions of ultrasound exclude is blanked, and
every place of every frame that looks like text. Nothing here removes faces.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.tag import Tag

from lucidray.core.canonical import digest_bytes
from lucidray.core.errors import LucidrayError, Permanent, Refused
from lucidray.deidentify import gate
from lucidray.deidentify.blanking import NotCleanable, blanked
from lucidray.deidentify.elements import text_of
from lucidray.deidentify.frames import Frames, Picture
from lucidray.deidentify.regionrules import Mask, RegionRule, device_mask
from lucidray.deidentify.source import Source
from lucidray.deidentify.textmap import Found, find_text
from lucidray.imaging.levels import Buffer

SAMPLED = 64  # one slice in so many is looked at (a few of a series), beside the first of each series
SURE, SMALLEST_AREA = 0.6, 100  # certainty and pixels of a place that keeps a scanner's slice back
LARGEST_SHARE = 0.5  # of a picture: more is the picture's own texture, not a line
MARGIN = 4  # pixels blanked around what looks like text
_INK, _AROUND = 0.025, 6  # share of a place that has one exact value that is not around it; pixels that are around it


class TextFound(Refused):
    """An ordinary slice looks as if text were burned in."""


@dataclass(frozen=True)
class PixelPolicy:
    """What is done with pixels.

    Parameters
    ----------
    clean
        Clean what may show text, instead of keeping it back.
    rules
        Where devices write.
    heads
        Let scans go that may show a face.
    firsts
        SOPInstanceUIDs of the first slices of the series (firsts.firsts): they are looked at.
    """

    clean: bool = False
    rules: Sequence[RegionRule] = ()
    heads: bool = True
    firsts: Collection[str] = frozenset()

    def admit(self, data: Buffer, source: Source, header: Dataset, thing: str) -> tuple[Source, bool]:
        """The object, and whether its pixels were cleaned.

        Parameters
        ----------
        data, source, header
            The file, what it holds, and that for pydicom.
        thing
            Names it.

        Raises
        ------
        TextFound
            An ordinary slice looks as if it were written on: its whole series is suspect.
        Refused
            Its pixels may show text or a face, and are not to be or cannot be cleaned.
        Permanent
            Its pixels are not what it announces, or do not decode.
        """
        cause = gate.written_on(header, thing)
        gate.check_pixels(header, thing)
        if not self.heads:
            gate.check_head(header, thing)
        if cause and not self.clean:
            gate.check_class(header, thing)
        try:
            if not cause and self._is_sampled(header) and _shows_text(Frames(source, header)):
                cause = "it looks as if text were burned in"
                if not self.clean:
                    raise TextFound(thing, f"its pixels may show identity: {cause}", gate.REMEDY)
            return (self._cleaned(data, source, header), True) if cause else (source, False)
        except NotCleanable as error:
            raise Refused(thing, f"its pixels may show identity and cannot be cleaned: {error}", gate.REMEDY) from None
        except LucidrayError:
            raise
        except Exception as error:  # codecs raise what they like
            raise Permanent(thing, f"its pixels do not decode ({type(error).__name__})", "send it again") from None

    def _cleaned(self, data: Buffer, source: Source, header: Dataset) -> Source:
        mask = device_mask(header, self.rules) | text_mask(Frames(source, header))
        return Source.of(blanked(bytes(data), mask))

    def _is_sampled(self, header: Dataset) -> bool:
        """Whether an ordinary slice is looked at: the first of its series, one that has no number or many frames, and
        of the others some by their own UIDs, so that every replica and every re-send agrees."""
        if text_of(header, Tag("SOPClassUID")) not in gate.IMAGE_CLASSES:
            return False
        uid = text_of(header, Tag("SOPInstanceUID"))
        alone = not text_of(header, Tag("InstanceNumber")) or text_of(header, Tag("NumberOfFrames")) not in ("", "1")
        return alone or uid in self.firsts or int(digest_bytes(uid.encode())[:8], 16) % SAMPLED == 0


def text_mask(frames: Frames) -> Mask:
    """What looks like text in any frame, with a margin."""
    found = [
        each.box for index in range(frames.count) for picture in frames.pictures(index) for each in find_text(picture)
    ]
    mask = np.zeros(frames.pictures(0)[0].shape, dtype=bool)
    for top, left, bottom, right in found:
        mask[max(0, top - MARGIN) : bottom + MARGIN, max(0, left - MARGIN) : right + MARGIN] = True
    return mask


def _shows_text(frames: Frames) -> bool:
    """Whether the first, middle or last frame of a scanner's image has been written on."""
    looked_at = {0, frames.count // 2, frames.count - 1}
    return any(
        is_written(picture, found)
        for index in sorted(looked_at)
        for picture in frames.pictures(index)
        for found in find_text(picture)
    )


def is_written(picture: Picture, found: Found) -> bool:
    """Whether a place of a scanner's slice is text for sure: it looks so, is as large as a short word, and has ink:
    one exact value in many of its pixels and not around it, which measured values do not have."""
    top, left, bottom, right = found.box
    area = (bottom - top) * (right - left)
    if found.certainty < SURE or not SMALLEST_AREA <= area <= LARGEST_SHARE * picture.size:
        return False
    above, before = max(0, top - _AROUND), max(0, left - _AROUND)
    region = picture[above : bottom + _AROUND, before : right + _AROUND]
    inside = np.zeros(region.shape, bool)
    inside[top - above : bottom - above, left - before : right - before] = True
    values, of_value = np.unique(region, return_inverse=True)
    of_value = of_value.reshape(region.shape)
    within = np.bincount(of_value[inside], minlength=len(values)) / area
    around = np.bincount(of_value[~inside], minlength=len(values)) / max(1, (~inside).sum())
    return bool((within - around).max() >= _INK)
