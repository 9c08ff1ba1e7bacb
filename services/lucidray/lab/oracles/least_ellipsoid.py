"""The ellipsoid of least volume around points, by another way than `quantify` takes, and proven to be it.

The manual (section 3.1, SWZ1) defines the smallest ellipsoid that encloses the region, and suggests Khachiyan's ascent
as an approximation. This is that ascent, carried on until the weights prove, by duality, that no ellipsoid around the
points is smaller by more than the tolerance.
"""

import numpy as np
import numpy.typing as npt

from lucidray.quantify.region import Points

_TOLERANCE = 1e-11  # relative, of the farthest point; areas are then good to 1e-9
_MAXIMUM_STEPS = 1_000_000


def least_ellipsoid(points: Points) -> tuple[float, float, float]:
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
            return weights
        curvature = distances[far] * distances[near] - (seen[far] @ lifted[near]) ** 2
        moved = min((distances[far] - distances[near]) / (2 * curvature), weights[near])
        weights[far] += moved
        weights[near] -= moved
        scatter += moved * (np.outer(lifted[far], lifted[far]) - np.outer(lifted[near], lifted[near]))
    raise ArithmeticError(f"the weights do not prove the least volume after {_MAXIMUM_STEPS} steps")


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
