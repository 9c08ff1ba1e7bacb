"""Grids of virtual scanners, and what the ideal body looks like on them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from lucidray.phantom import anatomy as body
from lucidray.phantom.patient import CORE_HU, LESION_HU, VirtualPatient

Image = npt.NDArray[np.float32]
Axis = npt.NDArray[np.float64]
Quantity = Literal["HU", "SUV"]


@dataclass(frozen=True)
class Sampling:
    """An axial grid centred on the patient: square slices, z growing to the head."""

    slices: int
    matrix: int
    thickness: float
    """Distance of slices, mm."""
    pixel: float
    """Distance of pixels, mm."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        return self.slices, self.matrix, self.matrix

    @property
    def origin(self) -> tuple[float, float, float]:
        """Centre of voxel [0, 0, 0] as (x, y, z) in LPS, mm."""
        in_plane = -self.pixel * (self.matrix - 1) / 2
        return in_plane, in_plane, -self.thickness * (self.slices - 1) / 2

    @property
    def affine(self) -> npt.NDArray[np.float64]:
        """4x4 matrix from index (z, y, x, 1) to LPS mm (x, y, z, 1)."""
        matrix = np.zeros((4, 4))
        matrix[0, 2] = matrix[1, 1] = self.pixel
        matrix[2, 0] = self.thickness
        matrix[:3, 3] = self.origin
        matrix[3, 3] = 1.0
        return matrix

    def axes(self, finer: tuple[int, int, int] = (1, 1, 1)) -> tuple[Axis, Axis, Axis]:
        """Coordinates of voxel centres along (z, y, x), mm, each voxel split into `finer` parts."""
        x, y, z = self.origin
        return (
            _split(z, self.thickness, self.slices, finer[0]),
            _split(y, self.pixel, self.matrix, finer[1]),
            _split(x, self.pixel, self.matrix, finer[2]),
        )


def _split(start: float, step: float, count: int, parts: int) -> Axis:
    return start + step * ((np.arange(count * parts) + 0.5) / parts - 0.5)


def ideal(patient: VirtualPatient, quantity: Quantity, axes: tuple[Axis, Axis, Axis]) -> Image:
    """What a scanner without blur and noise sees: HU or SUV at the points of the grid (z, y, x)."""
    z, y, x = axes
    labels = np.zeros((len(z), len(y), len(x)), dtype=np.uint8)
    for shape, tissue in patient.anatomy.structures:
        shape.paint(labels, int(tissue), z, y, x)
    uneven = patient.unevenness.on_axes(z, y, x)
    if quantity == "HU":
        image = body.HU[labels] + body.HU_UNEVEN[labels] * uneven
    else:
        image = body.SUV[labels] * (1.0 + body.SUV_UNEVEN[labels] * uneven)
    box, inside, points = patient.lesion.mask(z, y, x)
    image[box][inside] = _lesion(patient, quantity, points)
    return image.astype(np.float32, copy=False)


def _lesion(patient: VirtualPatient, quantity: Quantity, points: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    lesion = patient.lesion
    if quantity == "SUV":
        return lesion.uptake(points)
    core = lesion.radius(points) < lesion.texture.core
    return np.where(core, CORE_HU, LESION_HU) + 5.0 * lesion.field(points)


def average(image: Image, parts: tuple[int, int, int]) -> Image:
    """Mean over blocks of `parts` (z, y, x) voxels: the voxel of the coarser grid."""
    (nz, ny, nx), (pz, py, px) = image.shape, parts
    blocks = image.reshape(nz // pz, pz, ny // py, py, nx // px, px)
    return np.asarray(blocks.mean(axis=(1, 3, 5)), dtype=np.float32)
