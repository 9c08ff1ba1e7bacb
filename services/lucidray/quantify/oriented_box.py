"""The oriented minimum bounding box of a region (IBSI manual, section 3.1; ZH1A and IQYR).

The manual accepts approximations. Ours: the box of least volume has two adjacent faces flush with edges of the hull
(O'Rourke 1985), and seen along any of its axes it is the rectangle of least area around the hull's shadow, which
rotating calipers find exactly. We turn a box about one axis after the other, each time to that rectangle, until
no turn makes it smaller, and start from the image's axes, the principal axes and the largest facets of the hull. The
least boxes then roll over the edges they touch for as long as that makes them smaller.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lucidray.quantify.compiled import compiled
from lucidray.quantify.enclosing import Sides, box_area
from lucidray.quantify.hull import Hull
from lucidray.quantify.region import Points
from lucidray.quantify.rolling_box import Body, body_of, rolled

Numbers = npt.NDArray[np.float64]

# From how many facets we start, and how many boxes we follow to the end.
_FACETS = 48
_FOLLOWED = 12
_ROLLED = 4  # of different volumes
_MAXIMUM_TURNS = 60
_PROGRESS = 1e-9  # what a turn has to gain, relative, for another round
_DIGITS = 12  # of relative lengths; float64 carries 16
_ROUNDING = 1e-12  # of lengths that are relative to the size of the region
_LINES = 8  # along which the outermost points are looked for
_ALIKE = 6  # decimals to which the normals of the triangles of one facet agree, and volumes of one box


def minimum_box(hull: Hull) -> Sides:
    """Sides of the box, in no particular order, mm.

    Regions of a few voxels have several least boxes, of different area; of those found, that of the least area counts.
    """
    # Of one size and rounded, so that rounding errors decide nothing and the unit of length does not matter.
    size = np.ptp(hull.vertices, axis=0).max()
    points = np.ascontiguousarray(np.round((hull.vertices - hull.vertices.min(axis=0)) / size, _DIGITS).T)
    principal = np.linalg.eigh(np.cov(points))[1].T
    turned = [_turn(points, frame, 0) for frame in (np.eye(3), principal, *map(_frame, _facets(hull)))]
    followed = sorted(turned, key=lambda frame: _volume(points, frame))[:_FOLLOWED]
    descended = [_descend(points, frame) for frame in followed]
    found = np.array([_sides(points, frame) for frame in (*descended, *_rolled(body_of(hull, points), descended))])
    least = found[np.prod(found, axis=1) <= np.prod(found, axis=1).min() * (1 + _PROGRESS)]
    first, second, third = (float(side * size) for side in min(least, key=box_area))
    return first, second, third


def _facets(hull: Hull) -> Points:
    """Normals of the largest facets, (n, 3)."""
    areas = np.linalg.norm(hull.normals, axis=1)
    normals = np.round(hull.normals / areas[:, None], _DIGITS)
    leading = normals[np.arange(len(normals)), np.abs(normals).argmax(axis=1)]
    normals *= np.where(leading < 0, -1, 1)[:, None]
    _, first, facets = np.unique(np.round(normals, _ALIKE), axis=0, return_index=True, return_inverse=True)
    shares = np.round(np.bincount(facets.ravel(), areas) / areas.sum(), _DIGITS)
    largest = np.argsort(-shares, kind="stable")[:_FACETS]
    chosen: Points = normals[first[largest]]
    return chosen


def _frame(normal: Points) -> Points:
    """Three orthogonal unit axes (rows), the first of them along a normal."""
    normal = normal / np.linalg.norm(normal)
    other = _across(normal, np.eye(3)[np.abs(normal).argmin()])
    other /= np.linalg.norm(other)
    return np.array([normal, other, _across(normal, other)])


def _across(first: Points, second: Points) -> Points:
    """Cross product of two vectors; NumPy's is for many at once."""
    z, y, x = first
    w, v, u = second
    return np.array([y * u - x * v, x * w - z * u, z * v - y * w])


def _sides(points: Points, frame: Points) -> Points:
    """Of the box around points (3, n) along the axes of a frame."""
    along = frame @ points
    sides: Points = along.max(axis=1) - along.min(axis=1)
    return sides


def _volume(points: Points, frame: Points) -> float:
    z, y, x = (float(side) for side in _sides(points, frame))
    return z * y * x


def _descend(points: Points, frame: Points) -> Points:
    """Turn about the axes by turns for as long as the box shrinks."""
    volume, idle = _volume(points, frame), 0
    for turn in range(_MAXIMUM_TURNS):
        turned = _turn(points, frame, turn % 3)
        smaller = _volume(points, turned)
        idle = 0 if smaller < volume * (1 - _PROGRESS) else idle + 1
        if smaller < volume:
            frame, volume = turned, smaller
        if idle == len(frame):
            break
    return frame


def _rolled(body: Body, frames: list[Points]) -> Iterator[Points]:
    """The least boxes of different volumes, rolled and turned for as long as they shrink."""
    points, finished = body.points, set[float]()
    different = {round(_volume(points, frame), _ALIKE): frame for frame in frames}
    for volume in sorted(different)[:_ROLLED]:
        frame, smaller = different[volume], True
        while smaller and round(_volume(points, frame), _ALIKE) not in finished:
            turned = _descend(points, rolled(body, frame))
            smaller = _volume(points, turned) < _volume(points, frame) * (1 - _PROGRESS)
            if smaller:
                frame = turned
            else:
                finished.add(round(_volume(points, frame), _ALIKE))
        yield frame


def _turn(points: Points, frame: Points, axis: int) -> Points:
    """The frame turned about one of its axes to the least rectangle around the shadow along it."""
    first, second = frame[(axis + 1) % 3], frame[(axis + 2) % 3]
    cosine, sine = _least_rectangle(_rim(np.array([first, second]) @ points))
    return np.array([frame[axis], cosine * first + sine * second, cosine * second - sine * first])


@compiled
def _rim(points: Points) -> Points:
    """Of points (2, n) those, in lexical order, that are not inside the polygon of the farthest along some lines."""
    first, second = points[0], points[1]
    inside, corners = np.ones(first.size, np.bool_), np.zeros(2 * _LINES + 1, np.int64)
    for line in range(_LINES):
        cosine, sine, low, high = np.cos(np.pi * line / _LINES), np.sin(np.pi * line / _LINES), np.inf, -np.inf
        for place in range(first.size):
            along = first[place] * cosine + second[place] * sine
            if along > high:
                high, corners[line] = along, place
            if along < low:
                low, corners[line + _LINES] = along, place
    corners[-1] = corners[0]
    for corner in range(2 * _LINES):
        start, end = corners[corner], corners[corner + 1]
        a, b = first[end] - first[start], second[end] - second[start]
        least = a * second[start] - b * first[start] + _ROUNDING
        if start != end:
            for place in range(first.size):
                inside[place] &= a * second[place] - b * first[place] > least
    return _sorted(points, inside)


@compiled
def _sorted(points: Points, left_out: npt.NDArray[np.bool_]) -> Points:
    """The points (2, n) without some, in lexical order."""
    found, size = np.empty(points.shape), 0
    for place in range(left_out.size):
        if not left_out[place]:
            first, second, at = points[0, place], points[1, place], size
            while at and (found[0, at - 1] > first or (found[0, at - 1] == first and found[1, at - 1] > second)):
                found[0, at], found[1, at] = found[0, at - 1], found[1, at - 1]
                at -= 1
            found[0, at], found[1, at] = first, second
            size += 1
    return found[:, :size]


@compiled
def _least_rectangle(points: Points) -> tuple[float, float]:
    """Direction (cosine, sine) of a side of the least rectangle around points (2, n) in lexical order.

    One side is flush with an edge of their convex hull, which is found by Andrew's chains.
    """
    first, second = points[0], points[1]
    hull, size, least = np.empty(2 * first.size, np.int64), 0, 2
    for step in range(2 * first.size - 1):  # forth below, back above
        place = min(step, 2 * first.size - 2 - step)
        if step == first.size:
            least = size + 1
        while size >= least and _leftwards(first, second, hull[size - 2], hull[size - 1], place) <= 0:
            size -= 1
        hull[size] = place
        size += 1
    smallest, cosine, sine = np.inf, 1.0, 0.0
    for edge in range(size - 1):
        a, b = first[hull[edge + 1]] - first[hull[edge]], second[hull[edge + 1]] - second[hull[edge]]
        length = np.hypot(a, b)
        if length > _ROUNDING:
            a, b = a / length, b / length
            near, far, low, high = np.inf, -np.inf, np.inf, -np.inf
            for corner in hull[: size - 1]:
                along, across = first[corner] * a + second[corner] * b, second[corner] * a - first[corner] * b
                near, far, low, high = min(near, along), max(far, along), min(low, across), max(high, across)
            if (far - near) * (high - low) < smallest:
                smallest, cosine, sine = (far - near) * (high - low), a, b
    return cosine, sine


@compiled
def _leftwards(first: Numbers, second: Numbers, start: int, middle: int, end: int) -> float:
    """Twice the area of a triangle of three of the points; negative if the path through them turns right."""
    a, b = first[middle] - first[start], second[middle] - second[start]
    area: float = a * (second[end] - second[start]) - b * (first[end] - first[start])
    return area
