"""Images to filter."""

import numpy as np
import numpy.typing as npt
import pytest


@pytest.fixture
def noise() -> npt.NDArray[np.float64]:
    """Odd and even sizes, so that no axis can stand for another."""
    return np.random.default_rng(1).normal(100, 20, (17, 22, 19))
