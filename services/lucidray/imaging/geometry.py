"""From the headers of slices to one grid in patient space (DICOM PS3.3 C.7.6.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from lucidray.contracts.grid import Grid, Vector
from lucidray.core.errors import Permanent
from lucidray.imaging.dicom import number, numbers, text

DIRECTION_TOLERANCE = 1e-3  # of a direction cosine: about 0.06 degrees
SAME_PLACE = 1e-2  # mm: positions are written with few decimals
UNIFORM = 0.01  # of the slice spacing: deviation that is rounding
TOLERABLE = 0.1  # of the slice spacing: deviation that is flagged; more is refused
GAP = 1.5  # spacings between neighbours from which on a slice is missing
_NAMED = 5  # positions listed in a message before "and n more"

Gaps = Literal["refuse", "longest-run"]


@dataclass(frozen=True)
class SliceStack:
    """Slices in z order on a grid."""

    grid: Grid
    order: list[int]  # index of the slice in the given sequence, for each z
    deviation: float  # greatest distance of a slice from its place on the grid, in spacings
    dropped: int  # slices left out beside a gap
    one_frame: bool  # whether all slices say the same frame of reference; else each says its own

    @property
    def uniform(self) -> bool:
        """Whether the slices lie where the grid says, but for rounding."""
        return self.deviation <= UNIFORM


def stack_slices(slices: Sequence[Dataset], thing: str, *, gaps: Gaps = "refuse") -> SliceStack:
    """Order slices along their normal and find their grid.

    Parameters
    ----------
    slices
        Headers of the single-frame images of one series.
    thing
        How errors name the series, e.g. "series of role 'CT'".
    gaps
        "longest-run" keeps the longest run of slices without a gap, instead of refusing: nothing is interpolated.

    Raises
    ------
    Permanent
        Slices are missing, duplicate, of different size or orientation, sheared (gantry tilt) or irregular;
        names their positions along the normal (z), mm.
    """
    if len(slices) < 2:  # noqa: PLR2004
        raise Permanent(thing, f"it has {len(slices)} slices; a volume needs at least 2", "send the whole series")
    rows, columns = _directions(slices[0], thing)
    normal = np.cross(rows, columns)
    positions = np.array([_vector(one, "ImagePositionPatient", 3, thing) for one in slices])
    _check_alike(slices, np.concatenate([rows, columns]), positions @ normal, thing)
    order = np.argsort(positions @ normal, kind="stable")
    _check_duplicates((positions @ normal)[order], thing)
    kept = _without_gaps(order, (positions @ normal)[order], thing, gaps)
    positions = positions[kept]
    spacing, deviation = _spacing(positions @ normal, thing)
    _check_sheared(positions, normal, thing)
    height, width = (float(part) for part in _vector(slices[0], "PixelSpacing", 2, thing))
    grid = Grid(
        shape=(len(kept), *_size(slices[0], thing)),
        spacing=(spacing, height, width),
        origin=_triple(positions[0]),
        axes=(_triple(normal), _triple(columns), _triple(rows)),
        frame_of_reference_uid=text(slices[int(kept[0])], "FrameOfReferenceUID"),
    )
    return SliceStack(grid, [int(index) for index in kept], deviation, len(slices) - len(kept), _frames(slices) == 1)


def to_index(grid: Grid, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Continuous (z, y, x) indices of points (n, 3) given as (x, y, z) in LPS, mm."""
    axes: npt.NDArray[np.float64] = np.array(grid.axes)
    index: npt.NDArray[np.float64] = (points - np.array(grid.origin)) @ axes.T / np.array(grid.spacing)
    return index


def to_patient(grid: Grid, indices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Points (n, 3) as (x, y, z) in LPS, mm, of (z, y, x) indices."""
    axes: npt.NDArray[np.float64] = np.array(grid.axes)
    points: npt.NDArray[np.float64] = indices * np.array(grid.spacing) @ axes + np.array(grid.origin)
    return points


def _directions(first: Dataset, thing: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Unit vectors along which the column index and the row index grow."""
    cosines = _vector(first, "ImageOrientationPatient", 6, thing)
    along, down = cosines[:3], cosines[3:]
    if abs(along @ down) > DIRECTION_TOLERANCE or not np.allclose(
        [along @ along, down @ down], 1, atol=DIRECTION_TOLERANCE
    ):
        raise Permanent(thing, "ImageOrientationPatient is not orthonormal", "send the series again from its source")
    along = along / np.linalg.norm(along)
    down = down - (down @ along) * along
    return along, down / np.linalg.norm(down)


def _vector(dataset: Dataset, keyword: str, count: int, thing: str) -> npt.NDArray[np.float64]:
    found = numbers(dataset, keyword, count)
    if found is None:
        raise Permanent(thing, f"a slice has no {keyword} of {count} numbers", "send the series again from its source")
    return np.array(found)


def _size(dataset: Dataset, thing: str) -> tuple[int, int]:
    rows, columns = number(dataset, "Rows"), number(dataset, "Columns")
    if not rows or not columns:
        raise Permanent(thing, "a slice has no Rows and Columns", "send the series again from its source")
    return int(rows), int(columns)


def _check_alike(
    slices: Sequence[Dataset], cosines: npt.NDArray[np.float64], heights: npt.NDArray[np.float64], thing: str
) -> None:
    """Every slice must have the first one's size, orientation and pixel spacing."""
    size = _size(slices[0], thing)
    pixel = _vector(slices[0], "PixelSpacing", 2, thing)
    odd = [
        float(height)
        for one, height in zip(slices, heights, strict=True)
        if _size(one, thing) != size
        or not np.allclose(_vector(one, "PixelSpacing", 2, thing), pixel, rtol=1e-4)
        or not np.allclose(_vector(one, "ImageOrientationPatient", 6, thing), cosines, atol=2 * DIRECTION_TOLERANCE)
    ]
    if odd:
        raise Permanent(
            thing,
            f"{len(odd)} slices differ in size, pixel spacing or orientation from the others, at z={_listed(odd)}",
            "select one series: a scout or a reformat may be among the slices",
        )
    if 1 < _frames(slices) < len(slices):
        raise Permanent(thing, f"its slices have {_frames(slices)} frames of reference", "select one series")


def _frames(slices: Sequence[Dataset]) -> int:
    """Number of frames of reference; one for each slice is what some de-identification makes of a single one."""
    return len({text(one, "FrameOfReferenceUID") for one in slices})


def _check_duplicates(heights: npt.NDArray[np.float64], thing: str) -> None:
    twice = heights[1:][np.diff(heights) < SAME_PLACE]
    if len(twice):
        raise Permanent(
            thing,
            f"{_slices(len(twice), 'duplicate')}, at z={_listed(twice)}",
            "select one time point or reconstruction, or send the series again",
        )


def _slices(count: int, kind: str) -> str:
    return f"{count} {kind} slice" + ("s" if count > 1 else "")


def _without_gaps(
    order: npt.NDArray[np.intp], heights: npt.NDArray[np.float64], thing: str, gaps: Gaps
) -> npt.NDArray[np.intp]:
    """The slices to keep, of `order`; `heights` ascend."""
    steps = np.diff(heights)
    usual = float(np.median(steps))
    breaks = np.flatnonzero(steps > GAP * usual)
    if not len(breaks):
        return order
    if gaps == "refuse":
        missing = int(np.sum(np.round(steps[breaks] / usual) - 1))
        where = ", ".join(f"between z={heights[at]:.2f} and z={heights[at + 1]:.2f}" for at in breaks[:_NAMED]) + _more(
            len(breaks)
        )
        raise Permanent(
            thing,
            f"{_slices(missing, 'missing')} {where} (usual distance {usual:.2f} mm)",
            "send the whole series again, or set gaps: longest-run for the step 'harmonize' of the workflow",
        )
    run = max(np.split(order, breaks + 1), key=len)
    if len(run) < 2:  # noqa: PLR2004
        raise Permanent(thing, "no two of its slices are neighbours", "send the whole series again")
    return run


def _spacing(heights: npt.NDArray[np.float64], thing: str) -> tuple[float, float]:
    """Slice spacing in mm, and the greatest deviation from it in spacings."""
    spacing = round(float(heights[-1] - heights[0]) / (len(heights) - 1), 9)  # mm; without the noise of decimals
    ideal = heights[0] + spacing * np.arange(len(heights))
    deviation = np.abs(heights - ideal) / spacing
    worst = int(np.argmax(deviation))
    if deviation[worst] > TOLERABLE:
        raise Permanent(
            thing,
            f"its slices are not evenly spaced: at z={heights[worst]:.2f} one is "
            f"{deviation[worst] * spacing:.2f} mm from its place (spacing {spacing:.2f} mm)",
            "select a series of one slice spacing",
        )
    return spacing, float(deviation[worst])


def _check_sheared(positions: npt.NDArray[np.float64], normal: npt.NDArray[np.float64], thing: str) -> None:
    """Each slice must lie straight above the first one."""
    offsets = positions - positions[0]
    sideways = np.linalg.norm(offsets - np.outer(offsets @ normal, normal), axis=1)
    if float(sideways.max()) > max(0.1, DIRECTION_TOLERANCE * float(np.ptp(positions @ normal))):
        raise Permanent(
            thing,
            f"its slices are shifted sideways by up to {float(sideways.max()):.1f} mm (a tilted gantry)",
            "send a reconstruction without tilt",
        )


def in_words(grid: Grid) -> str:
    """A grid for messages: voxels and spacing along (z, y, x), origin as (x, y, z) in LPS."""
    size, steps, origin = (
        " x ".join(f"{part:.6g}" for part in each) for each in (grid.shape, grid.spacing, grid.origin)
    )
    return f"{size} voxels of {steps} mm (z, y, x) from {origin} mm (x, y, z)"


def _listed(heights: Sequence[float] | npt.NDArray[np.float64]) -> str:
    return ", ".join(f"{float(height):.2f}" for height in sorted(heights)[:_NAMED]) + _more(len(heights))


def _more(count: int) -> str:
    return f" and {count - _NAMED} more" if count > _NAMED else ""


def _triple(vector: npt.NDArray[np.float64]) -> Vector:
    x, y, z = (float(part) + 0.0 for part in vector)  # + 0.0: no negative zero in documents
    return x, y, z
