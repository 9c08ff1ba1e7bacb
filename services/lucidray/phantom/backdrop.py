"""Pictures without a letter in them, of the kinds on which scanners and workstations write: what a search for
burned-in text must stay silent about."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

Picture = npt.NDArray[np.float32]  # (y, x), 0 black to 1 white
Rng = np.random.Generator


def ultrasound(rng: Rng, shape: tuple[int, int]) -> Picture:
    """A sector of Rayleigh speckle on black."""
    rows, columns = shape
    y, x = np.mgrid[:rows, :columns]
    top, centre = rng.uniform(-0.2, 0.1) * rows, rng.uniform(0.35, 0.65) * columns
    radius, angle = np.hypot(y - top, x - centre), np.abs(np.arctan2(x - centre, y - top))
    inside = (radius > rng.uniform(0.02, 0.2) * rows) & (radius < rng.uniform(0.8, 1.1) * rows)
    inside &= angle < rng.uniform(0.4, 0.8)
    speckle = gaussian_filter(rng.rayleigh(1.0, shape), (rng.uniform(0.5, 1.2), rng.uniform(0.8, 2.5)))
    return _scaled(np.where(inside, speckle * _smooth(rng, shape, 0.06), 0.0))


def tomogram(rng: Rng, shape: tuple[int, int]) -> Picture:
    """A body of ellipses, with a couch, in noise: CT and MR."""
    image = Image.new("F", shape[::-1], 0.0)
    draw = ImageDraw.Draw(image)
    size = min(shape)
    _ellipse(draw, rng, shape, (0.5, 0.5), rng.uniform(0.3, 0.48) * size, rng.uniform(0.3, 0.6))
    for _ in range(rng.integers(4, 25)):
        place = tuple(rng.uniform(0.2, 0.8, 2))
        _ellipse(draw, rng, shape, place, rng.uniform(0.01, 0.15) * size, rng.uniform(0.0, 1.0))
    for _ in range(rng.integers(0, 4)):  # couch, catheters, leads
        _curve(draw, rng, shape, rng.uniform(0.3, 1.0), int(rng.integers(1, 4)))
    body = np.asarray(image) * (1 + 0.2 * _smooth(rng, shape, 0.05))
    noise = gaussian_filter(rng.normal(0, 1, shape), rng.uniform(0, 1.0))
    return _scaled(gaussian_filter(body, rng.uniform(0.4, 1.5)) + rng.uniform(0.005, 0.08) * noise)


def emission(rng: Rng, shape: tuple[int, int]) -> Picture:
    """Blurred hot spots in counting noise: PET, small and enlarged."""
    spots = np.zeros(shape)
    for _ in range(rng.integers(1, 12)):
        spots[tuple(rng.integers(0, shape))] += rng.uniform(0.2, 1.0)
    spots = gaussian_filter(spots, rng.uniform(2, 8))
    counts = rng.poisson(rng.uniform(20, 500) * (spots / spots.max() + 0.1 * _smooth(rng, shape, 0.05)))
    return _scaled(gaussian_filter(counts.astype(float), rng.uniform(0.5, 2)))


def screen(rng: Rng, shape: tuple[int, int]) -> Picture:
    """Panels, frames, grids and curves: a workstation's page without its words."""
    image = Image.new("F", shape[::-1], float(rng.choice([0.0, 0.0, 1.0, rng.uniform()])))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 8)):
        low = rng.uniform(0, 0.8, 2) * shape
        high = low + rng.uniform(0.05, 0.6, 2) * shape
        box = [float(low[1]), float(low[0]), float(high[1]), float(high[0])]
        filled = rng.uniform() < 0.5
        draw.rectangle(box, fill=float(rng.uniform()) if filled else None, outline=float(rng.uniform()))
    for _ in range(rng.integers(1, 6)):
        _curve(draw, rng, shape, float(rng.uniform()), int(rng.integers(1, 3)))
    step = int(rng.integers(6, 40))
    at, lean = (int(each) for each in rng.integers(0, min(shape), 2))
    for tick in range(0, min(shape), step):  # a ruler
        draw.line([at, tick, at + lean % 12 + 2, tick], fill=1.0)
    return _scaled(np.asarray(image).copy())


def noise(rng: Rng, shape: tuple[int, int]) -> Picture:
    """Noise of any grain, or nothing at all."""
    chance = rng.uniform()
    if chance < 0.2:
        return np.full(shape, rng.choice([0.0, rng.uniform()]), np.float32)
    if chance < 0.4:
        return np.asarray(rng.uniform(0, 1, shape), np.float32)
    return _scaled(gaussian_filter(rng.normal(0, 1, shape), rng.uniform(0, 6)))


def vessels(rng: Rng, shape: tuple[int, int]) -> Picture:
    """Bright dots and branches of all sizes, alone or in rows: lungs, marrow, a page of small pictures."""
    image = Image.new("F", shape[::-1], 0.0)
    draw, radius = ImageDraw.Draw(image), float(rng.uniform(1, 5))
    step = int(rng.integers(3, 12)) * 4 if rng.uniform() < 0.3 else 0
    for number in range(int(rng.integers(20, 300))):
        place = rng.uniform(0, 1, 2)
        if step:  # in rows
            rows = shape[0] // step or 1
            place = (np.array([number % rows, number // rows]) + 0.5) * step / np.array(shape)
        _ellipse(draw, rng, shape, place, radius * rng.uniform(0.5, 2) + step * 0.35, rng.uniform(0.3, 1.0))
    for _ in range(rng.integers(0, 12)):
        _curve(draw, rng, shape, float(rng.uniform(0.2, 1)), int(rng.integers(1, 4)))
    soft = gaussian_filter(np.asarray(image), rng.uniform(0.3, 1.2))
    return _scaled(soft * _smooth(rng, shape, 0.1) + rng.uniform(0, 0.1) * rng.normal(0, 1, shape))


def coarse(rng: Rng, shape: tuple[int, int]) -> Picture:
    """Any of the others, in large pixels."""
    factor = int(rng.integers(2, 9))
    small = (max(8, shape[0] // factor), max(8, shape[1] // factor))
    kind = (tomogram, emission, vessels, noise)[int(rng.integers(4))]
    how = Image.Resampling.NEAREST if rng.uniform() < 0.5 else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(kind(rng, small)).resize(shape[::-1], how))


KINDS: dict[str, Callable[[Rng, tuple[int, int]], Picture]] = {
    "ultrasound": ultrasound,
    "tomogram": tomogram,
    "emission": emission,
    "screen": screen,
    "noise": noise,
    "vessels": vessels,
    "coarse": coarse,
}


def _smooth(rng: Rng, shape: tuple[int, int], length: float) -> npt.NDArray[np.floating]:
    field = gaussian_filter(rng.normal(0, 1, shape), length * min(shape))
    return np.asarray(1 + field / (field.std() + 1e-9)).clip(0)


def _scaled(picture: npt.NDArray[Any]) -> Picture:
    low, high = float(picture.min()), float(picture.max())
    return np.asarray((picture - low) / (high - low or 1.0), dtype=np.float32)


def _ellipse(
    draw: ImageDraw.ImageDraw, rng: Rng, shape: tuple[int, int], place: Any, radius: float, value: float
) -> None:
    y, x = place[0] * shape[0], place[1] * shape[1]
    height, width = radius * rng.uniform(0.4, 1.0), radius
    draw.ellipse([x - width, y - height, x + width, y + height], fill=float(value))


def _curve(draw: ImageDraw.ImageDraw, rng: Rng, shape: tuple[int, int], value: float, width: int) -> None:
    along = np.linspace(0, 1, 40)
    start, end, bend = rng.uniform(0, 1, 2), rng.uniform(0, 1, 2), rng.normal(0, 0.2)
    wave = bend * np.sin(along * np.pi * rng.integers(1, 5))
    y = (start[0] + (end[0] - start[0]) * along + wave) * shape[0]
    x = (start[1] + (end[1] - start[1]) * along) * shape[1]
    draw.line([(float(a), float(b)) for a, b in zip(x, y, strict=True)], fill=value, width=width)
