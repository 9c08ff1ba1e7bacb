"""The soft-tissue-sarcoma cohort (TCIA Soft-tissue-Sarcoma, CC BY 3.0) as the steps see patients.

FDG-PET on its native grid with the gross tumour volume, as the IBSI validation data has them; voxels more than
8 mm away from the tumour are blanked there, so only what lies inside the region may be measured.
Vallieres et al., Phys Med Biol 2015;60:5471; doi:10.7937/K9/TCIA.2015.7GO2GSKS.
"""

import csv
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lucidray.contracts.images import Concept, Regions, RegionsFacts, Segment, Volume, VolumeFacts
from lucidray.core.errors import Permanent
from lucidray.lab.nifti import read_nifti
from lucidray.lab.table import Table
from lucidray.quantify.preset import Preset
from lucidray.quantify.step import measure
from lucidray.serving.manifest import FeatureInput

_NEOPLASM = Concept(value="108369006", scheme="SCT", meaning="Neoplasm")
_REPOSITORY = Path(__file__).parents[3]


def data_folder() -> Path:
    """The folder of the cohort, in `LUCIDRAY_DATA`.

    Raises
    ------
    Permanent
        It is not there.
    """
    folder = Path(os.environ.get("LUCIDRAY_DATA", _REPOSITORY.parent / "shared" / "data")) / "sts_cohort"
    if not (folder / "clinical.csv").is_file():
        raise Permanent("sarcoma cohort", "LUCIDRAY_DATA has no sts_cohort/clinical.csv", "set LUCIDRAY_DATA")
    return folder


def outcomes(folder: Path) -> dict[str, bool]:
    """Whether each patient developed lung metastases."""
    with (folder / "clinical.csv").open(encoding="utf-8", newline="") as file:
        return {row["patient_id"]: row["lung_metastasis"] == "1" for row in csv.DictReader(file)}


def load_patient(folder: Path, patient: str) -> tuple[Volume, Regions]:
    """PET in SUV (body weight) and the gross tumour volume on the same grid."""
    place = folder / "native_roi_masked8mm" / patient
    voxels, grid = read_nifti(place / "PET_image.nii.gz")
    mask, _ = read_nifti(place / "PET_mask.nii.gz")
    facts = VolumeFacts(
        grid=grid,
        modality="PT",
        unit="{SUVbw}g/ml",
        study_instance_uid="",
        series_instance_uid="",
        sop_class_uid="",
        sop_instance_uids=[],
    )
    segment = Segment(
        number=1,
        label="GTV",
        category=_NEOPLASM,
        type=_NEOPLASM,
        algorithm_type="MANUAL",
        algorithm_name="GTV_Mass",
        tracking_uid="",
        tracking_id=patient,
    )
    regions = Regions(mask.astype(np.uint8), RegionsFacts(grid=grid, source_role="PET", segments=[segment]))
    return Volume(voxels.astype(np.float32), facts), regions


def feature_table(folder: Path, preset: Preset, inputs: list[FeatureInput], without: Iterable[str]) -> Table:
    """The inputs of a model, measured with the code that serves it.

    Parameters
    ----------
    without
        Patients that are left out: held out of everything.

    Raises
    ------
    Permanent
        A feature is undefined for a patient.
    """
    outcome = outcomes(folder)
    patients = sorted(set(outcome) - set(without))
    rows = []
    for patient in patients:
        volume, regions = load_patient(folder, patient)
        features = [each for one in measure(preset, {"PET": volume}, regions) for each in one.features]
        found = {(each.ibsi_code, each.image_role): each.value for each in features}
        rows.append([_defined(found.get((each.ibsi_code, each.image_role)), each.name, patient) for each in inputs])
    events = np.array([outcome[patient] for patient in patients])
    return Table(patients, [each.name for each in inputs], np.array(rows), events)


def _defined(value: float | None, name: str, patient: str) -> float:
    if value is None:
        raise Permanent(f"feature '{name}' of {patient}", "it is undefined or not in the preset", "choose another")
    return value
