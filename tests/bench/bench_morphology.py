"""Morphology and local intensity of one region, beside mirp and z-rad in the same run.

z-rad 26.9 sums Moran's I and Geary's C by transforms too; up to 26.8 it went pair by pair, as it still does in small
regions: this way of its own is measured as well, where it takes seconds. mirp estimates both, from samples.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from scipy import ndimage
from tests.bench.table import Row, compare, report

from lucidray.lab.oracles.mirp_oracle import mirp_values
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.local_intensity import local_intensity
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.morphology import morphology
from lucidray.quantify.region import Region
from lucidray.quantify.sample import Sample
from lucidray.quantify.threads import one_thread
from lucidray.quantify.warm import warm_up

AUTOCORRELATION = frozenset(["morph_moran_i", "morph_geary_c"])
SHAPE = frozenset(name for name, each in definitions().items() if each.family == "morphology")
PEAKS = frozenset(name for name, each in definitions().items() if each.family == "local_intensity")
LESION, MEDIUM, SMALL, LARGE = 32, 48, 96, 190  # edges of boxes: 9,000, 32,000, 258,000 and 2 million voxels
MEMORY = 1000.0  # MB

LARGE_ALONE = """
import resource
from tests.bench.bench_morphology import LARGE, PEAKS, SHAPE, lesion
from lucidray.quantify.local_intensity import local_intensity
from lucidray.quantify.morphology import morphology
region = lesion(LARGE)
morphology(region, SHAPE)
local_intensity(region, PEAKS)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
"""


def lesion(edge: int) -> Region:
    """A ball with dents, in noise."""
    rng = np.random.default_rng(edge)
    distance = np.sqrt(sum(axis**2 for axis in np.ogrid[tuple([slice(-1, 1, edge * 1j)] * 3)]))
    dents = ndimage.gaussian_filter(rng.normal(size=(edge,) * 3), edge / 12)
    mask = distance < 0.83 + 0.05 * dents / dents.std()
    return Region(rng.normal(40, 9, mask.shape), mask, mask, (1.0, 1.0, 1.0))


def timed(run: Callable[[], object]) -> float:
    """Seconds of the processor in one thread."""
    with one_thread():
        start = time.process_time()
        run()
        return time.process_time() - start


def row(
    figure: str,
    region: Region,
    ours: Callable[[Region], object],
    peer: str,
    theirs: Callable[[Region], object],
    *,
    at_most: float,
    repetitions: int,
) -> Row:
    """Both in turn."""
    pairs = [(timed(lambda: ours(region)), timed(lambda: theirs(region))) for _ in range(repetitions)]
    voxels = int(region.mask.sum())
    print(f"{figure}, {voxels:,} voxels, {peer}: done", flush=True)
    mine, other = zip(*pairs, strict=True)
    return compare(f"{figure}, {voxels:,} voxels", mine, "s", peer, other, at_most=at_most)


def zrad_transforms(region: Region) -> object:
    """Moran's I and Geary's C."""
    from zrad.radiomics.morphology import MorphologyCorrelationFeatures

    inside = np.where(region.intensity_mask, region.voxels, np.nan)
    return MorphologyCorrelationFeatures(region.spacing).calculate_features(region.mask, inside)


def zrad_pairs(region: Region) -> object:
    """The sums of both, pair by pair."""
    from zrad.radiomics.morphology import MorphologyCorrelationFeatures

    values = region.voxels[region.intensity_mask]
    indices = np.argwhere(region.intensity_mask)
    return MorphologyCorrelationFeatures(region.spacing)._blocked_sums(indices, values - values.mean())


def by_mirp(wanted: frozenset[str]) -> Callable[[Region], object]:
    """Features of a family by mirp."""
    measurement = Measurement(role="", modality="OT", unit="1", families=["morphology", "local_intensity"])
    return lambda region: mirp_values(Sample(region, measurement, None), wanted, "3D:mrg")


def beside_zrad() -> list[Row]:
    """Moran's I and Geary's C."""

    def correlated(region: Region) -> object:
        return morphology(region, AUTOCORRELATION)

    name, small, large = "Moran and Geary", lesion(SMALL), lesion(LARGE)
    return [
        row(name, lesion(MEDIUM), correlated, "z-rad, pairs", zrad_pairs, at_most=1 / 20, repetitions=3),
        row(name, small, correlated, "z-rad, transforms", zrad_transforms, at_most=1, repetitions=5),
        row(name, large, correlated, "z-rad, transforms", zrad_transforms, at_most=1, repetitions=3),
    ]


def beside_mirp() -> list[Row]:
    """Everything."""

    def shaped(region: Region) -> object:
        return morphology(region, SHAPE)

    def peaked(region: Region) -> object:
        return local_intensity(region, PEAKS)

    small = lesion(SMALL)
    return [
        row("morphology", lesion(LESION), shaped, "mirp", by_mirp(SHAPE), at_most=1 / 20, repetitions=3),
        row("morphology", small, shaped, "mirp", by_mirp(SHAPE), at_most=1 / 8, repetitions=3),
        row("local intensity", small, peaked, "mirp", by_mirp(PEAKS), at_most=1 / 10, repetitions=3),
    ]


def main() -> None:
    """Run and report."""
    warm_up()
    peak = float(subprocess.run([sys.executable, "-c", LARGE_ALONE], check=True, capture_output=True, text=True).stdout)
    rows = [compare("peak memory, 2 million voxels", [peak], "MB", "bound", [MEMORY], at_most=1)]
    for module, how, measure in (
        ("zrad", "pip install --no-deps z-rad, and SimpleITK", beside_zrad),
        ("mirp", "pip install mirp==2.7.0", beside_mirp),
    ):
        if find_spec(module):
            rows += measure()
        else:
            print(f"{module} is not installed: no row; {how}")
    report("morphology", rows)


if __name__ == "__main__":
    main()
