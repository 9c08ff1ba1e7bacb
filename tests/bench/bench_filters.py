"""A bank of 100 response maps with all their features on a crop of 100 x 100 x 100 voxels, against mirp.

Ours measures the whole bank. mirp takes the better part of an hour for it, so that it is given one filter of each kind,
and so are we, in turn: the ratio is of these. `--whole` gives both the whole bank.
"""

import sys
import time
import warnings
from itertools import product
from typing import Any

import numpy as np
from tests.bench.table import Row, compare, report

from lucidray.lab.oracles.mirp_filters import mirp_options
from lucidray.quantify.engine import compute
from lucidray.quantify.filters import FilterSpec, response
from lucidray.quantify.filters.specs import Gabor, LaplacianOfGaussian, Laws, Mean, Simoncelli, Wavelet
from lucidray.quantify.ibsi import TEXTURE
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.processing import Discretisation
from lucidray.quantify.region import Region
from lucidray.quantify.warm import warm_up

GOAL = 0.1
BINS = 32
FAMILIES = ("intensity_statistics", "intensity_histogram", *TEXTURE)


def bank() -> list[FilterSpec]:
    """100 filters."""
    found: list[FilterSpec] = [Mean(support=size) for size in (3, 5, 7, 9)]
    found += [LaplacianOfGaussian(sigma=sigma) for sigma in np.arange(1.0, 5.1, 0.5).tolist()]
    kernels = ["".join(each) for each in product(("L5", "E5", "S5"), repeat=3)]
    found += [Laws(kernels=each, pooling="max", energy=7) for each in (*kernels, "W5W5W5", "R5R5R5", "E3W5R5")]
    for family, level, bands in product(("haar", "db3", "coif1"), (1, 2), product("LH", repeat=3)):
        found.append(Wavelet(family=family, bands="".join(bands), level=level, pooling="mean"))
    for sigma, wavelength in product((2.0, 5.0), (2.0, 4.0, 8.0)):
        found.append(Gabor(sigma=sigma, wavelength=wavelength, gamma=1.5, step=45, orthogonal=True))
    return [*found, *(Simoncelli(level=level) for level in (1, 2, 3))]


def main() -> None:
    """Run and report."""
    warm_up()
    filters = bank()
    some = filters if "--whole" in sys.argv else list({each.kind: each for each in filters}.values())
    region = _region()
    ours, theirs = [], []
    for spec in some:
        ours.append(_seconds(lambda spec=spec: compute(region, _measurement([spec]), 1)))
        theirs.append(_seconds(lambda spec=spec: _mirp(region, spec)))
        print(f"{spec.label}: {ours[-1]:.2f} s, mirp {theirs[-1]:.1f} s", flush=True)
    name = f"one map and its features, median of {len(some)}"
    rows: list[Row] = [compare(name, ours, "s", "mirp", theirs, at_most=GOAL)]
    maps = [_seconds(lambda spec=spec: response(region.voxels, region.spacing, spec)) for spec in filters]
    whole = _seconds(lambda: compute(region, _measurement(filters), 1))
    print(f"the whole bank of {len(filters)}: {whole:.0f} s, of which the maps {sum(maps):.0f} s")
    report("filters", rows)


def _region() -> Region:
    voxels = np.random.default_rng(1).normal(0, 100, (100, 100, 100))
    mask = np.square(np.indices(voxels.shape) - 49.5).sum(axis=0) <= 40**2
    return Region(voxels, mask, mask, (1.0, 1.0, 1.0))


def _measurement(filters: list[FilterSpec]) -> Measurement:
    return Measurement(
        role="CT",
        modality="OT",
        unit="1",
        families=["minkowski"],  # one is needed, and this takes milliseconds
        filters=filters,
        filter_families=list(FAMILIES),
        filter_discretisation=Discretisation(method="fixed_bin_number", value=BINS),
    )


def _mirp(region: Region, spec: FilterSpec) -> None:
    import mirp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mirp.extract_features(
            image=region.voxels,
            mask=region.mask.astype(np.uint8),
            base_feature_families="none",
            response_map_feature_families=["statistical", "intensity_histogram", *TEXTURE],
            response_map_discretisation_method="fixed_bin_number",
            response_map_discretisation_n_bins=BINS,
            **mirp_options(spec),
        )


def _seconds(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
