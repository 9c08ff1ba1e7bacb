"""Boxes that roll over the edges of a convex body, to the least near a given one (IBSI manual, section 3.1; ZH1A).

Two adjacent faces of the least box are flush with edges of the body (O'Rourke 1985). Turning a box about its own axes
lifts one of the two from its edge, and can get stuck above the least volume: here one face rolls over an edge, from one
facet to the next, while the other stays flush with a second edge.
"""

from itertools import permutations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lucidray.quantify.compiled import compiled
from lucidray.quantify.hull import Hull
from lucidray.quantify.region import Points

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_NEAR = 4  # edges looked at for each face of the box
_SEARCHED = 16  # pairs of edges that are followed to the least box: those with the least of the samples
_SAMPLES = (0.0, 0.5, 1.0)
_GOLDEN = (5**0.5 - 1) / 2
_ROUNDS = 30  # of golden section: 0.618^30 of an edge is 5e-7; where the volume has a kink turning goes on from there
_FLAT = 1e-9  # of the cosine of the angle between two triangles of one facet less 1
# Each two adjacent faces, of those along the three axes and then of those against them.
_ONE, _OTHER = np.array([each for each in permutations(range(6), 2) if (each[0] - each[1]) % 3]).T
_PARALLEL = 1e-18  # squared sine of an angle between a face's normal and an edge that no other face can keep to


class Body(NamedTuple):
    """A convex body, as rolling boxes want it."""

    points: Points  # (3, n), contiguous
    firsts: Integers  # (n + 1) where in `neighbours` those of a point begin
    neighbours: Integers  # points at the other ends of a point's edges
    arcs: Points  # outward unit normals (m, 2, 3) of the facets on both sides of each edge
    edges: Points  # unit vectors (m, 3) along the edges
    middles: Points  # unit vectors (m, 3) half-way on the arcs


def body_of(hull: Hull, points: Points) -> Body:
    """A hull, its vertices moved and scaled: `points` (3, n), contiguous."""
    ends = hull.simplices[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    codes = np.unique(np.concatenate([ends @ (points.shape[1], 1), ends @ (1, points.shape[1])]))
    own, neighbours = np.divmod(codes, points.shape[1])
    firsts = np.searchsorted(own, np.arange(points.shape[1] + 1))
    triangles, beside = np.repeat(np.arange(len(hull.simplices)), 3), hull.neighbours.ravel()
    arcs = np.stack([hull.facing[triangles], hull.facing[beside]], axis=1)[triangles < beside]
    arcs = arcs[np.einsum("nk,nk->n", arcs[:, 0], arcs[:, 1]) < 1 - _FLAT]
    return Body(points, firsts, neighbours, arcs, _unit(np.cross(arcs[:, 0], arcs[:, 1])), _unit(arcs.sum(axis=1)))


def _unit(vectors: Points) -> Points:
    found: Points = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def rolled(body: Body, frame: Points) -> Points:
    """Axes (rows) of the least box found by rolling that of a frame, which is not always smaller."""
    arc, edge = _pairs(body, frame)
    samples = np.array([_volumes(body, arc, edge, np.full(len(arc), place)) for place in _SAMPLES])
    best = np.argsort(samples.min(axis=0), kind="stable")[:_SEARCHED]
    arc, edge = arc[best], edge[best]
    places = np.array([np.zeros(len(best)), _least_places(body, arc, edge), np.ones(len(best))])
    volumes = np.array([_volumes(body, arc, edge, place) for place in places])
    row, column = divmod(int(volumes.argmin()), len(best))
    return _frame(arc[column], edge[column], float(places[row, column]))


def _pairs(body: Body, frame: Points) -> tuple[Points, Points]:
    """For each two adjacent faces of a box: arcs (n, 2, 3) near one's normal, and edges (n, 3) near the other."""
    along = frame @ body.middles.T
    near = np.argsort(np.concatenate([-along, along]), axis=1, kind="stable")[:, :_NEAR]
    first, second = np.broadcast_arrays(near[_ONE][:, :, None], near[_OTHER][:, None, :])
    return body.arcs[first.ravel()], body.edges[second.ravel()]


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
def _farthest(body: Body, place: int, z: float, y: float, x: float) -> tuple[int, float]:
    """The point farthest along a direction, and how far: uphill from a point to neighbours, as convex bodies allow."""
    points, greatest, before = body.points, -np.inf, -1
    while place != before:
        before = place
        greatest = z * points[0, place] + y * points[1, place] + x * points[2, place]
        for index in range(body.firsts[before], body.firsts[before + 1]):
            other = body.neighbours[index]
            along = z * points[0, other] + y * points[1, other] + x * points[2, other]
            if along > greatest:
                place, greatest = other, along
    return place, greatest


@compiled
def _volume(body: Body, ends: Integers, arc: Points, edge: Points, place: float) -> float:
    """Of one such box; infinite if there is none. `ends` (6) are points of the body from which to look for its ends."""
    frame = _frame(arc, edge, place)
    if frame[1, 0] == 0 and frame[1, 1] == 0 and frame[1, 2] == 0:
        return np.inf
    volume = 1.0
    for axis in range(3):
        z, y, x = frame[axis]
        ends[axis], high = _farthest(body, ends[axis], z, y, x)
        ends[axis + 3], low = _farthest(body, ends[axis + 3], -z, -y, -x)
        volume *= high + low
    return volume


@compiled
def _volumes(body: Body, arcs: Points, edges: Points, places: Numbers) -> Numbers:
    volumes, ends = np.empty(len(arcs)), np.full(6, body.neighbours[0])
    for pair in range(len(arcs)):
        volumes[pair] = _volume(body, ends, arcs[pair], edges[pair], places[pair])
    return volumes


@compiled
def _least_places(body: Body, arcs: Points, edges: Points) -> Numbers:
    """Where on each arc the box is least, by golden section."""
    places, ends = np.empty(len(arcs)), np.full(6, body.neighbours[0])
    for pair in range(len(arcs)):
        arc, edge, low, high = arcs[pair], edges[pair], 0.0, 1.0
        left, right = 1 - _GOLDEN, _GOLDEN
        at_left, at_right = _volume(body, ends, arc, edge, left), _volume(body, ends, arc, edge, right)
        for _ in range(_ROUNDS):
            if at_left < at_right:
                high, right, at_right = right, left, at_left
                left = high - _GOLDEN * (high - low)
                at_left = _volume(body, ends, arc, edge, left)
            else:
                low, left, at_left = left, right, at_right
                right = low + _GOLDEN * (high - low)
                at_right = _volume(body, ends, arc, edge, right)
        places[pair] = (low + high) / 2
    return places
