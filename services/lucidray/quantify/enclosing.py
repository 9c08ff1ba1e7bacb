"""Bodies that enclose a region: boxes and ellipsoids (IBSI manual, section 3.1; PBX1 to BRI8)."""

import math

import numpy as np
import numpy.typing as npt

from lucidray.quantify.region import Box, Mask, Points

Sides = tuple[float, float, float]  # of a box
Axes = tuple[float, float, float]  # major, minor and least semi-axis

_SERIES_END = 20  # of the manual's series for the area of an ellipsoid
# Of the minimum volume enclosing ellipsoid. The manual's default, 0.001, leaves its volume open by up to half a
# per cent and by the path of the algorithm; from here on it is one number.
_TOLERANCE = 1e-7
_MAXIMUM_STEPS = 20_000


def bounding_box(mask: Mask) -> Box:
    """The part of an array that holds a region of at least one voxel."""
    ends = []
    for axis in range(3):
        found = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        ends.append(slice(int(found[0]), int(found[-1]) + 1))
    return ends[0], ends[1], ends[2]


def box_volume(sides: Sides) -> float:
    """mm3."""
    return math.prod(sides)


def box_area(sides: Sides) -> float:
    """mm2."""
    z, y, x = sides
    return 2 * (z * y + z * x + y * x)


def ellipsoid_volume(axes: Axes) -> float:
    """Of the ellipsoid of these semi-axes in mm, mm3."""
    return 4 / 3 * math.pi * math.prod(axes)


def ellipsoid_area(axes: Axes) -> float:
    """Of the ellipsoid of these semi-axes (major, minor, least) in mm, mm2.

    The manual's series of Legendre polynomials (RDD2), to its term 20, with the eccentricities as it prints them: the
    consensus was reached so, though the area of an elongated ellipsoid comes out too small, and of a flat one too
    large. The terms are kept multiplied out, so that spheres and spheroids, where the argument of the polynomials
    would be infinite, need no exception.
    """
    major, minor, least = axes
    alpha, beta = 1 - (minor / major) ** 2, 1 - (least / major) ** 2  # squares of the eccentricities
    before, term, total = 0.0, 1.0, 1.0
    for degree in range(1, _SERIES_END + 1):
        new = ((2 * degree - 1) * (alpha + beta) / 2 * term - (degree - 1) * alpha * beta * before) / degree
        before, term = term, new
        total += term / (1 - 4 * degree**2)
    return 4 * math.pi * major * minor * total


def minimum_ellipsoid(points: Points) -> Axes:
    """Semi-axes (major, minor, least) of the ellipsoid of least volume around points, mm.

    The ascent of Khachiyan in barycentric weights, with exchanges between the farthest point and the nearest of those
    that have weight (Boehning, Metrika 1986): it gets to any tolerance, which the plain ascent does not in useful time.

    Parameters
    ----------
    points
        Of a hull of some volume, (n, 3) in mm.
    """
    scale = np.ptp(points, axis=0)
    normed = (points - points.mean(axis=0)) / scale
    weights = _optimal_weights(np.column_stack([normed, np.ones(len(normed))]))
    middle = weights @ normed
    spread = (normed * weights[:, None]).T @ normed - np.outer(middle, middle)
    from_middle = normed - middle
    reach = (from_middle @ np.linalg.inv(spread) * from_middle).sum(axis=1).max()
    eigenvalues = np.linalg.eigvalsh(spread * np.outer(scale, scale) * reach)
    least, minor, major = (float(root) for root in np.sqrt(eigenvalues))
    return major, minor, least


def _optimal_weights(lifted: Points) -> npt.NDArray[np.float64]:
    """Weights (n,) of points (n, 4), the last coordinate one, whose scatter is the ellipsoid of least volume.

    At the optimum no point is farther from the middle, by the scatter, than there are dimensions.
    """
    weights = _first_weights(lifted)
    scatter = (lifted * weights[:, None]).T @ lifted
    for _ in range(_MAXIMUM_STEPS):
        seen = lifted @ np.linalg.inv(scatter)
        distances = (seen * lifted).sum(axis=1)
        far, near = int(distances.argmax()), int(np.where(weights > 0, distances, np.inf).argmin())
        if distances[far] < lifted.shape[1] * (1 + _TOLERANCE):
            break
        curvature = distances[far] * distances[near] - (seen[far] @ lifted[near]) ** 2
        moved = min((distances[far] - distances[near]) / (2 * curvature), weights[near])
        weights[far] += moved
        weights[near] -= moved
        scatter += moved * (np.outer(lifted[far], lifted[far]) - np.outer(lifted[near], lifted[near]))
    return weights


def _first_weights(lifted: Points) -> npt.NDArray[np.float64]:
    """Equal weights on points that span the space: the ends along three axes, each across the spans before it.

    Kumar and Yildirim, Journal of Optimization Theory and Applications 2005.
    """
    weights = np.zeros(len(lifted))
    spanned = np.zeros((3, 3))
    for row in range(3):
        across = np.linalg.svd(spanned)[2][-1]
        along = lifted[:, :3] @ across
        low, high = int(along.argmin()), int(along.argmax())
        weights[[low, high]] = 1
        spanned[row] = lifted[high, :3] - lifted[low, :3]
    normed: npt.NDArray[np.float64] = weights / weights.sum()
    return normed
