"""Every lesion of a cohort measured again and again, by the engine that serves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from rich.console import Console

from lucidray.contracts.grid import Grid, Vector
from lucidray.contracts.images import Volume
from lucidray.contracts.results import Feature
from lucidray.core.errors import LucidrayError, Permanent
from lucidray.lab.features.lesion import LesionRow
from lucidray.lab.features.measuring import Subject, measure_subject, read_volumes
from lucidray.lab.features.rois import Roi, read_rois
from lucidray.lab.features.run import progress_bar
from lucidray.lab.features.workers import run_each
from lucidray.lab.robustness.embedded import embedded
from lucidray.lab.robustness.perturbation import Chain, Lesion, generator, perturbed, perturbed_together
from lucidray.quantify.extraction import features_of
from lucidray.quantify.hybrid.measure import measure_hybrid
from lucidray.quantify.measurement import Measurement
from lucidray.quantify.preset import Preset

T = TypeVar("T")


@dataclass(frozen=True)
class Repeated:
    """One lesion: its features of every measurement, or why there are none."""

    name: str
    measurements: list[list[Feature]]
    reason: str = ""


@dataclass(frozen=True)
class Perturbations:
    """Measures a subject's lesions under draws of a chain."""

    preset: Preset
    chain: Chain
    repeats: int
    seed: int

    def __call__(self, subject: Subject) -> list[Repeated]:
        try:
            volumes = read_volumes(subject.images, self.preset)
            mask = subject.masks.get("") or next(iter(subject.masks.values()))
            rois = read_rois(mask, subject.roi, volumes, any_grid=subject.any_grid)
        except LucidrayError as error:
            return [Repeated(subject.name, [], str(error))]
        return [self._lesion(f"{subject.name} {roi.name}", roi, volumes) for roi in rois]

    def _lesion(self, name: str, roi: Roi, volumes: dict[str, Volume]) -> Repeated:
        lesions = {role: Lesion(name, volume, roi.mask, roi.grid) for role, volume in volumes.items()}
        try:
            return Repeated(name, [self._measured(lesions, repeat) for repeat in range(self.repeats)])
        except LucidrayError as error:
            return Repeated(name, [], str(error))

    def _measured(self, lesions: dict[str, Lesion], repeat: int) -> list[Feature]:
        """One draw, the same for every image: measurements on their own grids, hybrids on their common one."""
        found: list[Feature] = []
        for measurement in self.preset.measurements:
            if measurement.role in lesions:
                lesion = lesions[measurement.role]
                draws = generator(self.seed, lesion.name, repeat)
                spacing = _spacing(measurement, lesion.volume.grid)
                other = perturbed(lesion, spacing, self.chain, draws, measurement.interpolation)
                found += features_of(other.volume, other.mask, other.grid, measurement)
        for hybrid in self.preset.hybrids:
            if set(hybrid.roles) <= set(lesions):
                pair = [lesions[role] for role in hybrid.roles]
                draws = generator(self.seed, pair[0].name, repeat)
                others = perturbed_together(pair, hybrid.spacing, self.chain, draws, hybrid.measurement.interpolation)
                volumes = {role: each.volume for role, each in zip(hybrid.roles, others, strict=True)}
                found += measure_hybrid(hybrid, volumes, others[0].mask, others[0].grid, 1).features
        name = next(iter(lesions.values())).name
        for wanted in self.preset.deep:
            found += embedded(wanted, lesions, self.chain, generator(self.seed, name, repeat))
        return found


def perturb_cohort(subjects: Sequence[Subject], work: Perturbations, jobs: int, console: Console) -> list[Repeated]:
    """All lesions of all subjects, in their order; with a progress bar."""
    return [lesion for found in _each(subjects, work, jobs, console) for lesion in found]


def read_again(subjects: Sequence[Subject], preset: Preset, jobs: int, console: Console) -> list[Repeated]:
    """Lesions by the name of their subject: every region and mask that a name has is the reading of one reader."""
    readings: dict[str, list[LesionRow]] = {}
    for subject, rows in zip(subjects, _each(subjects, partial(_read, preset), jobs, console), strict=True):
        readings.setdefault(subject.name, []).extend(rows)
    return [_repeated(name, rows) for name, rows in readings.items()]


def _each(
    subjects: Sequence[Subject], work: Callable[[Subject], list[T]], jobs: int, console: Console
) -> list[list[T]]:
    """What the work gives for each subject, in their order.

    Raises
    ------
    Permanent
        A process died: without one of the subjects the others' figures are not what was asked for.
    """
    found: list[list[T]] = [[] for _ in subjects]
    with progress_bar(console) as progress:
        bar = progress.add_task("measured", total=len(subjects), failed="")
        for at, result, exit_code in run_each(work, subjects, jobs):
            if result is None:
                raise Permanent(
                    f"subject '{subjects[at].name}'",
                    f"its process ended with exit code {exit_code}",
                    "run with fewer --jobs: it may have been too little memory",
                )
            found[at] = result
            progress.update(bar, advance=1)
    return found


def _repeated(name: str, rows: list[LesionRow]) -> Repeated:
    reasons = "; ".join(row.reason for row in rows if row.reason)
    return Repeated(name, [] if reasons else [row.features for row in rows], reasons)


def _read(preset: Preset, subject: Subject) -> list[LesionRow]:
    try:
        return measure_subject(subject, preset)
    except LucidrayError as error:
        return [LesionRow(subject=subject.name, status="failed", reason=str(error))]


def _spacing(measurement: Measurement, native: Grid) -> Vector | None:
    if measurement.spacing is None:
        return None
    z, y, x = (own if step is None else step for step, own in zip(measurement.spacing, native.spacing, strict=True))
    return z, y, x
