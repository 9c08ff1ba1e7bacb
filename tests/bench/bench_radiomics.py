"""Features of one region: all families that are not spatial, beside the field's packages in the same run.

Ours computes 143 features in one thread; the others what they have of the same families, with the threads that they
take by default. Also: memory at two million voxels, and how long a machine that never ran it needs to be ready.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
from scipy import ndimage
from tests.bench.radiomics_peers import BINS, peers
from tests.bench.table import Row, compare, report

from lucidray.quantify.engine import compute
from lucidray.quantify.ibsi import INTENSITY_AND_TEXTURE
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.region import Region
from lucidray.quantify.warm import warm_up

MEASUREMENT = Measurement(
    role="CT",
    modality="CT",
    unit="[hnsf'U]",
    discretisation=Discretisation(method="fixed_bin_number", value=BINS),
    aggregation="3D:mrg",
    families=list(INTENSITY_AND_TEXTURE),
)
SMALL, LARGE = 64, 126  # voxels along an edge: 262,144 and 2,000,376 in all
GOALS = {SMALL: 1 / 25, LARGE: 1 / 12}  # of the fastest of the others
REPETITIONS = {SMALL: 5, LARGE: 3}
MEMORY = 1000.0  # MB
COLD = 10.0  # s

# VmHWM rather than getrusage: that counts what the parent had when it forked.
LARGE_ALONE = """
import re
from pathlib import Path
from tests.bench.bench_radiomics import LARGE, MEASUREMENT, region
from lucidray.quantify.engine import compute
compute(region(LARGE), MEASUREMENT, 1)
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000)
"""


def region(edge: int) -> Region:
    """A cube of smoothed noise in whole numbers, with a voxel around it, for some want a background."""
    noise = np.random.default_rng(edge).normal(size=(edge + 2,) * 3)
    voxels = np.rint(ndimage.gaussian_filter(noise, 1.0) * 1000)
    mask = np.pad(np.ones((edge,) * 3, np.bool_), 1)
    return Region(voxels, mask, mask, (1.0, 1.0, 1.0))


def timed(run: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def sized(edge: int) -> list[Row]:
    """One row for each peer; every repetition measures all of them in turn."""
    known, cube = peers(), region(edge)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in known}
    for repetition in range(REPETITIONS[edge]):
        ours.append(timed(lambda: compute(cube, MEASUREMENT, 1)))
        for name, peer in known.items():
            theirs[name].append(timed(lambda peer=peer: peer(cube, MEASUREMENT)))  # type: ignore[misc]
        print(f"{edge**3:,} voxels, repetition {repetition + 1} of {REPETITIONS[edge]}", flush=True)
    figure = f"features of {edge**3:,} voxels"
    return [compare(figure, ours, "s", name, values, at_most=GOALS[edge]) for name, values in theirs.items()]


def machine() -> list[Row]:
    """Memory, and time to be ready on a machine that never ran it."""
    peak = float(subprocess.run([sys.executable, "-c", LARGE_ALONE], check=True, capture_output=True, text=True).stdout)
    command = [sys.executable, "-m", "lucidray.quantify.warm"]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"NUMBA_CACHE_DIR": folder}
        cold, warm = (
            timed(lambda: subprocess.run(command, env=environment, check=True, capture_output=True)) for _ in range(2)
        )
    return [
        compare("peak memory, 2 million voxels", [peak], "MB", "bound", [MEMORY], at_most=1),
        compare("ready, nothing compiled yet", [cold], "s", "bound", [COLD], at_most=1),
        compare("ready, from what was kept", [warm], "s", "bound", [COLD], at_most=1),
    ]


def main() -> None:
    """Run and report."""
    warm_up()
    report("radiomics", [*sized(SMALL), *sized(LARGE), *machine()])


if __name__ == "__main__":
    main()
