"""The ellipsoid of least volume around points (IBSI manual, section 3.1; SWZ1 and BRI8).

The manual defines it and suggests Khachiyan's ascent, which gets near it slowly: where more points touch the ellipsoid
than it needs, as is usual between voxels, even refined ascents take tens of thousands of steps. Here the ellipsoid
{x: |Ax + b| <= 1} is sought itself, by Newton's method under a logarithmic barrier (Boyd and Vandenberghe, Convex
Optimization, sections 8.4.1, 9.6 and 11.3): nine unknowns, and some hundred steps for any points. Few points decide:
those that stick out of the ellipsoid of the farthest are added until none does.
"""

import numpy as np
import numpy.typing as npt
from scipy.linalg import qr

from lucidray.quantify.compiled import compiled
from lucidray.quantify.enclosing import Axes
from lucidray.quantify.region import Points

Array = npt.NDArray[np.float64]

# Weight of the volume against the barrier: the volume is open by (points / weight), 1e-10 for a thousand of them. Axes
# of a nearly round ellipsoid, and hence its area, are open by the root of that.
_SHARPEST = 1e13
_SHARP = 1e4  # enough to find most of the points that decide
_SHARPER = 8.0  # from round to round
_STEPS = 200  # in a round; a dozen is usual
_DONE = 1e-3  # of Newton's decrement
_MORE = 6  # points that are added at a time
_INSIDE = 1e-12  # relative: no farther out than the points that decide
# The nine unknowns: A, symmetric, by these rows and columns, and b.
_ROWS, _COLUMNS = np.array([0, 1, 2, 0, 0, 1]), np.array([0, 1, 2, 1, 2, 2])
_UNKNOWNS = 9


def minimum_ellipsoid(points: Points) -> Axes:
    """Semi-axes (major, minor, least) of the ellipsoid of least volume around points, mm.

    Parameters
    ----------
    points
        Of a hull of some volume, (n, 3) in mm.
    """
    # To points around zero that are about as long as wide, so that the unit of length does not matter.
    to_round = np.linalg.cholesky(np.linalg.inv(np.cov(points, rowvar=False)))
    normed = (points - points.mean(axis=0)) @ to_round
    chosen, outside = np.zeros(len(points), np.bool_), _first(normed)
    sharpest = _SHARP
    while outside.size or sharpest < _SHARPEST:
        sharpest = sharpest if outside.size else _SHARPEST
        chosen[outside] = True
        matrix, offset = _solution(normed[chosen], sharpest)
        reach = np.linalg.norm(normed @ matrix + offset, axis=1)
        farthest = np.argsort(-reach, kind="stable")[:_MORE]
        outside = farthest[(reach[farthest] > reach[chosen].max() * (1 + _INSIDE)) & ~chosen[farthest]]
    # The barrier keeps the farthest point a little inside.
    axes = reach.max() / np.linalg.svd(to_round @ matrix, compute_uv=False)
    least, minor, major = (float(axis) for axis in axes)
    return major, minor, least


def _first(points: Points) -> npt.NDArray[np.intp]:
    """Four points that span the space, and those farthest from the middle."""
    lifted = np.column_stack([points, np.ones(len(points))])
    spanning = qr(lifted.T, mode="r", pivoting=True)[1][:4]
    farthest = np.argsort(-np.linalg.norm(points, axis=1), kind="stable")[:_MORE]
    return np.union1d(spanning, farthest)


def _solution(points: Points, sharpest: float) -> tuple[Array, Array]:
    """A and b of the ellipsoid."""
    unknowns = np.zeros(_UNKNOWNS)
    unknowns[:3] = 1 / (2 * np.linalg.norm(points, axis=1).max())  # a ball of twice the reach
    weight = 1.0
    while weight <= sharpest:
        _centre(points, unknowns, weight)
        weight *= _SHARPER
    return _matrix(unknowns), unknowns[6:]


@compiled
def _centre(points: Points, unknowns: Array, weight: float) -> None:
    """Newton's steps to where the volume's logarithm, weighted, and the barrier are least together."""
    for _ in range(_STEPS):
        gradient, curvature = _derivatives(points, unknowns, weight)
        step = _solved(curvature, gradient)
        decrement = 0.0
        for place in range(_UNKNOWNS):
            decrement += gradient[place] * step[place]
        decrement = np.sqrt(max(decrement, 0.0))
        if decrement < _DONE:
            break
        for place in range(_UNKNOWNS):  # stays inside: the function is self-concordant
            unknowns[place] -= step[place] / (1 + decrement)


@compiled
def _derivatives(points: Points, unknowns: Array, weight: float) -> tuple[Array, Array]:
    """Gradient (9,) and curvature (9, 9) of the volume's logarithm, weighted, and the barrier."""
    gradient, curvature = np.zeros(_UNKNOWNS), np.zeros((_UNKNOWNS, _UNKNOWNS))
    slopes, pull = np.zeros((3, _UNKNOWNS)), np.zeros(_UNKNOWNS)  # of the point's image, and of its slack
    for axis in range(3):
        slopes[axis, 6 + axis] = 1.0
    for point in range(len(points)):
        for place in range(6):
            i, j = _ROWS[place], _COLUMNS[place]
            slopes[i, place], slopes[j, place] = points[point, j], points[point, i]
        slack = 1.0
        pull[:] = 0.0
        for axis in range(3):
            reached = 0.0
            for place in range(_UNKNOWNS):
                reached += slopes[axis, place] * unknowns[place]
            slack -= reached**2
            for place in range(_UNKNOWNS):
                pull[place] += 2 * slopes[axis, place] * reached
        for row in range(_UNKNOWNS):
            gradient[row] += pull[row] / slack
            for column in range(row + 1):
                product = 0.0
                for axis in range(3):
                    product += slopes[axis, row] * slopes[axis, column]
                curvature[row, column] += 2 * product / slack + pull[row] * pull[column] / slack**2
    _add_volume(unknowns, weight, gradient, curvature)
    return gradient, curvature


@compiled
def _add_volume(unknowns: Array, weight: float, gradient: Array, curvature: Array) -> None:
    inverse = _inverse(unknowns)
    for row in range(6):
        i, j = _ROWS[row], _COLUMNS[row]
        twice = 1.0 if i == j else 2.0
        gradient[row] -= weight * twice * inverse[i, j]
        for column in range(row + 1):
            k, m = _ROWS[column], _COLUMNS[column]
            product = inverse[i, k] * inverse[j, m] + inverse[i, m] * inverse[j, k]
            curvature[row, column] += weight * twice * product / (2.0 if k == m else 1.0)


@compiled
def _inverse(unknowns: Array) -> Array:
    """Of the symmetric matrix A, by cofactors."""
    a, b, c, d, e, f = unknowns[0], unknowns[1], unknowns[2], unknowns[3], unknowns[4], unknowns[5]
    found = np.empty((3, 3))
    found[0, 0], found[1, 1], found[2, 2] = b * c - f * f, a * c - e * e, a * b - d * d
    found[0, 1] = found[1, 0] = e * f - d * c
    found[0, 2] = found[2, 0] = d * f - e * b
    found[1, 2] = found[2, 1] = d * e - a * f
    inverse: Array = found / (a * found[0, 0] + d * found[0, 1] + e * found[0, 2])
    return inverse


@compiled
def _solved(matrix: Array, right: Array) -> Array:
    """The solution of positive definite equations, of whose matrix the lower half is given (Cholesky)."""
    lower, found = np.zeros(matrix.shape), right.copy()
    for row in range(_UNKNOWNS):
        for column in range(row + 1):
            rest = matrix[row, column]
            for place in range(column):
                rest -= lower[row, place] * lower[column, place]
            lower[row, column] = np.sqrt(rest) if row == column else rest / lower[column, column]
    for row in range(_UNKNOWNS):
        for place in range(row):
            found[row] -= lower[row, place] * found[place]
        found[row] /= lower[row, row]
    for row in range(_UNKNOWNS - 1, -1, -1):
        for place in range(row + 1, _UNKNOWNS):
            found[row] -= lower[place, row] * found[place]
        found[row] /= lower[row, row]
    return found


@compiled
def _matrix(unknowns: Array) -> Array:
    found = np.empty((3, 3))
    for place in range(6):
        i, j = _ROWS[place], _COLUMNS[place]
        found[i, j] = found[j, i] = unknowns[place]
    return found
