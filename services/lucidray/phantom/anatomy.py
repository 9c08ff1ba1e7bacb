"""Two regions of a virtual body: solids, each of one tissue, painted one over the other.

Attenuation and uptake are typical values of the tissues (CT numbers at 120 kVp; SUV of
[18F]FDG one hour after injection), not those of any person.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np

from lucidray.phantom.shapes import EllipseStack

Region = Literal["thigh", "thorax"]
_LONG = 1000.0


class Tissue(IntEnum):
    """What fills a voxel."""

    AIR = 0
    COUCH = 1
    FOAM = 2
    SKIN = 3
    FAT = 4
    MUSCLE = 5
    CORTEX = 6
    MARROW = 7
    VESSEL = 8
    LUNG = 9
    HEART = 10
    LIVER = 11


# Tissue: (CT number in HU, SUV, unevenness of HU, relative unevenness of SUV)
_PROPERTIES: dict[Tissue, tuple[float, float, float, float]] = {
    Tissue.AIR: (-1000, 0.0, 0, 0.0),
    Tissue.COUCH: (-120, 0.0, 0, 0.0),
    Tissue.FOAM: (-920, 0.0, 0, 0.0),
    Tissue.SKIN: (-10, 0.5, 0, 0.05),
    Tissue.FAT: (-100, 0.25, 6, 0.1),
    Tissue.MUSCLE: (55, 0.65, 5, 0.1),
    Tissue.CORTEX: (950, 0.4, 0, 0.05),
    Tissue.MARROW: (120, 0.9, 20, 0.1),
    Tissue.VESSEL: (42, 1.5, 0, 0.0),
    Tissue.LUNG: (-830, 0.4, 25, 0.12),
    Tissue.HEART: (45, 1.9, 3, 0.08),
    Tissue.LIVER: (60, 2.2, 4, 0.06),
}
HU, SUV, HU_UNEVEN, SUV_UNEVEN = (
    np.array([_PROPERTIES[tissue][column] for tissue in Tissue], dtype=np.float32) for column in range(4)
)

Structure = tuple[EllipseStack, Tissue]


@dataclass(frozen=True)
class Anatomy:
    """A region: what to paint in order, and where a lesion may grow."""

    region: Region
    structures: tuple[Structure, ...]
    host: EllipseStack
    """The solid that a lesion must stay in."""
    site: tuple[float, float, float]
    """Where a lesion sits, (x, y, z) in mm."""


def build(region: Region, rng: np.random.Generator, build_factor: float) -> Anatomy:
    """Draw a person's anatomy; `build_factor` scales the body (1: average)."""
    side = float(rng.choice((-1.0, 1.0)))  # LPS: +1 is the patient's left
    return (_thigh if region == "thigh" else _thorax)(rng, build_factor, side)


def _tube(x: float, y: float, a: float, b: float, lean: tuple[float, float] = (0.0, 0.0)) -> EllipseStack:
    return EllipseStack((x, y, 0.0), (a, b, _LONG), "cylinder", lean)


def _couch(y: float) -> list[Structure]:
    return [(_tube(0.0, y + 11.0, 195.0, 11.0), Tissue.COUCH), (_tube(0.0, y + 11.0, 188.0, 8.0), Tissue.FOAM)]


# Muscle compartments of a thigh: centre (outward, backward) and half extents relative to its radius.
_COMPARTMENTS = (
    (0.25, -0.48, 0.52, 0.36),
    (0.62, -0.02, 0.30, 0.52),
    (-0.52, -0.05, 0.38, 0.50),
    (-0.25, 0.58, 0.38, 0.32),
    (0.32, 0.56, 0.36, 0.34),
    (-0.36, -0.58, 0.20, 0.22),
)


def _thigh(rng: np.random.Generator, factor: float, side: float) -> Anatomy:
    half_height = 150.0
    structures = _couch(88.0 * factor)
    muscle_radius = 70.0 * factor
    for leg in (-1.0, 1.0):
        x = leg * 90.0 * factor
        limb = [(84.0, 86.0, Tissue.SKIN), (82.0, 84.0, Tissue.FAT), (71.5, 74.5, Tissue.MUSCLE)]
        for a, b, tissue in limb:
            structures.append((EllipseStack((x, 0, 0), (a * factor, b * factor, half_height), "taper"), tissue))
        for outward, back, a, b in _COMPARTMENTS:
            where = (x + leg * outward * muscle_radius, back * muscle_radius, 0.0)
            for margin, tissue in ((1.6, Tissue.FAT), (0.0, Tissue.MUSCLE)):
                extent = (a * muscle_radius + margin, b * muscle_radius + margin, half_height)
                structures.append((EllipseStack(where, extent, "taper"), tissue))
        bone = (leg * 0.06, 0.0)
        structures += [
            (_tube(x + leg * 4.0, -6.0, 15.5, 15.0, bone), Tissue.FAT),
            (_tube(x + leg * 4.0, -6.0, 14.0, 13.5, bone), Tissue.CORTEX),
            (_tube(x + leg * 4.0, -6.0, 7.5, 7.5, bone), Tissue.MARROW),
            (_tube(x - leg * 30.0 * factor, -28.0 * factor, 5.0, 4.5), Tissue.VESSEL),
            (_tube(x - leg * 38.0 * factor, -20.0 * factor, 5.5, 5.0), Tissue.VESSEL),
        ]
    host = EllipseStack((side * 90.0 * factor, 0, 0), (79.0 * factor, 81.0 * factor, half_height), "taper")
    site = (
        side * (90.0 + rng.uniform(37.0, 42.0)) * factor,
        rng.uniform(-18.0, 18.0) * factor,
        rng.uniform(-15.0, 15.0),
    )
    return Anatomy("thigh", tuple(structures), host, site)


def _thorax(rng: np.random.Generator, factor: float, side: float) -> Anatomy:
    structures = _couch(116.0 * factor)
    for a, b, tissue in ((172, 114, Tissue.SKIN), (170, 112, Tissue.FAT), (152, 98, Tissue.MUSCLE)):
        structures.append((_tube(0, 0, a * factor, b * factor), tissue))
    structures += _ribs(factor)
    structures.append((_tube(0, 4, 128 * factor, 78 * factor), Tissue.FAT))
    for lung in (-1.0, 1.0):
        structures.append((_lung(lung, factor), Tissue.LUNG))
    structures += [
        (EllipseStack((28 * factor, -22 * factor, -30), (52 * factor, 42 * factor, 62)), Tissue.HEART),
        (EllipseStack((-58 * factor, -2, -120), (92 * factor, 74 * factor, 90)), Tissue.LIVER),
        (_tube(16, 36 * factor, 12, 12), Tissue.VESSEL),
        (_tube(-14, -8 * factor, 9, 9), Tissue.VESSEL),
        (_tube(0, 62 * factor, 22, 18), Tissue.CORTEX),
        (_tube(0, 62 * factor, 20, 16), Tissue.MARROW),
        (_tube(0, 84 * factor, 6, 14), Tissue.CORTEX),
        (_tube(0, -88 * factor, 20, 6), Tissue.CORTEX),
        (_tube(0, -88 * factor, 17, 4), Tissue.MARROW),
    ]
    site = (side * rng.uniform(80, 88) * factor, rng.uniform(0, 12) * factor, rng.uniform(10, 30))
    return Anatomy("thorax", tuple(structures), _lung(side, factor), site)


def _lung(side: float, factor: float) -> EllipseStack:
    return EllipseStack((side * 74 * factor, 6 * factor, 15), (52 * factor, 70 * factor, 130))


def _ribs(factor: float) -> list[Structure]:
    """Cut ribs: short oblique rods around the chest wall, each shown by a few slices."""
    rods: list[Structure] = []
    for level in range(-7, 8):
        for angle in np.linspace(0, 2 * np.pi, 14, endpoint=False) + 0.11 * level:
            x, y = 138 * np.cos(angle) * factor, 87 * np.sin(angle) * factor
            where = (float(x), float(y), level * 24.0 + 20.0 * float(np.sin(angle)))
            rods.append((EllipseStack(where, (14, 7, 8)), Tissue.CORTEX))
            rods.append((EllipseStack(where, (11, 4, 6)), Tissue.MARROW))
    return rods
