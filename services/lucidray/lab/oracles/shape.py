"""Morphology and local intensity beside mirp and z-rad: `python -m lucidray.lab.oracles.shape` prints the table.

On the tumours of the sarcoma cohort, PET and MR on their own grids, and on random regions. For tens of minutes: mirp
needs most of them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from rich.progress import track

from lucidray.lab.cohort import data_folder
from lucidray.lab.nifti import read_nifti
from lucidray.lab.oracles.mirp_oracle import mirp_values
from lucidray.quantify.engine import compute
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.region import Region
from lucidray.quantify.sample import Sample

MEASUREMENT = Measurement(role="", modality="OT", unit="1", families=["morphology", "local_intensity"])
WANTED = frozenset(name for name, each in definitions().items() if each.family in MEASUREMENT.families)
TOLERANCE = 1e-6  # relative
_MOST = 50_000  # voxels: of larger regions mirp takes minutes each
# What differs, and why. Everything else has to agree.
EXPLAINED: Mapping[tuple[str, str], str] = {
    ("mirp", "morph_moran_i"): "estimated from samples of 100 voxels where there are 1,000 or more; z-rad sums all",
    ("mirp", "morph_geary_c"): "the same",
    ("mirp", "morph_vol_dens_ombb"): "another search; none of its boxes is smaller than ours",
    ("mirp", "morph_area_dens_ombb"): "it gives the volume density again; the manual wants areas",
    ("mirp", "morph_vol_dens_mvee"): "stopped at a step of 0.001 and not scaled to hold all points; ours is converged",
    ("mirp", "morph_area_dens_mvee"): "the same",
    ("mirp", "morph_area_dens_aee"): "spheroids get their true area, which the manual's series does not give",
    ("mirp", "loc_peak_loc"): "over 300 voxels it continues the image beyond its edge; the manual has no such voxels",
    ("mirp", "loc_peak_glob"): "the same",
    ("z-rad", "loc_peak_loc"): "its radius is 6.2 mm; that of 1 cm3 is 6.2035 mm",
    ("z-rad", "loc_peak_glob"): "the same",
}


@dataclass
class Agreement:
    """Of one feature with one peer."""

    agreeing: int = 0
    differences: list[float] = field(default_factory=list)  # relative, of those that do not agree


def tumours(folder: Path, most: int = _MOST) -> Iterator[Region]:
    """Every tumour, in every image that the cohort has on its own grid, of so many voxels at most."""
    for path in sorted((folder / "native_roi_masked8mm").glob("STS_*/*_image.nii.gz")):
        voxels, grid = read_nifti(path)
        mask, _ = read_nifti(path.with_name(path.name.replace("_image", "_mask")))
        inside = mask > 0
        if inside.sum() <= most:
            yield Region(voxels.astype(np.float64), inside, inside & np.isfinite(voxels), grid.spacing)


def random_regions(count: int) -> Iterator[Region]:
    """Regions of up to 7 x 7 x 7 voxels, of any fill and spacing."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        shape = rng.integers(3, 8, 3)
        mask = rng.random(shape) < rng.uniform(0.2, 0.9)
        z, y, x = (float(step) for step in rng.uniform(0.5, 5, 3))
        if mask.sum() > 3:  # noqa: PLR2004 - z-rad wants axes
            yield Region(rng.normal(40, 9, tuple(shape)), mask, mask, (z, y, x))


def agreements(regions: Iterator[Region]) -> dict[tuple[str, str], Agreement]:
    """By peer and feature."""
    found: dict[tuple[str, str], Agreement] = defaultdict(Agreement)
    names = {each.code: each.abbreviation for each in definitions().values()}
    for region in regions:
        ours = {names[each.ibsi_code]: each.value for each in compute(region, MEASUREMENT, 1)}
        sample = Sample(region, MEASUREMENT, None)
        for peer, measure in _peers().items():
            values = measure(sample)
            for name in WANTED & values.keys():
                _compare(found[peer, name], ours[name], values[name])
    return found


def _peers() -> dict[str, Callable[[Sample], dict[str, float | None]]]:
    """Those that are installed."""
    known = {"mirp": ("mirp", _mirp_values), "z-rad": ("zrad", _zrad_values)}
    return {name: measure for name, (module, measure) in known.items() if find_spec(module)}


def _mirp_values(sample: Sample) -> dict[str, float | None]:
    return mirp_values(sample, WANTED, "3D:mrg")


def _zrad_values(sample: Sample) -> dict[str, float | None]:
    """z-rad's features, if it does not raise for one of them; it knows no oriented box and no least ellipsoid."""
    from zrad.exceptions import DataStructureError
    from zrad.radiomics.intensity import LocalIntensityFeatures
    from zrad.radiomics.morphology import MorphologicalFeatures

    region = sample.region
    spacing, voxels = region.spacing[::-1], region.voxels.T
    inside = np.where(region.intensity_mask.T, voxels, np.nan)
    try:
        found = MorphologicalFeatures(spacing).calculate_features(region.mask.T.astype(np.float64), inside)
    except DataStructureError:  # balls and flat spheroids
        return {}
    found |= LocalIntensityFeatures(spacing).calculate_features(voxels, inside)
    return {name: float(value) if np.isfinite(value) else None for name, value in found.items()}


def _compare(agreement: Agreement, ours: float | None, theirs: float | None) -> None:
    if ours is None or theirs is None:
        difference = 0.0 if ours is theirs else np.inf
    else:
        difference = abs(theirs - ours) / max(abs(ours), TOLERANCE)
    if difference <= TOLERANCE:
        agreement.agreeing += 1
    else:
        agreement.differences.append(difference)


def main() -> None:
    """Print which features agree, and what differs."""
    regions = [*tumours(data_folder()), *random_regions(200)]
    found = agreements(iter(track(regions, "measuring")))
    total = sum(each.agreeing + len(each.differences) for each in found.values())
    print(f"{len(regions)} regions, {total} values, {sum(each.agreeing for each in found.values())} agree to 1e-6")
    for (peer, name), each in sorted(found.items()):
        if each.differences:
            why = EXPLAINED.get((peer, name), "NOT EXPLAINED")
            print(f"{peer} {name}: {len(each.differences)} differ, by up to {max(each.differences):.2g}: {why}")


if __name__ == "__main__":
    main()
