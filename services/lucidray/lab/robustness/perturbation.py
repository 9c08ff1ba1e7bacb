"""The same lesion as it might have been scanned and contoured another time.

The chain of Zwanenburg et al. 2019, Sci Rep 9:614: rotation (R), translation (T), noise (N), volume change (V) and
contour randomisation (C). Rotation and translation move the grid of the measurement, not the image, so that the image
is interpolated once, straight from its native voxels, as it is without them.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from lucidray.contracts.grid import Grid, Vector
from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.imaging.crop import crop, shifted
from lucidray.imaging.geometry import to_index, to_patient
from lucidray.imaging.resample import Interpolation, ibsi_grid, resample, resample_mask
from lucidray.lab.robustness.contour import randomised, resized
from lucidray.quantify.region import VANISHED, absence, check_size

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Link = Literal["R", "T", "N", "V", "C"]

_MARGIN = 25.0  # mm around the region: room to turn and grow in, and for supervoxels beside it
_SPLINE_REACH = 16  # native voxels beyond the grid: the influence of a cubic spline's coefficients fades as 0.27**n
_NORMAL_QUARTILE = 0.6745  # median of |x| for x from the standard normal distribution


@dataclass(frozen=True)
class Chain:
    """What is perturbed, and how far: each repeat draws evenly up to these limits."""

    links: tuple[Link, ...] = ("R", "T", "N", "V", "C")
    rotation: float = 10.0  # degrees, about the slice normal, either way
    translation: float = 0.5  # of the measurement's voxels, along each axis, either way
    volume: float = 0.15  # of the volume, either way

    @classmethod
    def parse(cls, letters: str) -> "Chain":
        """From letters as in the paper, e.g. 'RTNVC'.

        Raises
        ------
        Permanent
            A letter is none of them.
        """
        links = tuple(each for each in get_args(Link) if each in letters)
        if not letters or sorted(letters) != sorted(links):
            raise Permanent(
                f"perturbation chain '{letters}'",
                "it is not made of the letters R, T, N, V and C, each once",
                "name what to perturb: Rotation, Translation, Noise, Volume, Contour",
            )
        return cls(links)


@dataclass(frozen=True)
class Lesion:
    """One region in one image."""

    name: str
    volume: Volume
    mask: Mask  # (z, y, x) on `grid`
    grid: Grid


def generator(seed: int, name: str, repeat: int) -> np.random.Generator:
    """Random numbers of one repeat of one lesion, whatever else is measured before it."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), repeat])


def perturbed(
    lesion: Lesion,
    spacing: Vector | None,
    chain: Chain,
    rng: np.random.Generator,
    interpolation: Interpolation = "linear",
) -> Lesion:
    """The lesion under one draw of the chain, on a grid of the measurement's spacing.

    Parameters
    ----------
    spacing
        Voxels of the measurement (z, y, x), mm; none: those of the image.

    Returns
    -------
    Volume and mask on the same grid, cropped around the region; a measurement at `spacing` takes them as they are.

    Raises
    ------
    Permanent
        Nothing of the region lies in the image or on the perturbed grid, or that grid is too large.
    """
    return perturbed_together([lesion], spacing, chain, rng, interpolation)[0]


def perturbed_together(
    lesions: Sequence[Lesion],
    spacing: Vector | None,
    chain: Chain,
    rng: np.random.Generator,
    interpolation: Interpolation = "linear",
    outside: Sequence[float | None] = (),
) -> list[Lesion]:
    """One region in several images under one draw, all on one grid laid over the first; as `perturbed`.

    Contours are randomised on the first image, and each image has noise of its own.

    Parameters
    ----------
    outside
        What stands where an image does not reach; none: its least value. If not given, other images than the first are
        not a number there, so that such voxels do not count.
    """
    beyond = outside or (None, *(np.nan for _ in lesions[1:]))
    lesion = lesions[0]
    native = lesion.volume.grid
    absent = absence(native, lesion.mask, lesion.grid)
    if absent != VANISHED:  # which is what it says of a region that lies in the image
        raise Permanent(f"lesion '{lesion.name}'", absent.reason, "correct its mask, or leave it out")
    lattice = native if spacing is None else ibsi_grid(native, spacing)
    # Every number is drawn whether it is used or not: leaving a link out changes nothing else.
    angle, shift, change = rng.uniform(-1, 1), rng.uniform(-1, 1, 3), rng.uniform(-1, 1)
    target = _moved(
        lattice,
        _centre(lesion),
        chain.rotation * angle if "R" in chain.links else 0.0,
        chain.translation * shift if "T" in chain.links else np.zeros(3),
    )
    target = _around(target, lesion)
    check_size(target, native, f"perturbation of lesion '{lesion.name}'")
    noise, contour = rng.spawn(2)
    noisy = noise if "N" in chain.links else None
    images = [_values(each, target, noisy, interpolation, fill) for each, fill in zip(lesions, beyond, strict=True)]
    mask = resample_mask(lesion.mask, lesion.grid, target)
    if not mask.any():
        raise Permanent(f"lesion '{lesion.name}'", VANISHED.reason, "choose a preset of smaller voxels")
    if "V" in chain.links:
        mask = resized(mask, target.spacing, chain.volume * change, contour)
    if "C" in chain.links:
        mask = randomised(mask, images[0], target.spacing, contour)
    volumes = [
        Volume(voxels, each.volume.facts.model_copy(update={"grid": target}))
        for voxels, each in zip(images, lesions, strict=True)
    ]
    return [Lesion(lesion.name, volume, mask, target) for volume in volumes]


def noise_level(voxels: Floats) -> float:
    """Standard deviation of white noise in an image (z, y, x), slice by slice.

    The median of the diagonal Haar details over that of a standard normal variable: Donoho and Johnstone 1994,
    Biometrika 81:425. Noise that reconstruction has smoothed is underestimated.
    """
    details = (voxels[:, 1:, 1:] - voxels[:, 1:, :-1] - voxels[:, :-1, 1:] + voxels[:, :-1, :-1]) / 2
    return float(np.median(np.abs(details))) / _NORMAL_QUARTILE if details.size else 0.0


def _centre(lesion: Lesion) -> npt.NDArray[np.float64]:
    """Centre of the region, LPS mm."""
    centre: npt.NDArray[np.float64] = to_patient(lesion.grid, np.argwhere(lesion.mask).mean(axis=0)[None])[0]
    return centre


def _moved(grid: Grid, pivot: npt.NDArray[np.float64], degrees: float, shift: npt.NDArray[np.float64]) -> Grid:
    """The grid turned about its slice normal through a point, and shifted by voxels along its axes."""
    if degrees == 0 and not shift.any():
        return grid
    axes = np.array(grid.axes)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = np.array([axes[0], cosine * axes[1] + sine * axes[2], cosine * axes[2] - sine * axes[1]])
    offset = (np.array(grid.origin) - pivot) @ axes.T + shift * np.array(grid.spacing)
    x, y, z = (float(part) for part in pivot + offset @ turned)
    return grid.model_copy(
        update={"axes": tuple(tuple(float(part) for part in axis) for axis in turned), "origin": (x, y, z)}
    )


def _around(grid: Grid, lesion: Lesion) -> Grid:
    """The part of a grid, extended at will, that holds the region and a margin."""
    places = to_index(grid, to_patient(lesion.grid, np.argwhere(lesion.mask).astype(np.float64)))
    margin = _MARGIN / np.array(grid.spacing)
    low, high = np.floor(places.min(axis=0) - margin), np.ceil(places.max(axis=0) + margin)
    return shifted(grid, low, high - low + 1)


def _values(
    lesion: Lesion, target: Grid, rng: np.random.Generator | None, interpolation: Interpolation, outside: float | None
) -> Floats:
    """The image on the target grid, with as much noise again as it has around the region.

    `outside` is the value where the image does not reach; none: its least one.
    """
    part, grid = crop(lesion.volume.voxels, lesion.volume.grid, target, _SPLINE_REACH)
    voxels = part.astype(np.float32)
    if rng is not None:
        voxels = voxels + rng.normal(0, noise_level(voxels), voxels.shape).astype(np.float32)
    beyond = float(voxels.min()) if outside is None else outside
    values: Floats = resample(voxels, grid, target, interpolation=interpolation, outside=beyond)
    return values
