"""Where voxels are: the grid of a volume in patient coordinates."""

from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

Vector = tuple[float, float, float]


class Grid(BaseModel):
    """A regular grid in the patient coordinate system (LPS, mm; DICOM PS3.3 C.7.6.2).

    Index order is (z, y, x): slice, row, column, the order of arrays in memory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[int, int, int] = Field(description="Voxels along (z, y, x)")
    spacing: Vector = Field(description="Distance of neighbouring voxel centres along (z, y, x), mm")
    origin: Vector = Field(description="Centre of voxel [0, 0, 0] as (x, y, z) in LPS, mm")
    axes: tuple[Vector, Vector, Vector] = Field(
        description="Unit vectors (x, y, z) in LPS along which the z, y and x index grow"
    )
    frame_of_reference_uid: str = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        axes = np.array(self.axes)
        if not np.allclose(axes @ axes.T, np.eye(3), atol=1e-4):
            raise ValueError("axes must be orthonormal")
        if not np.isfinite([*self.spacing, *self.origin]).all():
            raise ValueError("spacing and origin must be finite")
        if min(self.spacing) <= 0 or min(self.shape) < 1:
            raise ValueError("spacing and shape must be positive")
        return self

    @property
    def affine(self) -> npt.NDArray[np.float64]:
        """4x4 matrix from index (z, y, x, 1) to LPS mm (x, y, z, 1)."""
        matrix = np.eye(4)
        matrix[:3, :3] = (np.array(self.axes) * np.array(self.spacing)[:, None]).T
        matrix[:3, 3] = self.origin
        return matrix

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel, mm3."""
        return float(np.prod(self.spacing))

    def same_space(self, other: "Grid", tolerance: float = 1e-3) -> bool:
        """Whether both have the same voxels, within `tolerance` mm."""
        return self.shape == other.shape and bool(np.allclose(self.affine, other.affine, atol=tolerance))
