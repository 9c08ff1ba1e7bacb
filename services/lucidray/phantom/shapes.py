"""Solid shapes as stacks of ellipses: each has an exact cross-section at every height.

Coordinates are millimetres in the patient coordinate system (LPS: x to the left, y to
the back, z to the head; DICOM PS3.3 C.7.6.2).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
Profile = Literal["ellipsoid", "cylinder", "taper"]

# How much wider a tapering limb gets for each half height that one climbs.
TAPER = 0.12


@dataclass(frozen=True)
class EllipseStack:
    """An ellipse at every height, scaled by a profile and leaning with height."""

    centre: tuple[float, float, float]
    """Centre (x, y, z), mm."""
    semi_axes: tuple[float, float, float]
    """Half extents along (x, y, z), mm; for a taper the z value only scales the profile."""
    profile: Profile = "ellipsoid"
    lean: tuple[float, float] = (0.0, 0.0)
    """Shift of the centre in (x, y), mm for each mm of height."""

    def scale(self, z: float) -> float:
        """Size of the cross-section at height z relative to `semi_axes`; 0 outside."""
        height = (z - self.centre[2]) / self.semi_axes[2]
        if self.profile == "taper":
            return max(0.0, 1.0 + TAPER * height)
        if abs(height) >= 1.0:
            return 0.0
        return 1.0 if self.profile == "cylinder" else float(np.sqrt(1.0 - height * height))

    def section(self, z: float) -> tuple[float, float, float, float]:
        """Centre x, centre y and half extents in x and y of the cross-section at height z, mm."""
        scale, climb = self.scale(z), z - self.centre[2]
        return (
            self.centre[0] + self.lean[0] * climb,
            self.centre[1] + self.lean[1] * climb,
            self.semi_axes[0] * scale,
            self.semi_axes[1] * scale,
        )

    def contains(self, points: Array) -> npt.NDArray[np.bool_]:
        """Which of the points, shape (n, 3) as (x, y, z) in mm, lie inside."""
        return np.array([self._contains(*point) for point in points.tolist()], dtype=bool)

    def _contains(self, x: float, y: float, z: float) -> bool:
        cx, cy, a, b = self.section(z)
        return a > 0 and ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 <= 1.0

    def paint(self, labels: npt.NDArray[np.uint8], value: int, z: Array, y: Array, x: Array) -> None:
        """Set `labels` (z, y, x) to `value` where the voxel centres lie inside.

        `z`, `y` and `x` are the ascending coordinates of the axes, mm. Only the bounding
        rectangle of each cross-section is visited.
        """
        for index, height in enumerate(z.tolist()):
            cx, cy, a, b = self.section(height)
            if a <= 0:
                continue
            x0, x1 = np.searchsorted(x, (cx - a, cx + a))
            y0, y1 = np.searchsorted(y, (cy - b, cy + b))
            across, down = ((x[x0:x1] - cx) / a) ** 2, ((y[y0:y1] - cy) / b) ** 2
            labels[index, y0:y1, x0:x1][across[None, :] + down[:, None] <= 1.0] = value
