"""The oriented minimum bounding box of a region (IBSI manual, section 3.1; ZH1A and IQYR).

The manual accepts approximations. Ours: the box of least volume has two adjacent faces flush with edges of the hull
(O'Rourke 1985), and seen along any of its axes it is the rectangle of least area around the hull's shadow, which
rotating calipers find exactly. We turn a box about one axis after the other, each time to that rectangle, until
no turn makes it smaller, and start from the image's axes, the principal axes and the largest facets of the hull.
"""

import numpy as np
from scipy.spatial import ConvexHull

from lucidray.quantify.enclosing import Sides, box_area
from lucidray.quantify.hull import Hull
from lucidray.quantify.region import Points

# From how many facets we start, and how many boxes we follow to the end.
_FACETS = 48
_FOLLOWED = 12
_MAXIMUM_TURNS = 60
_PROGRESS = 1e-9  # what a turn has to gain, relative, for another round
_DIGITS = 12  # of relative lengths; float64 carries 16
_ALIKE = 6  # decimals to which the normals of the triangles of one facet agree


def minimum_box(hull: Hull) -> Sides:
    """Sides of the box, in no particular order, mm.

    Regions of a few voxels have several least boxes, of different area; of those found, that of the least area counts.
    """
    # Of one size and rounded, so that rounding errors decide nothing and the unit of length does not matter.
    size = np.ptp(hull.vertices, axis=0).max()
    points = np.round((hull.vertices - hull.vertices.min(axis=0)) / size, _DIGITS)
    principal = np.linalg.eigh(np.cov(points, rowvar=False))[1].T
    turned = [_turn(points, frame, 0) for frame in (np.eye(3), principal, *map(_frame, _facets(hull)))]
    followed = sorted(turned, key=lambda frame: _volume(points, frame))[:_FOLLOWED]
    found = np.array([np.ptp(points @ _descend(points, frame).T, axis=0) for frame in followed])
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
    other = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    other /= np.linalg.norm(other)
    return np.array([normal, other, np.cross(normal, other)])


def _volume(points: Points, frame: Points) -> float:
    return float(np.prod(np.ptp(points @ frame.T, axis=0)))


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


def _turn(points: Points, frame: Points, axis: int) -> Points:
    """The frame turned about one of its axes to the least rectangle around the shadow along it."""
    first, second = (frame[other] for other in range(3) if other != axis)
    shadow = points @ np.column_stack([first, second])
    outline = shadow[ConvexHull(shadow).vertices]
    edges = np.roll(outline, -1, axis=0) - outline
    edges /= np.linalg.norm(edges, axis=1)[:, None]
    across = np.column_stack([-edges[:, 1], edges[:, 0]])
    areas = np.ptp(edges @ outline.T, axis=1) * np.ptp(across @ outline.T, axis=1)
    best = int(areas.argmin())
    along = edges[best, 0] * first + edges[best, 1] * second
    return np.array([frame[axis], along, np.cross(frame[axis], along)])
