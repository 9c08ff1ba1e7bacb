"""What lies beyond the edge of an image (IBSI-2 manual, section 2.2)."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Boundary = Literal["zero", "nearest", "periodic", "mirror"]
Image = npt.NDArray[np.float64]

# The same four in the words of scipy.ndimage and of numpy.pad; the mirror stands on the outer face of the last voxel.
SCIPY_MODES: dict[Boundary, str] = {"zero": "constant", "nearest": "nearest", "periodic": "wrap", "mirror": "reflect"}
_NUMPY_MODES: dict[Boundary, Any] = {"zero": "constant", "nearest": "edge", "periodic": "wrap", "mirror": "symmetric"}


def pad(image: Image, widths: Sequence[tuple[int, int]], boundary: Boundary) -> Image:
    """The image with (before, after) further voxels along each of its axes."""
    return np.pad(image, widths, mode=_NUMPY_MODES[boundary]) if any(map(any, widths)) else image
