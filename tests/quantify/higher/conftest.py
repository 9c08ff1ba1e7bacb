"""Regions to measure."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lucidray.quantify.region import Region

MakeRegion = Callable[..., Region]


@pytest.fixture(scope="session")
def make_region() -> MakeRegion:
    def make(
        voxels: npt.NDArray[Any],
        mask: npt.NDArray[np.bool_] | None = None,
        spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> Region:
        inside = np.ones(voxels.shape, bool) if mask is None else mask
        return Region(voxels.astype(np.float64), inside, inside & np.isfinite(voxels), spacing)

    return make


@pytest.fixture(scope="session")
def ragged() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Noise that is smooth on small scales, and a region of no symmetry away from the border."""
    rng = np.random.default_rng(12)
    z, y, x = np.indices((22, 24, 26))
    mask = ((z - 10) / 6) ** 2 + ((y - 12) / 8) ** 2 + ((x - 12) / 9) ** 2 + 0.3 * np.sin(x + y) < 1
    return rng.normal(size=mask.shape).cumsum(axis=0) + 100, mask
