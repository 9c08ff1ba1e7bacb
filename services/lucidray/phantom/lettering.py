"""Burned-in text: pictures with letters in them, and where."""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from lucidray.phantom.backdrop import Picture, Rng

_LATIN = string.ascii_letters + string.digits
_UPPER = string.ascii_uppercase + string.digits
_OTHERS = "ÄÖÜäöüßéèçñøåАБВГДЕЖЗИКЛМНОПРСТУФабвгдежзиклмнΑΒΓΔΕΖΗΘαβγδ患者姓名医院日期号年月山田太郎検査"
MARGIN = 1  # pixels around a line's ink that count as text


@dataclass(frozen=True)
class Line:
    """One line of text; the box bounds its ink: top, left, bottom, right, the last two exclusive."""

    text: str
    box: tuple[int, int, int, int]

    @property
    def height(self) -> int:
        """Of the ink, pixels."""
        return self.box[2] - self.box[0]


def words(rng: Rng, *, others: bool = True) -> str:
    """What scanners burn in: names, numbers, dates, times, phrases."""
    kind = int(rng.integers(0, 7 if others else 6))
    digits = "".join(rng.choice(list(string.digits), int(rng.integers(2, 10))))
    return [
        lambda: f"{_word(rng, _UPPER, 3, 9)}, {_word(rng, _LATIN, 3, 8)}",
        lambda: (
            f"{rng.integers(1, 29):02d}{rng.choice(list('./-'))}{rng.integers(1, 13):02d}.{rng.integers(1920, 2030)}"
        ),
        lambda: f"{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}:{rng.integers(0, 60):02d}",
        lambda: f"{_word(rng, _LATIN, 2, 6)}: {digits}",
        lambda: " ".join(_word(rng, string.ascii_letters, 1, 9) for _ in range(int(rng.integers(1, 5)))),
        lambda: f"{_word(rng, _UPPER, 1, 4)}{rng.choice(list('-/# '))}{digits}",
        lambda: _word(rng, _OTHERS, 2, 8),
    ][kind]()


def burn(
    picture: Picture, rng: Rng, fonts: Sequence[Path | None], lines: int, heights: tuple[int, int] = (8, 40)
) -> tuple[Picture, list[Line]]:
    """The picture with lines of text in it that do not overlap.

    Parameters
    ----------
    picture
        Values 0 to 1, (y, x).
    fonts
        TrueType files to draw from; None is Pillow's own font.
    lines
        How many to try; one that finds no place is left out.
    heights
        Range of the nominal font size, pixels.
    """
    out, placed = picture.copy(), list[Line]()
    taken = np.zeros(picture.shape, dtype=bool)
    for _ in range(lines):
        font, others = fonts[int(rng.integers(len(fonts)))], False
        others = font is not None and font.suffix == ".ttc"  # collections are those with the eastern scripts
        text = words(rng, others=others)
        ink = _ink(text, font, int(rng.integers(heights[0], heights[1] + 1)), smooth=bool(rng.uniform() < 0.7))
        turns = int(rng.choice([0, 0, 0, 0, 0, 1, 3]))
        ink = np.rot90(ink, turns)
        room = np.array(picture.shape) - ink.shape
        if not text.strip() or (room < 2).any():
            continue
        top, left = (int(rng.integers(1, each)) for each in room)
        box = (top, left, top + ink.shape[0], left + ink.shape[1])
        around = np.s_[max(0, box[0] - 3) : box[2] + 3, max(0, box[1] - 3) : box[3] + 3]
        if taken[around].any():
            continue
        taken[around] = True
        _print(out, ink, box, rng)
        placed.append(Line(text, box))
    return out, placed


def mask_of(lines: Sequence[Line], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Pixels that are text: the boxes of the lines with a small margin, (y, x)."""
    mask = np.zeros(shape, dtype=bool)
    for line in lines:
        top, left, bottom, right = line.box
        mask[max(0, top - MARGIN) : bottom + MARGIN, max(0, left - MARGIN) : right + MARGIN] = True
    return mask


def _word(rng: Rng, alphabet: str, low: int, high: int) -> str:
    return "".join(rng.choice(list(alphabet), int(rng.integers(low, high + 1))))


def _ink(text: str, path: Path | None, size: int, *, smooth: bool) -> npt.NDArray[np.float32]:
    """Coverage of a line, cropped to its ink."""
    font = ImageFont.load_default(size) if path is None else ImageFont.truetype(str(path), size)
    left, top, right, bottom = (int(each) for each in font.getbbox(text))
    image = Image.new("L", (max(1, right - left + 2), max(1, bottom - top + 2)))
    draw = ImageDraw.Draw(image)
    draw.fontmode = "L" if smooth else "1"
    draw.text((1 - left, 1 - top), text, fill=255, font=font)
    ink = np.asarray(image, dtype=np.float32) / np.float32(255)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else ink


def _print(picture: Picture, ink: npt.NDArray[np.float32], box: tuple[int, int, int, int], rng: Rng) -> None:
    """Blend ink into the picture, bright on dark or dark on bright, now and then on a plate."""
    top, left, bottom, right = box
    place = np.s_[top:bottom, left:right]
    level = float(np.median(picture[place]))
    if rng.uniform() < 0.15:
        level = float(rng.choice([0.0, 1.0, rng.uniform()]))
        picture[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2] = level
    spread = float(picture[place].std())
    contrast = max(rng.uniform(0.25, 1.0), 2 * spread)
    value = level + contrast if level + contrast <= 1 or level < 0.5 else level - contrast
    picture[place] = (picture[place] * (1 - ink) + float(np.clip(value, 0, 1)) * ink).astype(np.float32)
