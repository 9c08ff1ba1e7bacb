"""pyradiomics' own baselines beside our values, as they are and with the named differences of definition applied.

Each baseline names the settings that it was made with; these go through the importer, as a parameter file would. What
docs/radiomics-pyradiomics.md names as a difference is applied here to our values, and nothing else.
"""

import ast
import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lucidray.contracts.images import Volume
from lucidray.imaging.geometry import to_patient
from lucidray.imaging.resample import resample
from lucidray.lab.features.images import read_image
from lucidray.lab.features.pyradiomics.parameters import FAMILIES, equivalents, to_preset
from lucidray.lab.features.rois import Roi, read_rois
from lucidray.quantify import extract
from lucidray.quantify.ibsi import definitions

IMAGES = ("brain1", "breast1")  # the others' images are not there
EXACT = 1e-9  # relative
_ZERO = 1e-12
# Of first-order features: SimpleITK normalises in single precision; a resampled intensity next to a whole number
# may be cut to that or to the one before.
_LOOSE = {"normalization": 2e-7, "resampling": 5e-5}
# Saddles of the surface are cut otherwise in pyradiomics' table of triangles; breast1 has none.
_SURFACE = frozenset({"MeshVolume", "SurfaceArea", "Sphericity", "SurfaceVolumeRatio"})
_SADDLES = 0.005
# pyradiomics gives these a number by convention in a flat region, where the manual leaves them undefined.
_CONVENTIONS = frozenset({"Correlation", "Imc1"})


@dataclass(frozen=True)
class Baseline:
    """What pyradiomics measured of a class in an image under some settings."""

    image: str
    case: str
    settings: Mapping[str, Any]
    values: Mapping[str, float]


@dataclass(frozen=True)
class Value:
    """One value of a baseline, ours, and ours with the named differences applied; None where it is undefined."""

    family: str
    baseline: Baseline
    name: str
    theirs: float
    ours: float | None
    applied: float | None
    tolerance: float  # relative

    @property
    def equal(self) -> bool:
        """Without any difference applied."""
        return self.ours is not None and math.isclose(self.ours, self.theirs, rel_tol=EXACT, abs_tol=_ZERO)

    @property
    def met(self) -> bool:
        """With the named differences applied."""
        if self.applied is None:
            return self.baseline.case == "flatRegion" and self.name in _CONVENTIONS
        return math.isclose(self.applied, self.theirs, rel_tol=self.tolerance, abs_tol=_ZERO)


def values(data: Path) -> Iterator[Value]:
    """All of them, class by class; `data` is the folder of the baselines."""
    for family in FAMILIES:
        for baseline in _baselines(data, family):
            volume, roi = _processed(data, baseline)
            ours = _measured(baseline, family, volume, roi)
            for name, theirs in baseline.values.items():
                if name in ours:
                    applied = _applied(baseline, name, ours[name], volume, roi)
                    yield Value(family, baseline, name, theirs, ours[name], applied, _tolerance(baseline, family, name))


@cache
def _baselines(data: Path, family: str) -> list[Baseline]:
    with (data / "baseline" / f"baseline_{family}.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    found = []
    for at, name in enumerate(header):
        cells = {row[0]: row[at] for row in rows}
        image, _, case = name.partition("_")
        if image in IMAGES:
            own = {
                key.split("_")[2]: float(cell) for key, cell in cells.items() if key.startswith("original_") and cell
            }
            found.append(Baseline(image, case, ast.literal_eval(cells["diagnostics_Configuration_Settings"]), own))
    return found


@cache
def _image(data: Path, name: str) -> tuple[Volume, Roi]:
    volume = read_image(data / f"{name}_image.nrrd", "MR", "1")
    (roi,) = read_rois(data / f"{name}_label.nrrd", "1", {"MR": volume})
    return volume, roi


def _processed(data: Path, baseline: Baseline) -> tuple[Volume, Roi]:
    """The image and its region after the processing that is not honoured, or done on another grid."""
    volume, roi = _image(data, baseline.image)
    if baseline.settings.get("normalize"):
        voxels = volume.voxels.astype(np.float64)
        voxels = (voxels - voxels.mean()) / voxels.std(ddof=1) * baseline.settings["normalizeScale"]
        volume = Volume(voxels.astype(np.float32), volume.facts)
    if baseline.settings.get("resampledPixelSpacing"):
        volume, roi = _resampled(volume, roi, baseline.settings["resampledPixelSpacing"][::-1])
    return volume, roi


def _resampled(volume: Volume, roi: Roi, spacing: Sequence[float]) -> tuple[Volume, Roi]:
    """On a grid with the same corner, as pyradiomics has it; intensities stay whole numbers, by cutting."""
    before, step = np.array(volume.grid.spacing), np.array(spacing, np.float64)
    x, y, z = (float(part) for part in to_patient(volume.grid, (step - before)[None] / 2 / before)[0])
    count = np.ceil(np.array(volume.grid.shape) * before / step).astype(int)
    shape, steps = (int(count[0]), int(count[1]), int(count[2])), (float(step[0]), float(step[1]), float(step[2]))
    grid = volume.grid.model_copy(update={"shape": shape, "spacing": steps, "origin": (x, y, z)})
    voxels = np.trunc(resample(volume.voxels.astype(np.float64), volume.grid, grid, interpolation="cubic"))
    mask = resample(roi.mask, volume.grid, grid, interpolation="nearest")
    facts = volume.facts.model_copy(update={"grid": grid})
    return Volume(voxels.astype(np.float32), facts), Roi(roi.number, roi.name, mask, grid)


def _measured(baseline: Baseline, family: str, volume: Volume, roi: Roi) -> dict[str, float | None]:
    """By the name that pyradiomics gives a feature."""
    settings = {name: value for name, value in baseline.settings.items() if name != "resampledPixelSpacing"}
    preset, _ = to_preset({"setting": settings, "featureClass": {family: None}}, "baseline", "MR")
    by_code = {each.ibsi_code: each.value for each in extract(volume, roi.mask, preset, mask_grid=roi.grid)}
    known = {name: each.abbreviation for name, each in equivalents()[family].items() if each.abbreviation}
    return {name: by_code[definitions()[abbreviation].code] for name, abbreviation in known.items()}


def _applied(baseline: Baseline, name: str, ours: float | None, volume: Volume, roi: Roi) -> float | None:
    """Our value with what differs by definition."""
    if ours is None:
        return None
    shift = baseline.settings.get("voxelArrayShift")
    if name == "Kurtosis":  # not less 3
        return ours + 3
    if name in ("Energy", "RootMeanSquared") and shift:  # of shifted intensities
        squares = (volume.voxels[roi.mask].astype(np.float64) + shift) ** 2
        return float(squares.sum() if name == "Energy" else math.sqrt(squares.mean()))
    if name.endswith("AxisLength"):  # covariances are divided by N
        count = int(roi.mask.sum())
        return ours * math.sqrt((count - 1) / count)
    return ours


def _tolerance(baseline: Baseline, family: str, name: str) -> float:
    if family == "firstorder":
        return _LOOSE.get(baseline.case, EXACT)
    return _SADDLES if baseline.image == "brain1" and name in _SURFACE else EXACT
