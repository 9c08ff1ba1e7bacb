"""Filters as presets name them."""

from typing import Literal

from pydantic import Field

from lucidray.quantify.processing import Model

Boundary = Literal["constant", "nearest", "periodic", "mirror"]
# IBSI-2 manual, section on boundary conditions, in the words of scipy.ndimage.
_SCIPY_MODES: dict[Boundary, str] = {
    "constant": "constant",
    "nearest": "nearest",
    "periodic": "wrap",
    "mirror": "reflect",
}


class Mean(Model):
    """Mean filter (IBSI code S60F)."""

    kind: Literal["mean"] = "mean"
    support: int = Field(ge=1, description="Voxels along an axis")
    boundary: Boundary = "mirror"

    @property
    def label(self) -> str:
        """Name of the response map in results."""
        return f"mean {self.support} {self.boundary}"

    @property
    def margin(self) -> float:
        """How far the filter looks, in voxels: what the image must have around a region."""
        return self.support / 2

    @property
    def scipy_mode(self) -> str:
        return _SCIPY_MODES[self.boundary]
