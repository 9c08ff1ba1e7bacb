"""Planar contours to masks."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


def fill_polygons(polygons: Iterable[npt.NDArray[np.float64]], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Pixels whose centre lies inside, by the even-odd rule.

    All contours of a slice go in together: a contour inside another one is a hole, as structure
    sets are drawn in practice; a keyhole contour (DICOM PS3.3 C.8.8.6.3) gives the same.
    A centre on a left or upper border is inside, on a right or lower border outside, so that
    regions side by side share no pixel and leave none out.

    Parameters
    ----------
    polygons
        Arrays (n, 2) of vertices (y, x) in pixels; pixel [0, 0] has its centre at (0, 0). Closed implicitly.
    shape
        Rows and columns.

    Returns
    -------
    mask (y, x).
    """
    # A crossing of a row of centres toggles every pixel to its right; the running sum's parity says inside.
    toggles = np.zeros((shape[0], shape[1] + 1), np.int64)
    for polygon in polygons:
        start, end = polygon, np.roll(polygon, -1, axis=0)
        rows, columns = _crossings(start, end, shape[0])
        np.add.at(toggles, (rows, np.clip(np.ceil(columns), 0, shape[1]).astype(np.intp)), 1)
    return np.equal(np.cumsum(toggles[:, :-1], axis=1) % 2, 1)


def _crossings(
    start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], height: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Rows that edges cross, and the x at which they do.

    Half-open in y: a vertex on a row counts for one of its two edges.
    """
    low, high = np.minimum(start[:, 0], end[:, 0]), np.maximum(start[:, 0], end[:, 0])
    first = np.clip(np.ceil(low), 0, height).astype(np.intp)
    count = np.maximum(np.clip(np.ceil(high), 0, height).astype(np.intp) - first, 0)
    edge = np.repeat(np.arange(len(start)), count)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    slope = (end[edge, 1] - start[edge, 1]) / (end[edge, 0] - start[edge, 0])
    return row, start[edge, 1] + slope * (row - start[edge, 0])
