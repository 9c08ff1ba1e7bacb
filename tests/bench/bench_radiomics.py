"""Features of one region: all families that are not spatial, beside the field's packages in the same run.

Ours computes 170 features, every one of the IBSI's first chapter but Moran's I, Geary's C and local intensity; the
others what they have of the same families. All take the threads that they take by default, and we as many as there
are processors; pictologics and we once more with one thread. Also: memory at two million voxels, and how long a
machine that never ran it needs to be ready.
"""

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from tests.bench.pictologics_peer import Pictologics
from tests.bench.radiomics_peers import BINS, peers
from tests.bench.table import Row, compare, report
from tests.bench.tumour import tumour

from lucidray.quantify.engine import compute
from lucidray.quantify.ibsi import INTENSITY_AND_TEXTURE
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.warm import warm_up

MEASUREMENT = Measurement(
    role="CT",
    modality="CT",
    unit="[hnsf'U]",
    discretisation=Discretisation(method="fixed_bin_number", value=BINS),
    aggregation="3D:mrg",
    families=["morphology", *INTENSITY_AND_TEXTURE],
    without=["morans_i_index", "gearys_c_measure"],
)
SMALL, LARGE = 262_144, 2_000_000  # voxels
GOALS = {SMALL: 1 / 25, LARGE: 1 / 12}  # of the fastest of the others
REPETITIONS = {SMALL: 7, LARGE: 3}
AS_FAST = 1.5  # times pictologics, both with one thread
THREADS = len(os.sched_getaffinity(0))
MEMORY = 1000.0  # MB
COLD = 10.0  # s

# VmHWM rather than getrusage: that counts what the parent had when it forked.
LARGE_ALONE = """
import re
from pathlib import Path
from tests.bench.bench_radiomics import LARGE, MEASUREMENT, THREADS
from tests.bench.tumour import tumour
from lucidray.quantify.engine import compute
region = tumour(LARGE)
Path("/proc/self/clear_refs").write_text("5")  # what it took to make the region does not count
compute(region, MEASUREMENT, 1, threads=THREADS)
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000)
"""


def timed(run: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def sized(count: int) -> list[Row]:
    """One row for each peer; every repetition measures all of them in turn."""
    region, known = tumour(count), peers()
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in known}
    features: dict[str, int] = {}
    for repetition in range(REPETITIONS[count]):
        ours.append(timed(lambda: compute(region, MEASUREMENT, 1, threads=THREADS)))
        for name, peer in known.items():
            start = time.perf_counter()
            features[name] = peer(region, MEASUREMENT)
            theirs[name].append(time.perf_counter() - start)
        print(f"{count:,} voxels, repetition {repetition + 1} of {REPETITIONS[count]}", flush=True)
    figure = f"170 features of {count:,} voxels, {THREADS} threads"
    return [
        compare(figure, ours, "s", f"{name}, {features[name]} columns", values, at_most=GOALS[count])
        for name, values in theirs.items()
    ]


def beside_pictologics(count: int) -> list[Row]:
    """With one thread, and with all."""
    region, rows = tumour(count), []
    for threads, goal in ((1, AS_FAST), (THREADS, math.inf)):
        with Pictologics.start(region, BINS, threads) as peer:
            pairs = [
                (timed(lambda threads=threads: compute(region, MEASUREMENT, 1, threads=threads)), peer.seconds())  # type: ignore[misc]
                for _ in range(2 * REPETITIONS[count])
            ]
        figure = f"170 features of {count:,} voxels, threads: {threads}"
        label = f"pictologics, {peer.features} features"
        rows.append(compare(figure, [one for one, _ in pairs], "s", label, [two for _, two in pairs], at_most=goal))
    return rows


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
    rows = [row for count in (SMALL, LARGE) if Pictologics.present() for row in beside_pictologics(count)]
    report("radiomics", [*sized(SMALL), *sized(LARGE), *rows, *machine()])


if __name__ == "__main__":
    main()
