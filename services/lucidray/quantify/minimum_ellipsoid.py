"""The ellipsoid of least volume around points (IBSI manual, section 3.1; SWZ1 and BRI8).

The manual defines it and suggests Khachiyan's ascent, which gets near it slowly: where more points touch the ellipsoid
than it needs, as is usual between voxels, even refined ascents take tens of thousands of steps. Here the ellipsoid
{x: |Ax + b| <= 1} is sought itself, by Newton's method under a logarithmic barrier (Boyd and Vandenberghe, Convex
Optimization, sections 8.4.1, 9.6 and 11.3): nine unknowns, and some hundred steps for any points. Few points decide:
those that stick out of the ellipsoid of the farthest are added until none does.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.linalg import qr

from lucidray.quantify.enclosing import Axes
from lucidray.quantify.region import Points

Array = npt.NDArray[np.float64]

# Weight of the volume against the barrier: the volume is open by (points / weight), 1e-10 for a thousand of them. Axes
# of a nearly round ellipsoid, and hence its area, are open by the root of that.
_SHARPEST = 1e13
_SHARPER = 4.0  # from round to round
_STEPS = 200  # in a round; a dozen is usual
_DONE = 1e-3  # of Newton's decrement
_MORE = 40  # points that are added at a time
_INSIDE = 1e-12  # relative: no farther out than the points that decide
# The nine unknowns: A, symmetric, by these places, and b.
_PLACES = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
_BASIS = np.array([[[float((i, j) in ((k, m), (m, k))) for j in range(3)] for i in range(3)] for k, m in _PLACES])


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
    while outside.size:
        chosen[outside] = True
        matrix, offset = _solution(normed[chosen])
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


def _solution(points: Points) -> tuple[Array, Array]:
    """A and b of the ellipsoid."""
    turned = np.transpose(_BASIS @ points.T, (2, 1, 0))
    rows = np.concatenate([turned, np.broadcast_to(np.eye(3), (len(points), 3, 3))], axis=2)
    unknowns = np.zeros(9)
    unknowns[:3] = 1 / (2 * np.linalg.norm(points, axis=1).max())  # a ball of twice the reach
    weight = 1.0
    while weight <= _SHARPEST:
        for _ in range(_STEPS):
            gradient, curvature = _derivatives(rows, unknowns, weight)
            step = -np.linalg.solve(curvature, gradient)
            decrement = math.sqrt(max(-float(gradient @ step), 0.0))
            if decrement < _DONE:
                break
            unknowns = unknowns + step / (1 + decrement)  # stays inside: the function is self-concordant
        weight *= _SHARPER
    return _matrix(unknowns), unknowns[6:]


def _matrix(unknowns: Array) -> Array:
    found: Array = np.tensordot(unknowns[:6], _BASIS, 1)
    return found


def _derivatives(rows: Array, unknowns: Array, weight: float) -> tuple[Array, Array]:
    """Of the volume's logarithm, weighted, and the barrier.

    Parameters
    ----------
    rows
        (n, 3, 9): times the unknowns they are A x + b for each point.
    """
    reached = rows @ unknowns
    slack = 1 - (reached**2).sum(axis=1)
    pull = 2 * (reached[:, None] @ rows)[:, 0] / slack[:, None]
    scaled = (rows / np.sqrt(slack)[:, None, None]).reshape(-1, rows.shape[2])
    gradient, curvature = pull.sum(axis=0), 2 * scaled.T @ scaled + pull.T @ pull
    turned = np.linalg.inv(_matrix(unknowns)) @ _BASIS
    gradient[:6] -= weight * np.trace(turned, axis1=1, axis2=2)
    curvature[:6, :6] += weight * np.einsum("kij,mji->km", turned, turned)
    return gradient, curvature
