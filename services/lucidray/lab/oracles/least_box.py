"""The box of least volume around a convex body, by exhausting all that can be it.

The manual (section 3.1, ZH1A) names O'Rourke's rotating calipers (Finding minimal enclosing boxes, International
Journal of Computer and Information Sciences 1985) and allows approximations; `quantify` and mirp search. O'Rourke
proved that two adjacent faces of the least box are flush with edges of the body. A face flush with an edge has its
normal on the arc between those of the two facets that meet there. For every pair of edges with orthogonal normals on
their arcs the boxes make one or two families with one parameter, and all families are searched.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

Array = npt.NDArray[np.float64]

_FLAT = 1e-9  # of the cosine of the angle between two facets less 1, and of orthogonality
_AT_ONCE = 2_000_000  # products of boxes and vertices held in memory
_SAMPLES = 5  # boxes of each family looked at first
_CANDIDATES = 400  # families searched to the end: those with the best samples
_ROUNDS = 60  # of golden section: 0.618^60 of a family is 1e-13
_GOLDEN = (np.sqrt(5) - 1) / 2
_ALIKE = 1e-9  # relative, of volumes of boxes that are both the least


class _Families:
    """Boxes with a normal on the arc of an edge, (n, 2, 3), and the next one orthogonal on that of another."""

    def __init__(self, vertices: Array, first: Array, second: Array, begin: Array, end: Array) -> None:
        self._vertices, self._first, self._second = vertices, first, second
        self._begin, self._end = begin, end

    def __len__(self) -> int:
        return len(self._begin)

    def chosen(self, which: npt.NDArray[np.intp]) -> "_Families":
        return _Families(self._vertices, self._first[which], self._second[which], self._begin[which], self._end[which])

    def within(self, begin: Array, end: Array) -> "_Families":
        """The parts of the families between two places of each."""
        length = self._end - self._begin
        first, last = self._begin + begin * length, self._begin + end * length
        return _Families(self._vertices, self._first, self._second, first, last)

    def sides(self, place: Array) -> Array:
        """Of the boxes (n, 3) at a place of each family, from 0 to 1."""
        at = (self._begin + place * (self._end - self._begin))[:, None]
        one = _unit((1 - at) * self._first[:, 0] + at * self._first[:, 1])
        # Where both ends are orthogonal, all between them are: the tiny number takes the middle.
        towards = np.abs(np.einsum("nk,nak->na", one, self._second)) + 1e-30
        other = _unit(towards[:, 1:] * self._second[:, 0] + towards[:, :1] * self._second[:, 1])
        axes = np.stack([one, other, np.cross(one, other)], axis=1)
        step = max(1, _AT_ONCE // len(self._vertices))
        blocks = (axes[start : start + step] @ self._vertices.T for start in range(0, len(axes), step))
        return np.concatenate([np.ptp(block, axis=2) for block in blocks])


def least_box(points: Array) -> tuple[float, float, float]:
    """Sides of the smallest box around points (n, 3), which span the space; of several, those of the least area."""
    hull = ConvexHull(points)
    size = np.ptp(points, axis=0).max()
    families = _families(points[hull.vertices] / size, _arcs(hull))
    sides = np.array([families.sides(np.full(len(families), place)) for place in np.linspace(0, 1, _SAMPLES)])
    best = np.argsort(sides.prod(axis=2).min(axis=0), kind="stable")[:_CANDIDATES]
    found = np.concatenate([sides.reshape(-1, 3), *_searched(families.chosen(best))])
    volumes = found.prod(axis=1)
    least = found[volumes <= volumes.min() * (1 + _ALIKE)]
    areas = least[:, 0] * least[:, 1] + least[:, 0] * least[:, 2] + least[:, 1] * least[:, 2]
    first, second, third = (float(side) * size for side in least[areas.argmin()])
    return first, second, third


def _arcs(hull: ConvexHull) -> Array:
    """Outward normals (n, 2, 3) of the facets on both sides of each edge."""
    facets = np.arange(len(hull.simplices)).repeat(3)
    pairs = np.column_stack([facets, hull.neighbors.ravel()])
    normals = hull.equations[:, :3][pairs[pairs[:, 0] < pairs[:, 1]]]
    edges: Array = normals[(normals[:, 0] * normals[:, 1]).sum(axis=1) < 1 - _FLAT]
    return edges


def _families(vertices: Array, arcs: Array) -> _Families:
    """All of them, by each edge in turn with all edges."""
    parts = [
        (np.broadcast_to(one, arcs[which].shape), arcs[which], begin, end)
        for one in arcs
        for which, begin, end in _orthogonal(one, arcs)
    ]
    return _Families(vertices, *(np.concatenate(each) for each in zip(*parts, strict=True)))


def _orthogonal(one: Array, others: Array) -> Iterator[tuple[npt.NDArray[np.intp], Array, Array]]:
    """Where along an arc there is a normal orthogonal to one on another arc: between those to the ends of the other.

    A normal n of the arc, which has not its length, is linear in the place, and so are its products with both ends of
    another arc; where these have opposite signs, or one is zero, the other arc crosses the plane across n.
    """
    products = np.einsum("ak,nbk->nab", one, others)
    products[np.abs(products) < _FLAT] = 0
    start, slope = products[:, 0], products[:, 1] - products[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        zeros = np.where(slope == 0, 0.0, -start / slope)
    cuts = np.sort(np.clip(np.column_stack([np.zeros(len(others)), zeros, np.ones(len(others))]), 0, 1), axis=1)
    for low, high in pairwise(cuts.T):
        middle = start + slope * ((low + high) / 2)[:, None]
        crossing = (middle.prod(axis=1) <= 0) & (np.abs(middle).max(axis=1) > 0)
        which = np.flatnonzero(crossing & ((high > low) | (low == 0) | (high == 1)))
        yield which, low[which], high[which]


def _searched(families: _Families) -> Iterator[Array]:
    """Sides of the least box between each two neighbouring samples of each family, by golden section."""
    for begin, end in pairwise(np.linspace(0, 1, _SAMPLES)):
        everyone = np.ones(len(families))
        part = families.within(begin * everyone, end * everyone)
        low, high = 0 * everyone, everyone
        for _ in range(_ROUNDS):
            inner = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
            first, second = (part.sides(place).prod(axis=1) for place in inner)
            low, high = np.where(first > second, inner[0], low), np.where(first > second, high, inner[1])
        yield part.sides((low + high) / 2)


def _unit(vectors: Array) -> Array:
    normed: Array = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normed
