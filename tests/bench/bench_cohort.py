"""The sarcoma cohort, PET and CT, every family of the preset pet-ct-full: patients a minute and core.

51 patients of LUCIDRAY_DATA/sts_cohort/iso3mm_ctpet (3 mm, CT in steps of 2 HU) as NIfTI files. `lucidray features`
measures all of them, its processes included; mirp measures some, each right after ours, from the same files with the
same processing. Exact Moran's I and Geary's C are part of ours; mirp estimates them on large regions.
"""

import os
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
from rich.console import Console
from tests.bench.table import Row, compare, report

from lucidray.lab.features.cohort import read_cohort
from lucidray.lab.features.measuring import Subject, measure_subject
from lucidray.lab.features.run import run_cohort
from lucidray.lab.features.tables import wide
from lucidray.quantify.preset import load_preset
from lucidray.quantify.warm import warm_up

DATA = Path(os.environ.get("LUCIDRAY_DATA", "../shared/data")) / "sts_cohort" / "iso3mm_ctpet"
PRESET = load_preset("pet-ct-full")
PATIENTS_OF_PEER = int(os.environ.get("BENCH_PATIENTS", "8"))
PEER_GOAL = 0.1  # of mirp's time
SCALING_GOAL = 0.8  # patients a minute and core with two jobs, of those with one
FAMILIES = ["morphological", "local_intensity", "statistics", "intensity_histogram", "intensity_volume_histogram"]
TEXTURES = ["glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm"]


def main() -> None:
    """Run and report."""
    if not DATA.is_dir():
        raise SystemExit("bench-cohort needs the sarcoma cohort: set LUCIDRAY_DATA")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in sorted(DATA.glob("*.npz")):
            write_patient(file, folder / "cohort" / file.stem)
        subjects = read_cohort(folder / "cohort", PRESET)
        warm_up()
        rates = {jobs: rate(subjects, folder / f"{jobs}.csv", jobs) for jobs in (1, 2)}
        ours, theirs = pairs(subjects[:: max(1, len(subjects) // PATIENTS_OF_PEER)])
    ratio = rates[2] / rates[1]
    scaling = Row(
        f"{len(subjects)} patients, --jobs 2",
        rates[2],
        "patients/min/core",
        "--jobs 1",
        rates[1],
        ratio,
        ratio,
        ratio,
        f">= {SCALING_GOAL}",
        ratio >= SCALING_GOAL,
    )
    report("cohort", [compare("a patient, PET and CT", ours, "s", "mirp", theirs, at_most=PEER_GOAL), scaling])


def rate(subjects: list[Subject], output: Path, jobs: int) -> float:
    """Patients a minute and core of a whole run, from its start to its table."""
    start = time.perf_counter()
    outcome = run_cohort(subjects, PRESET, output, jobs=jobs, shape=wide, engine="", console=Console(stderr=True))
    elapsed = time.perf_counter() - start
    assert not outcome.failures, outcome.failures
    return outcome.lesions * 60 / elapsed / jobs


def pairs(subjects: list[Subject]) -> tuple[list[float], list[float]]:
    """Seconds of ours and of mirp for each patient, one after the other."""
    ours, theirs = [], []
    for subject in subjects:
        ours.append(seconds(partial(measure_subject, subject, PRESET)))
        theirs.append(seconds(partial(by_mirp, subject)))
    return ours, theirs


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def by_mirp(subject: Subject) -> None:
    """The processing of the preset."""
    from mirp import extract_features

    common = {
        "base_feature_families": [*FAMILIES, *TEXTURES],
        "base_discretisation_method": "fixed_bin_size",
        **{f"{each}_spatial_method": "3d_volume_merge" for each in ("glcm", "glrlm")},
        **{f"{each}_spatial_method": "3d" for each in ("glszm", "gldzm", "ngtdm", "ngldm")},
    }
    pet = {"image_modality": "pet", "new_spacing": 3.0, "base_discretisation_bin_width": 0.5}
    ct = {"image_modality": "ct", "new_spacing": 2.0, "base_discretisation_bin_width": 25.0}
    limits = {"PET": [0.0, np.nan], "CT": [-500.0, 400.0]}
    for role, settings in (("PET", pet), ("CT", ct)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            extract_features(
                image=str(subject.images[role]),
                mask=str(subject.masks[""]),
                resegmentation_intensity_range=limits[role],
                **common,
                **settings,
            )


def write_patient(file: Path, folder: Path) -> None:
    """PET in SUV, CT in HU and the tumour as NIfTI, from the cohort's compressed arrays (z, y, x)."""
    with np.load(file) as arrays:
        spacing = np.broadcast_to(np.asarray(arrays["spacing_mm"], np.float64), 3)
        affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.diag([*spacing, 1.0])
        folder.mkdir(parents=True)
        write(folder / "PET_image.nii", arrays["pet_suv_x20"].astype(np.float32) / 20, affine)
        write(folder / "CT_image.nii", arrays["ct_u8"].astype(np.int16) * 2 - 250, affine)
        write(folder / "mask.nii", arrays["gtv"].astype(np.uint8), affine)


def write(path: Path, voxels: npt.NDArray[np.generic], affine: npt.NDArray[np.float64]) -> None:
    """A NIfTI file of an array (z, y, x)."""
    nibabel.save(nibabel.Nifti1Image(voxels.transpose(2, 1, 0), affine), path)


if __name__ == "__main__":
    main()
