"""Volume and area of bodies that enclose a region: boxes and ellipsoids (IBSI manual, section 3.1; PBX1 to BRI8)."""

import math

Sides = tuple[float, float, float]  # of a box
Axes = tuple[float, float, float]  # major, minor and least semi-axis

_SERIES_END = 20  # of the manual's series for the area of an ellipsoid


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
