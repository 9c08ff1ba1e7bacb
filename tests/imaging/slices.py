"""Headers of synthetic slices for tests."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom import Dataset

FRAME = "1.2.3.4"
AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def headers(
    heights: Sequence[float],
    *,
    cosines: tuple[Sequence[float], Sequence[float]] = AXIAL,
    origin: Sequence[float] = (-10.0, -20.0, 0.0),
    size: tuple[int, int] = (4, 6),
    pixel: tuple[float, float] = (2.0, 1.5),
) -> list[Dataset]:
    """One header per height along the normal, mm."""
    along, down = np.array(cosines[0]), np.array(cosines[1])
    normal = np.cross(along, down)
    found = []
    for height in heights:
        one = Dataset()
        one.ImageOrientationPatient = [*along.tolist(), *down.tolist()]
        one.ImagePositionPatient = (np.array(origin) + height * normal).tolist()
        one.PixelSpacing = list(pixel)
        one.Rows, one.Columns = size
        one.FrameOfReferenceUID = FRAME
        found.append(one)
    return found


def changed(dataset: Dataset, **elements: Any) -> Dataset:
    """A copy with other elements; None removes one."""
    copy = Dataset()
    copy.update(dataset)
    for keyword, value in elements.items():
        if value is None:
            delattr(copy, keyword)
        else:
            setattr(copy, keyword, value)
    return copy
