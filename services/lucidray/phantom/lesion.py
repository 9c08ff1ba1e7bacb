"""A lesion whose volume, contours and mean uptake are known exactly.

Its cross-section at relative height w is a lobed ellipse: in normalised coordinates the
boundary is rho^2 = (1 - w^2) (1 + lobe cos(k theta + phase)). The integral of rho^2 / 2
over theta does not depend on the lobes, and shifting sections sideways changes no volume, so
that the volume stays that of the ellipsoid, 4/3 pi a b c, whatever the outline looks like.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lucidray.phantom.texture import RandomField

Array = npt.NDArray[np.floating]

# Nodes of the midpoint rule over height, angle and squared radius that normalises the uptake;
# the mean is within 0.05 % of that of a grid 64 times as dense.
_NODES = (24, 48, 16)
_CORE_EDGE = 0.06
_LEAST_UPTAKE = 0.05


@dataclass(frozen=True)
class Texture:
    """How uptake varies inside a lesion."""

    heterogeneity: float = 0.25
    """Standard deviation of the uptake relative to its mean."""
    correlation_length: float = 8.0
    """Distance over which uptake stays alike, mm."""
    core: float = 0.55
    """Relative radius of the necrotic core; it holds core^3 of the volume. 0: no core."""
    core_uptake: float = 0.3
    """Uptake of the core relative to the rim."""


@dataclass(frozen=True)
class Lesion:
    """A lobed, leaning, textured solid."""

    centre: tuple[float, float, float]
    semi_axes: tuple[float, float, float]
    suv_mean: float
    texture: Texture
    field: RandomField
    lobes: int
    lobe_depth: float
    phase: float
    bend: tuple[float, float]
    """Sideways shift in (x, y), mm, of the section at relative height w: bend * (w^2 - 1/2)."""

    @property
    def volume_ml(self) -> float:
        """Exact volume, ml."""
        return float(4.0 / 3.0 * np.pi * np.prod(self.semi_axes) / 1000.0)

    def contour(self, z: float, points: int = 96) -> npt.NDArray[np.float64]:
        """Boundary at height z: shape (points, 3), (x, y, z) in mm; empty (0, 3) beyond the lesion."""
        w = (z - self.centre[2]) / self.semi_axes[2]
        if abs(w) >= 1.0:
            return np.empty((0, 3))
        theta = np.linspace(0.0, 2 * np.pi, points, endpoint=False)
        rho = np.sqrt((1.0 - w * w) * self._lobe(theta))
        return self._place(rho, theta, np.full(points, w))

    def surface(self, sections: int = 24) -> npt.NDArray[np.float64]:
        """Points on the surface, shape (n, 3), (x, y, z) in mm."""
        heights = self.centre[2] + self.semi_axes[2] * np.linspace(-0.98, 0.98, sections)
        return np.concatenate([self.contour(float(z), 32) for z in heights])

    def radius(self, points: Array) -> npt.NDArray[np.float64]:
        """Relative radius of points (n, 3): 0 at the centre, 1 on the surface, above 1 outside."""
        w = (points[:, 2] - self.centre[2]) / self.semi_axes[2]
        sideways = w * w - 0.5
        u = (points[:, 0] - self.centre[0] - self.bend[0] * sideways) / self.semi_axes[0]
        v = (points[:, 1] - self.centre[1] - self.bend[1] * sideways) / self.semi_axes[1]
        return np.sqrt((u * u + v * v) / self._lobe(np.arctan2(v, u)) + w * w)

    def uptake(self, points: Array) -> npt.NDArray[np.float64]:
        """SUV at points (n, 3) inside the lesion; its mean over the lesion is `suv_mean`."""
        return self._relative(points) * (self.suv_mean / self._mean_relative())

    def bounds(self) -> npt.NDArray[np.float64]:
        """Lower and upper corner (x, y, z) of a box that holds the lesion, mm; shape (2, 3)."""
        reach = np.array(self.semi_axes)
        reach[:2] = reach[:2] * np.sqrt(1.0 + self.lobe_depth) + np.abs(self.bend) / 2
        return np.array([self.centre - reach, self.centre + reach])

    def mask(self, z: Array, y: Array, x: Array) -> tuple[tuple[slice, slice, slice], npt.NDArray[np.bool_], Array]:
        """Which centres of an axis-aligned grid lie inside, within the lesion's box.

        Returns the box as slices (z, y, x), the mask of the box, and the inside points (n, 3).
        """
        low, high = self.bounds()
        box = tuple(slice(*np.searchsorted(axis, (low[i], high[i])).tolist()) for axis, i in ((z, 2), (y, 1), (x, 0)))
        zz, yy, xx = np.meshgrid(z[box[0]], y[box[1]], x[box[2]], indexing="ij")
        points = np.stack([xx.ravel(), yy.ravel(), zz.ravel()], axis=1)
        inside = self.radius(points) <= 1.0
        return (box[0], box[1], box[2]), inside.reshape(zz.shape), points[inside]

    def _lobe(self, theta: Array) -> npt.NDArray[np.float64]:
        return np.asarray(1.0 + self.lobe_depth * np.cos(self.lobes * theta + self.phase))

    def _place(self, rho: Array, theta: Array, w: Array) -> npt.NDArray[np.float64]:
        sideways = w * w - 0.5
        x = self.centre[0] + self.bend[0] * sideways + self.semi_axes[0] * rho * np.cos(theta)
        y = self.centre[1] + self.bend[1] * sideways + self.semi_axes[1] * rho * np.sin(theta)
        return np.stack([x, y, self.centre[2] + self.semi_axes[2] * w], axis=1)

    def _relative(self, points: Array) -> npt.NDArray[np.float64]:
        texture = self.texture
        varied = 1.0 + texture.heterogeneity * self.field(points)
        inward = 1.0 / (1.0 + np.exp((self.radius(points) - texture.core) / _CORE_EDGE))
        rim = 1.0 - (1.0 - texture.core_uptake) * inward if texture.core > 0 else 1.0
        return np.maximum(varied * rim, _LEAST_UPTAKE)

    def _mean_relative(self) -> float:
        heights, angles, squares = _NODES
        w = (np.arange(heights) + 0.5) / heights * 2.0 - 1.0
        theta = (np.arange(angles) + 0.5) / angles * 2.0 * np.pi
        part = (np.arange(squares) + 0.5) / squares
        ww, tt, pp = (axis.ravel() for axis in np.meshgrid(w, theta, part, indexing="ij"))
        weight = (1.0 - ww * ww) * self._lobe(tt)  # squared boundary radius: the volume element over 2
        values = self._relative(self._place(np.sqrt(weight * pp), tt, ww))
        return float(np.average(values, weights=weight))
