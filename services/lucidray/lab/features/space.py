"""Grids of research files, and whether a mask is on the grid of its image."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from lucidray.contracts.grid import Grid
from lucidray.core.errors import Permanent
from lucidray.imaging.geometry import to_index, to_patient

SAME_PLACE = 1e-2  # voxels: what rounding of origins and directions to float32 and to few decimals leaves


def grid_of(affine: npt.NDArray[np.float64], shape: tuple[int, ...], thing: str) -> Grid:
    """Grid of an affine (3, 4) from index (x, y, z, 1) to LPS, mm, and the shape (z, y, x) of its array.

    Raises
    ------
    Permanent
        The axes are sheared or empty.
    """
    spacing = np.linalg.norm(affine[:, :3], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        axes = (affine[:, :3] / spacing).T
    try:
        return Grid(
            shape=shape,
            spacing=tuple(float(part) for part in spacing[::-1]),
            origin=tuple(float(part) for part in affine[:, 3]),
            axes=tuple(tuple(float(part) + 0.0 for part in axis) for axis in axes[::-1]),
        )
    except ValidationError:
        raise Permanent(
            thing, "its axes are not at right angles, or have no length", "resample it to a regular grid"
        ) from None


def on_grid(inner: Grid, outer: Grid) -> bool:
    """Whether every voxel of `inner` is a voxel of the lattice of `outer`, whatever the order of the axes.

    A mask that was cropped to its region, or written with another axis order, is still on its image's grid.
    """
    relation = np.linalg.inv(outer.affine) @ inner.affine
    whole = np.rint(relation)
    steps = np.abs(whole[:3, :3])
    permutation = bool((steps.sum(axis=0) == 1).all() and (steps.sum(axis=1) == 1).all())
    corners = np.array(np.meshgrid(*([0, count - 1] for count in inner.shape), [1], indexing="ij")).reshape(4, -1)
    return permutation and bool(np.abs((relation - whole) @ corners).max() < SAME_PLACE)


def describe(grid: Grid) -> str:
    """A grid in words: size, spacing, origin and direction, each as (x, y, z) in LPS."""
    rows = "; ".join(" ".join(f"{part:.4g}" for part in axis) for axis in reversed(grid.axes))
    return (
        f"size {_joined(grid.shape[::-1], ' x ')}, spacing {_joined(grid.spacing[::-1], ' x ')} mm, "
        f"origin ({_joined(grid.origin, ', ')}) mm, direction [{rows}]"
    )


def place(mask: npt.NDArray[np.bool_], inner: Grid, outer: Grid, thing: str) -> npt.NDArray[np.bool_]:
    """A mask (z, y, x) that `on_grid` found to be on the lattice of `outer`, on `outer`: no voxel is interpolated.

    Raises
    ------
    Permanent
        Voxels of it lie outside; names both grids.
    """
    if inner.same_space(outer):
        return mask
    index = np.rint(to_index(outer, to_patient(inner, np.argwhere(mask).astype(np.float64)))).astype(np.intp)
    outside = int(((index < 0) | (index >= outer.shape)).any(axis=1).sum())
    if outside:
        raise Permanent(
            thing,
            f"{outside} of its voxels lie outside the image. {both(inner, {'the image': outer})}",
            "give the image that it was drawn on",
        )
    placed = np.zeros(outer.shape, np.bool_)
    placed[tuple(index.T)] = True
    return placed


def both(mask: Grid, images: Mapping[str, Grid]) -> str:
    """The grids of a mask and of images by role, for a message."""
    return f"Grid of the mask: {describe(mask)}. " + ". ".join(
        f"Grid of {role}: {describe(grid)}" for role, grid in images.items()
    )


def _joined(parts: tuple[float, float, float], separator: str) -> str:
    return separator.join(f"{part:.6g}" for part in parts)
