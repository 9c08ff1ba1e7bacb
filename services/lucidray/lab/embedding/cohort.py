"""What a cohort gives: the statistics that a bundle freezes, and how much of an embedding is volume and intensity."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.imaging.crop import crop
from lucidray.imaging.resample import resample_mask
from lucidray.lab.features.measuring import Subject, read_volumes
from lucidray.lab.features.rois import Roi, read_rois
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.preset import Preset
from lucidray.serving.bundle import Bundle
from lucidray.serving.embedding import embed
from lucidray.serving.engine import open_engine
from lucidray.serving.pooling import Component

Floats = npt.NDArray[np.float64]

LEAST = 3  # lesions: fewer have no correlation worth the name
# Of a rank correlation, by custom called strong. Signatures that were volume in disguise: Welch et al. 2019,
# Radiother Oncol 130:2.
REDUNDANT = 0.8
_DIGITS = 6
MM3_PER_ML = 1000


@dataclass(frozen=True)
class CohortEmbedding:
    """Embeddings (lesions, components), not normalised; NaN where undefined."""

    components: Sequence[Component]  # of the first lesion: their names
    values: Floats
    volume: Floats  # of each lesion, ml
    intensity: Floats  # mean of the bundle's first image in each lesion, in its unit


@dataclass(frozen=True)
class Redundancy:
    """Spearman's rank correlation of one component; None where one of the two does not vary."""

    volume: float | None
    intensity: float | None

    @property
    def redundant(self) -> bool:
        """Whether volume or intensity says the same."""
        return max(abs(self.volume or 0), abs(self.intensity or 0)) >= REDUNDANT


def roles_as_preset(bundle: Bundle) -> Preset:
    """The bundle's images as a preset, for reading cohorts."""
    images = bundle.manifest.inputs
    measurements = [
        Measurement(role=each.role, modality=each.modality, unit=each.unit, families=["intensity_statistics"])
        for each in images
    ]
    return Preset(name=bundle.name, title=bundle.name, measurements=measurements)


def embed_subject(bundle: Bundle, subject: Subject) -> list[tuple[list[Component], float, float]]:
    """Embedding, volume and mean intensity of every region of a subject."""
    volumes = read_volumes(subject.images, roles_as_preset(bundle))
    mask = subject.masks.get("") or next(iter(subject.masks.values()))
    found = []
    for roi in read_rois(mask, subject.roi, volumes, any_grid=subject.any_grid):
        components = embed(bundle, open_engine(bundle), volumes, roi.mask, roi.grid)
        volume = float(roi.mask.sum()) * roi.grid.voxel_volume / MM3_PER_ML
        found.append((components, volume, _mean(volumes[bundle.manifest.inputs[0].role], roi)))
    return found


def gather(found: Sequence[tuple[list[Component], float, float]]) -> CohortEmbedding:
    """One row a lesion.

    Raises
    ------
    Permanent
        There are too few.
    """
    if len(found) < LEAST:
        raise Permanent("training cohort", f"it has {len(found)} lesions", f"give {LEAST} or more")
    values = [[np.nan if each.value is None else each.value for each in components] for components, _, _ in found]
    volume, intensity = (np.array([each[at] for each in found]) for at in (1, 2))
    return CohortEmbedding(found[0][0], np.array(values), volume, intensity)


def redundancy(cohort: CohortEmbedding) -> list[Redundancy]:
    """Of each component."""
    return [
        Redundancy(_rank_correlation(column, cohort.volume), _rank_correlation(column, cohort.intensity))
        for column in cohort.values.T
    ]


def statistics_csv(cohort: CohortEmbedding) -> str:
    """What a bundle carries: mean and standard deviation of each component, and its redundancy."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["layer", "component", "mean", "std", "n", "rank_correlation_volume", "rank_correlation_intensity"])
    for component, column, found in zip(cohort.components, cohort.values.T, redundancy(cohort), strict=True):
        known = column[np.isfinite(column)]
        mean, std = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
        figures = [_text(each) for each in (mean, std)]
        writer.writerow(
            [component.layer, component.name, *figures, len(known), _text(found.volume), _text(found.intensity)]
        )
    return buffer.getvalue()


def _mean(volume: Volume, roi: Roi) -> float:
    """NaN where the region covers no voxel of the image."""
    inside = resample_mask(*crop(roi.mask, roi.grid, volume.grid), volume.grid)
    return float(volume.voxels[inside].mean(dtype=np.float64)) if inside.any() else float("nan")


def _rank_correlation(one: Floats, other: Floats) -> float | None:
    both = np.isfinite(one) & np.isfinite(other)
    first, second = one[both], other[both]
    if len(first) < LEAST or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(stats.rankdata(first), stats.rankdata(second))[0, 1])


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.{_DIGITS}g}"
