"""Boxes that roll over the edges of a convex body, to the least near a given one (IBSI manual, section 3.1; ZH1A).

Two adjacent faces of the least box are flush with edges of the body (O'Rourke 1985). Turning a box about its own axes
lifts one of the two from its edge, and can get stuck above the least volume: here one face rolls over an edge, from one
facet to the next, while the other stays flush with a second edge.
"""

from itertools import permutations

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from lucidray.quantify.compiled import compiled
from lucidray.quantify.region import Points

Numbers = npt.NDArray[np.float64]

_NEAR = 4  # edges looked at for each face of the box
_SEARCHED = 16  # pairs of edges that are followed to the least box: those with the least of the samples
_SAMPLES = (0.0, 0.5, 1.0)
_GOLDEN = (5**0.5 - 1) / 2
_ROUNDS = 30  # of golden section: 0.618^30 of an edge is 5e-7; where the volume has a kink turning goes on from there
_FLAT = 1e-9  # of the cosine of the angle between two triangles of one facet less 1
_PARALLEL = 1e-18  # squared sine of an angle between a face's normal and an edge that no other face can keep to


def edge_arcs(points: Points) -> Points:
    """Outward unit normals (n, 2, 3) of the facets on both sides of each edge of the hull of points (n, 3)."""
    hull = ConvexHull(points)
    own = np.repeat(np.arange(len(hull.simplices)), 3)
    once = own < hull.neighbors.ravel()
    arcs = np.stack([hull.equations[own[once], :3], hull.equations[hull.neighbors.ravel()[once], :3]], axis=1)
    bent: Points = arcs[np.einsum("nk,nk->n", arcs[:, 0], arcs[:, 1]) < 1 - _FLAT]
    return bent


def rolled(points: Points, arcs: Points, frame: Points) -> Points:
    """Axes (rows) of the least box found by rolling that of a frame, which is not always smaller.

    Parameters
    ----------
    points
        (3, n), contiguous.
    """
    arc, edge = _pairs(arcs, frame)
    samples = np.array([_volumes(points, arc, edge, np.full(len(arc), place)) for place in _SAMPLES])
    best = np.argsort(samples.min(axis=0), kind="stable")[:_SEARCHED]
    arc, edge = arc[best], edge[best]
    places = np.array([np.zeros(len(best)), _least_places(points, arc, edge), np.ones(len(best))])
    volumes = np.array([_volumes(points, arc, edge, place) for place in places])
    row, column = divmod(int(volumes.argmin()), len(best))
    return _frame(arc[column], edge[column], float(places[row, column]))


def _pairs(arcs: Points, frame: Points) -> tuple[Points, Points]:
    """For each two adjacent faces of a box: arcs (n, 2, 3) near one's normal, and edges (n, 3) near the other."""
    edges = np.cross(arcs[:, 0], arcs[:, 1])
    edges /= np.linalg.norm(edges, axis=1, keepdims=True)
    faces, middles = np.concatenate([frame, -frame]), arcs.sum(axis=1)
    near = np.argsort(-faces @ (middles / np.linalg.norm(middles, axis=1, keepdims=True)).T, axis=1, kind="stable")
    one, other = np.array([each for each in permutations(range(6), 2) if (each[0] - each[1]) % 3]).T
    first, second = np.broadcast_arrays(near[one][:, :_NEAR, None], near[other][:, None, :_NEAR])
    return arcs[first.ravel()], edges[second.ravel()]


@compiled
def _frame(arc: Points, edge: Points, place: float) -> Points:
    """Axes (rows) of a box with one face at a place on an arc, from 0 to 1, and the next along an edge.

    All zero if there is none.
    """
    frame = np.zeros((3, 3))
    z, y, x = (1 - place) * arc[0] + place * arc[1]
    w, v, u = edge
    a, b, c = y * u - x * v, x * w - z * u, z * v - y * w
    length, across = z * z + y * y + x * x, a * a + b * b + c * c
    if across > _PARALLEL * length:
        one, other = 1 / np.sqrt(length), 1 / np.sqrt(across)
        frame[0, 0], frame[0, 1], frame[0, 2] = z * one, y * one, x * one
        frame[1, 0], frame[1, 1], frame[1, 2] = a * other, b * other, c * other
        both = one * other
        frame[2, 0], frame[2, 1], frame[2, 2] = (y * c - x * b) * both, (x * a - z * c) * both, (z * b - y * a) * both
    return frame


@compiled
def _volume(points: Points, arc: Points, edge: Points, place: float) -> float:
    """Of one such box; infinite if there is none."""
    frame = _frame(arc, edge, place)
    if frame[1, 0] == 0 and frame[1, 1] == 0 and frame[1, 2] == 0:
        return np.inf
    volume = 1.0
    for axis in range(3):
        low, high = np.inf, -np.inf
        for point in range(points.shape[1]):
            along = (
                frame[axis, 0] * points[0, point]
                + frame[axis, 1] * points[1, point]
                + frame[axis, 2] * points[2, point]
            )
            low, high = min(low, along), max(high, along)
        volume *= high - low
    return volume


@compiled
def _volumes(points: Points, arcs: Points, edges: Points, places: Numbers) -> Numbers:
    volumes = np.empty(len(arcs))
    for pair in range(len(arcs)):
        volumes[pair] = _volume(points, arcs[pair], edges[pair], places[pair])
    return volumes


@compiled
def _least_places(points: Points, arcs: Points, edges: Points) -> Numbers:
    """Where on each arc the box is least, by golden section."""
    places = np.empty(len(arcs))
    for pair in range(len(arcs)):
        arc, edge, low, high = arcs[pair], edges[pair], 0.0, 1.0
        left, right = 1 - _GOLDEN, _GOLDEN
        at_left, at_right = _volume(points, arc, edge, left), _volume(points, arc, edge, right)
        for _ in range(_ROUNDS):
            if at_left < at_right:
                high, right, at_right = right, left, at_left
                left = high - _GOLDEN * (high - low)
                at_left = _volume(points, arc, edge, left)
            else:
                low, left, at_left = left, right, at_right
                right = low + _GOLDEN * (high - low)
                at_right = _volume(points, arc, edge, right)
        places[pair] = (low + high) / 2
    return places
