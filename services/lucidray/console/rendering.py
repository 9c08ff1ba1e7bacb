"""From values in a plane to a picture: windows, colours, outlines, marks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

RGB = npt.NDArray[np.uint8]  # (rows, columns, 3)
Colour = tuple[int, int, int]

# Okabe and Ito (2008): told apart by people with colour vision deficiency, and all bright enough on grey.
PALETTE: tuple[Colour, ...] = (
    (64, 224, 208),
    (230, 159, 0),
    (240, 228, 66),
    (204, 121, 167),
    (86, 180, 233),
    (0, 158, 115),
    (213, 94, 0),
)
THICKNESS = 2  # pixels of an outline, drawn inside the region
_BRIGHT = 140  # mean level from which on marks are dark
_HOT = np.array([(0, 0, 0), (150, 0, 0), (255, 60, 0), (255, 190, 0), (255, 255, 200)], np.float32)
_BARS_MM = (200, 100, 50, 20, 10, 5)  # lengths of scale bars; the longest that fits is drawn


@dataclass(frozen=True)
class Window:
    """Values shown from black to white."""

    low: float
    high: float

    def apply(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """`values` as 0 to 1."""
        scaled: npt.NDArray[np.float32] = np.clip((values - self.low) / max(self.high - self.low, 1e-9), 0, 1)
        return scaled


SOFT_TISSUE = Window(-160, 240)  # HU: level 40, width 400
UPTAKE = Window(0, 7)  # SUVbw g/ml: the usual window for FDG


def colour_of(number: int) -> Colour:
    """Colour of a segment."""
    return PALETTE[(number - 1) % len(PALETTE)]


def grey(values: npt.NDArray[np.float32], window: Window, *, inverted: bool = False) -> RGB:
    """Grey picture; inverted: high is black, as PET is read."""
    scaled = window.apply(values)
    level = ((1 - scaled if inverted else scaled) * 255).astype(np.uint8)
    return np.repeat(level[:, :, None], 3, axis=2)


def fused(under: RGB, values: npt.NDArray[np.float32], window: Window) -> RGB:
    """`values` in hot colours over a grey picture; the higher, the more opaque."""
    scaled = window.apply(values)
    place = scaled * (len(_HOT) - 1)
    low = np.minimum(place.astype(np.intp), len(_HOT) - 2)
    weight = (place - low)[:, :, None]
    colour = _HOT[low] * (1 - weight) + _HOT[low + 1] * weight
    alpha = np.minimum(scaled * 2.0, 0.75)[:, :, None]
    mixed: RGB = (under * (1 - alpha) + colour * alpha).astype(np.uint8)
    return mixed


def outline(mask: npt.NDArray[np.bool_], thickness: int = 1) -> npt.NDArray[np.bool_]:
    """Pixels of a mask within `thickness` steps (to one of four neighbours) of its outside."""
    inner = mask
    for _ in range(thickness):
        padded = np.pad(inner, 1)
        inner = inner & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def draw_outlines(picture: RGB, labels: npt.NDArray[np.uint8]) -> RGB:
    """The picture with the outline of every label in its colour."""
    drawn = picture.copy()
    for number in np.unique(labels[labels > 0]):
        drawn[outline(labels == number, THICKNESS)] = colour_of(int(number))
    return drawn


@dataclass(frozen=True)
class Sides:
    """What lies at the sides of a picture."""

    left: str
    right: str
    top: str
    bottom: str


AXIAL = Sides("R", "L", "A", "P")
CORONAL = Sides("R", "L", "H", "F")


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that comes with Pillow."""
    return ImageFont.load_default(size)


@dataclass(frozen=True)
class Pen:
    """Colour of marks, and of the rim by which they read on any ground."""

    colour: Colour
    rim: Colour


LIGHT = Pen((235, 235, 235), (0, 0, 0))
DARK = Pen((30, 34, 38), (255, 255, 255))


def write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, anchor: str, pen: Pen) -> None:
    """Text on a picture."""
    draw.text(at, text, fill=pen.colour, font=font(size), anchor=anchor, stroke_width=2, stroke_fill=pen.rim)


def annotate(picture: RGB, pixel: float, sides: Sides, caption: str) -> Image.Image:
    """Mark the sides, draw a scale bar, and say what is shown.

    Parameters
    ----------
    pixel
        Side of a pixel, mm.
    """
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    width, height = image.size
    size = max(11, max(width, height) // 26)
    pen = DARK if picture.mean() > _BRIGHT else LIGHT
    gap = size // 2
    write(draw, (gap, height / 2), sides.left, size, "lm", pen)
    write(draw, (width - gap, height / 2), sides.right, size, "rm", pen)
    write(draw, (width / 2, gap), sides.top, size, "ma", pen)
    write(draw, (width / 2, height - gap), sides.bottom, size, "md", pen)
    write(draw, (gap, gap), caption, size, "la", pen)
    _scale_bar(draw, pixel, (width, height), size, pen)
    return image


def _scale_bar(draw: ImageDraw.ImageDraw, pixel: float, shape: tuple[int, int], size: int, pen: Pen) -> None:
    fitting = [length for length in _BARS_MM if length / pixel <= shape[0] / 3]
    if not fitting:
        return
    length, gap = fitting[0], size // 2
    right, y = shape[0] - gap - 2, shape[1] - gap - 2
    left = right - length / pixel
    text = f"{length // 10} cm" if length >= 10 else f"{length} mm"  # noqa: PLR2004
    draw.line([(left - 1, y + 1), (right + 1, y + 1)], fill=pen.rim, width=4)
    draw.line([(left, y), (right, y)], fill=pen.colour, width=2)
    write(draw, ((left + right) / 2, y - 3), text, size, "md", pen)


def legend(width: int, entries: Sequence[tuple[Colour, str]]) -> Image.Image:
    """A strip with a swatch and a line of text for each entry."""
    size, gap = max(13, width // 70), 8
    line = size + gap
    image = Image.new("RGB", (width, line * len(entries) + gap), (18, 20, 23))
    draw = ImageDraw.Draw(image)
    for row, (colour, text) in enumerate(entries):
        y = gap + row * line
        draw.rectangle((gap * 2, y + 1, gap * 2 + size, y + size), outline=colour, width=2)
        draw.text((gap * 3 + size, y + size / 2), text, fill=LIGHT.colour, font=font(size), anchor="lm")
    return image
