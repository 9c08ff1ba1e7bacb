"""Local binary patterns: which of the points around a voxel are at least as bright as it is.

In two dimensions 8 points on a circle in the slice, in three 26 points on a sphere; the radius is one voxel, of the
larger spacing where they differ, and points between voxels are interpolated linearly. A voxel counts if all voxels
from which its points are interpolated lie in the region.
"""

from itertools import product
from math import cos, pi, sin

import numpy as np
import numpy.typing as npt

from lucidray.quantify.higher.neighbourhood import Image, Mask, neighbourhoods
from lucidray.quantify.region import Region
from lucidray.quantify.threads import one_thread
from lucidray.quantify.values import Undefined, Values

_POINTS = 8
_MIXED = _POINTS + 1  # the bin of patterns that are not uniform
_TIE = 1e-9  # of the region's range: differences below are rounding, and the point counts as equally bright
# Lebedev's rule for the sphere, exact to degree 7: weights of the 6 axes, 12 edges and 8 corners of a cube.
_LEBEDEV = {1: 1 / 21, 2: 4 / 105, 3: 9 / 280}
_DEGREES = (1, 2, 3)  # the rule is exact for their products
_NOWHERE = Undefined("no voxel has its whole neighbourhood in the region")


def measure(region: Region, wanted: frozenset[str]) -> Values:
    """Features of the local binary patterns, by abbreviation."""
    found: Values = {}
    with one_thread():
        if any(name.startswith("lbp2_") for name in wanted):
            found |= flat(region.voxels, region.intensity_mask, region.spacing)
        if any(name.startswith("lbp3_") for name in wanted):
            found |= solid(region.voxels, region.intensity_mask, region.spacing)
    return found


def flat(image: Image, mask: Mask, spacing: tuple[float, float, float]) -> Values:
    """Rotation-invariant uniform patterns in slices (Ojala et al., IEEE TPAMI 2002, P = 8, R = 1)."""
    angles = [2 * pi * number / _POINTS for number in range(_POINTS)]
    circle = np.array([(0.0, -sin(angle), cos(angle)) for angle in angles])
    counts = np.zeros(_MIXED + 1, np.int64)
    for brighter in _patterns(image, mask, circle * max(spacing[1:]) / np.array(spacing)):
        changes = (brighter != np.roll(brighter, 1, axis=1)).sum(axis=1)
        codes = np.where(changes <= 2, brighter.sum(axis=1), _MIXED)  # noqa: PLR2004  one arc of ones: uniform
        counts += np.bincount(codes, minlength=_MIXED + 1)
    names = [f"lbp2_{number}" for number in range(_MIXED)] + ["lbp2_mixed"]
    if not counts.sum():
        return dict.fromkeys([*names, "lbp2_entropy", "lbp2_uniformity"], _NOWHERE)
    shares = counts / counts.sum()
    present = shares[shares > 0]
    values: Values = dict(zip(names, shares.tolist(), strict=True))
    return values | {
        "lbp2_entropy": float(-(present * np.log2(present)).sum() + 0.0),
        "lbp2_uniformity": float(np.square(shares).sum()),
    }


def solid(image: Image, mask: Mask, spacing: tuple[float, float, float]) -> Values:
    """Power of the pattern on the sphere in each degree of spherical harmonics (Banerjee et al., 2012).

    The addition theorem gives the power without the harmonics: the sum over all pairs of bright points i, j of
    w_i w_j (2l + 1) P_l(cos of the angle between them).
    """
    cube = np.array([each for each in product((-1, 0, 1), repeat=3) if any(each)], np.float64)
    weights = np.array([_LEBEDEV[int(np.abs(each).sum())] for each in cube])
    sphere = cube / np.linalg.norm(cube, axis=1, keepdims=True)
    kernels = [_kernel(sphere, weights, degree) for degree in _DEGREES]
    voxels, sums = 0, np.zeros(len(_DEGREES) + 1)
    for brighter in _patterns(image, mask, sphere * max(spacing) / np.array(spacing)):
        bright = brighter.astype(np.float64)
        voxels += len(bright)
        sums += [
            (bright @ weights).sum(),
            *(np.einsum("vi,ij,vj->", bright, each, bright, optimize=True) for each in kernels),
        ]
    names = ["lbp3_share", *(f"lbp3_power_{degree}" for degree in _DEGREES)]
    if not voxels:
        return dict.fromkeys(names, _NOWHERE)
    return dict(zip(names, (sums / voxels).tolist(), strict=True))


def _kernel(sphere: Image, weights: Image, degree: int) -> Image:
    legendre = np.polynomial.legendre.Legendre.basis(degree)
    kernel: Image = (2 * degree + 1) * legendre(np.clip(sphere @ sphere.T, -1, 1)) * np.outer(weights, weights)
    return kernel


def _patterns(image: Image, mask: Mask, steps: Image) -> "list[npt.NDArray[np.bool_]]":
    """For the voxels that count, whether the points at `steps` (n, 3), in voxels, are at least as bright."""
    offsets, weights = _linear(steps)
    tie = _TIE * float(np.ptp(image[mask])) if mask.any() else 0.0
    return [around @ weights - own[:, None] >= -tie for own, around in neighbourhoods(image, mask, offsets)]


def _linear(steps: Image) -> tuple[npt.NDArray[np.int64], Image]:
    """The voxels between which points lie (m, 3), and how much each counts for each point (m, n)."""
    steps = np.round(steps, 12)
    low = np.floor(steps).astype(np.int64)
    part = steps - low
    shares: dict[tuple[int, ...], Image] = {}
    for corner in product((0, 1), repeat=3):
        share = np.where(corner, part, 1 - part).prod(axis=1)
        for point in np.flatnonzero(share):
            place = tuple((low[point] + corner).tolist())
            shares.setdefault(place, np.zeros(len(steps)))[point] += share[point]
    return np.array(list(shares)), np.array(list(shares.values()))
