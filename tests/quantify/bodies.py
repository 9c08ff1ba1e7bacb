"""Bodies of known geometry, and random regions."""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

Mask = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]

UNIT: Spacing = (1.0, 1.0, 1.0)
SPACINGS = st.tuples(*[st.floats(0.3, 6)] * 3)
# Regions of any connectedness, with at least one voxel.
MASKS = arrays(np.bool_, st.tuples(*[st.integers(1, 6)] * 3)).filter(lambda mask: bool(mask.any()))

# The 48 ways to turn and mirror a grid.
TURNS = [(axes, flips) for axes in itertools.permutations(range(3)) for flips in itertools.product((1, -1), repeat=3)]


def turned(array: npt.NDArray[Any], axes: tuple[int, ...], flips: tuple[int, ...]) -> npt.NDArray[Any]:
    """An array with its axes in another order and direction."""
    return np.ascontiguousarray(array.transpose(axes)[tuple(slice(None, None, flip) for flip in flips)])


def ellipsoid(semi_axes: Spacing) -> Mask:
    """Voxels with centres in an ellipsoid of semi-axes (z, y, x) in voxels, whose centre is no voxel centre."""
    z, y, x = _coordinates(semi_axes)
    return (z / semi_axes[0]) ** 2 + (y / semi_axes[1]) ** 2 + (x / semi_axes[2]) ** 2 <= 1


def torus(radius: float, tube: float) -> Mask:
    """Voxels with centres in a torus around the z axis, in voxels."""
    z, y, x = _coordinates((tube, radius + tube, radius + tube))
    return (np.hypot(y, x) - radius) ** 2 + z**2 <= tube**2


def box(sides: tuple[int, int, int]) -> Mask:
    """So many voxels along z, y, x."""
    return np.ones(sides, np.bool_)


def _coordinates(reach: Spacing) -> tuple[npt.NDArray[np.float64], ...]:
    z, y, x = (np.arange(-int(each) - 2.0, int(each) + 3) for each in reach)
    return (z - 0.3)[:, None, None], (y - 0.2)[:, None], x - 0.1
