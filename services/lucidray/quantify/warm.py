"""Compile every loop, and load what takes long, before a case waits for it.

`python -m lucidray.quantify.warm` prints how long that took.
"""

import time

import numpy as np

from lucidray.quantify.engine import compute
from lucidray.quantify.ibsi import FAMILY_CODES
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.region import Region


def warm_up() -> float:
    """Measure a region of a few voxels in slices and as a volume; the seconds that it took.

    What is compiled is kept on disk for this processor: the first time takes seconds, every other one milliseconds.
    """
    start = time.perf_counter()
    voxels = np.arange(1.0, 28.0).reshape(3, 3, 3)
    mask = np.ones(voxels.shape, np.bool_)
    measurement = Measurement(
        role="",
        modality="OT",
        unit="1",
        discretisation=Discretisation(method="none", value=None),
        aggregation=["2D:avg", "3D:mrg"],
        families=list(FAMILY_CODES),
    )
    compute(Region(voxels, mask, mask, (1.0, 1.0, 1.0)), measurement, 1)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(f"loops of quantify compiled or loaded in {warm_up():.1f} s")
